//! Whether the API server asks the webhook, and gets an answer.

use kube::core::DynamicObject;
use oci_crds::{GROUP, KIND};
use serde_json::{Value, json};

use super::Finding;
use crate::cluster::{Anything, Applying, ClusterError, Kind, Named};

/// What the API server says if it gets no answer.
const CALLING: &str = "failed calling webhook";
const CONVERTING: &str = "conversion webhook";

/// Looks at the configuration, and has the API server judge an object that every webhook refuses.
pub(super) async fn look(cluster: &Anything, crd: &DynamicObject) -> Result<Vec<Finding>, ClusterError> {
    let mut all = vec![admission(cluster).await?];
    if crd.data.pointer("/spec/conversion/strategy") == Some(&json!("Webhook")) {
        all.push(conversion(cluster, crd).await?);
    }
    Ok(all)
}

async fn admission(cluster: &Anything) -> Result<Finding, ClusterError> {
    let about = "webhook";
    // Valid to the schema, and nothing that could be run.
    let bad = json!({
        "apiVersion": format!("{GROUP}/v1"), "kind": KIND,
        "metadata": { "name": "kubectl-oci-doctor", "namespace": "default" },
        "spec": { "url": "oci://registry.example/doctor", "interval": "0s" },
    });
    match cluster.apply(&bad, Applying { force: false, dry_run: true }).await {
        Ok(_) => {
            let kind = Kind::new("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration");
            let named = Named { kind, namespace: None, name: "oci-webhook".to_owned() };
            Ok(match cluster.find(&named).await? {
                None => Finding::note(
                    about,
                    "there is none: wrong objects are accepted and fail later",
                    "`kubectl oci install`, or `--overlay policy` for a policy of the API server",
                ),
                Some(found) => Finding::fault(
                    about,
                    unasked(&found),
                    "look at the pods of `oci-webhook`, and at its log",
                ),
            })
        }
        Err(ClusterError::Refused { status, .. }) if status.message.contains(CALLING) => Ok(Finding::fault(
            about,
            status.message.clone(),
            "look at the pods of `oci-webhook`; until it answers, `kubectl delete validatingwebhookconfiguration \
             oci-webhook` lets objects be written",
        )),
        Err(ClusterError::Refused { status, .. }) if status.message.contains("denied") => {
            Ok(Finding::good(about, "the API server asks it, and a wrong object is refused"))
        }
        Err(ClusterError::Refused { status, .. }) if status.is_forbidden() => {
            let remedy = "ask somebody who may create objects in the namespace `default`";
            Ok(Finding::note(about, "you may not try out an object", remedy))
        }
        Err(error) => Err(error),
    }
}

/// Why a webhook that is configured was not asked.
fn unasked(configuration: &DynamicObject) -> String {
    let text =
        |pointer: &str| configuration.data.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let why = if text("/webhooks/0/clientConfig/caBundle").is_empty() {
        "its configuration has no `caBundle`: the webhook has not published its certificate"
    } else {
        "the API server does not reach it, or does not trust its certificate"
    };
    format!("{why}; by its failurePolicy ({}) wrong objects are accepted", text("/webhooks/0/failurePolicy"))
}

/// Reads one object in either version, of which one has to be converted; false if there is none. A list alone shows
/// nothing: the API server has at hand what it converted before.
async fn read_either(cluster: &Anything) -> Result<bool, ClusterError> {
    let kind = |version: &str| Kind::new(&format!("{GROUP}/{version}"), KIND);
    let Some(one) = cluster.list_some(&kind("v1beta2"), 1).await?.pop() else { return Ok(false) };
    for version in ["v1beta2", "v1"] {
        let (namespace, name) = (one.metadata.namespace.clone(), one.metadata.name.clone());
        cluster.find(&Named { kind: kind(version), namespace, name: name.unwrap_or_default() }).await?;
    }
    Ok(true)
}

async fn conversion(cluster: &Anything, crd: &DynamicObject) -> Result<Finding, ClusterError> {
    let about = "conversion";
    if let Some(gone) = gone(cluster, crd).await? {
        return Ok(Finding::fault(
            about,
            format!(
                "the CRD has {gone} convert, which is not there: objects cannot be had in another version"
            ),
            "`kubectl oci uninstall` lets the API server convert by itself, `kubectl oci install` brings the webhook \
             back",
        ));
    }
    match read_either(cluster).await {
        Ok(false) => Ok(Finding::good(about, "there is no object yet to convert")),
        Ok(_) => Ok(Finding::good(about, "objects are read in either version")),
        Err(ClusterError::NoApi { .. }) => Ok(Finding::good(about, "there is one version")),
        Err(ClusterError::Refused { status, .. }) if status.message.contains(CONVERTING) => {
            Ok(Finding::fault(
                about,
                status.message.clone(),
                "look at the pods of `oci-webhook`; `strategy: None` in the CRD lets the API server convert by itself \
             (docs/guide/troubleshooting.md)",
            ))
        }
        Err(error) => Err(error),
    }
}

/// The Service that converts, if it is not there: after `helm uninstall`, which keeps the CRD.
async fn gone(cluster: &Anything, crd: &DynamicObject) -> Result<Option<Named>, ClusterError> {
    let service = crd.data.pointer("/spec/conversion/webhook/clientConfig/service");
    let text = |field: &str| service.and_then(|service| service.get(field)?.as_str()).map(str::to_owned);
    let (Some(namespace), Some(name)) = (text("namespace"), text("name")) else { return Ok(None) };
    let named = Named { kind: Kind::new("v1", "Service"), namespace: Some(namespace), name };
    Ok(if cluster.find(&named).await?.is_none() { Some(named) } else { None })
}
