//! The installation in a cluster.

use kube::core::DynamicObject;
use oci_crds::{
    KIND,
    conditions::{condition, metadata::SHARD},
};
use serde_json::{Value, json};

use super::{Finding, Findings, kind, webhook};
use crate::{
    cluster::{Access, Anything, ClusterError, Filter, Kind, Named, Repositories, Stored},
    error::Error,
    install::{Bucket, Manifests, NAMESPACE, OURS, Overlay, PART_OF, scope},
};

/// The controller's account, and as the API server names it.
const CONTROLLER: &str = "oci-controller";
const ACCOUNT: &str = "system:serviceaccount:oci-system:oci-controller";

/// Looks at everything. An error means that the API server could not be asked.
pub(crate) async fn installation(access: &Access) -> Result<Findings, Error> {
    let cluster = Anything::of(access.clone());
    let mut findings = Findings::default();
    let Some(kind) = kind::look(&cluster, &mut findings).await? else { return Ok(findings) };
    let deployments = cluster.list(&Kind::new("apps/v1", "Deployment"), &format!("{PART_OF}={OURS}")).await?;
    if deployments.is_empty() {
        findings.add(Finding::fault("programs", "none is installed", "`kubectl oci install`"));
    }
    for deployment in &deployments {
        findings.extend(program(deployment));
    }
    findings.extend(webhook::look(&cluster, &kind).await?);
    let controllers: Vec<_> = deployments.iter().filter_map(scope).collect();
    if !controllers.is_empty() {
        findings.add(rights(&cluster).await?);
        findings.extend(flux(&cluster, &controllers).await?);
    }
    findings.add(objects(access).await?);
    Ok(findings)
}

/// Whether all replicas are there, and what will become of what they store.
fn program(deployment: &DynamicObject) -> Vec<Finding> {
    let name = deployment.metadata.name.clone().unwrap_or_default();
    let number = |pointer: &str| deployment.data.pointer(pointer).and_then(Value::as_i64).unwrap_or_default();
    let (wanted, available) = (number("/spec/replicas"), number("/status/availableReplicas"));
    let about = format!("program {name}");
    let text = format!("{available} of {wanted} available");
    let mut all = vec![if available >= wanted {
        Finding::good(&about, text)
    } else {
        let look =
            format!("`kubectl describe pods -n {NAMESPACE} -l app.kubernetes.io/name={name}` says why");
        Finding::fault(&about, text, look)
    }];
    let text = |pointer: &str| deployment.data.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let image = text("/spec/template/spec/containers/0/image");
    if !image.contains(concat!(":v", env!("CARGO_PKG_VERSION"))) {
        let message = format!("runs {image}, and this is kubectl-oci {}", env!("CARGO_PKG_VERSION"));
        all.push(Finding::note(&about, message, "update the older one; neighbouring releases work together"));
    }
    let volumes = deployment.data.pointer("/spec/template/spec/volumes").and_then(Value::as_array);
    let is_lost = |volume: &Value| volume["name"] == "data" && volume.get("emptyDir").is_some();
    let variables = deployment.data.pointer("/spec/template/spec/containers/0/env").and_then(Value::as_array);
    let arguments =
        deployment.data.pointer("/spec/template/spec/containers/0/args").and_then(Value::as_array);
    let said = |argument: &Value| argument.as_str().is_some_and(|flag| flag.starts_with("--storage-bucket="));
    let bucket = variables.into_iter().flatten().any(|variable| variable["name"] == "STORAGE_BUCKET")
        || arguments.into_iter().flatten().any(said);
    if volumes.into_iter().flatten().any(is_lost) && !bucket {
        let remedy = "a PersistentVolumeClaim or a bucket keeps them (docs/guide/storage.md)";
        all.push(Finding::note(&about, "artifacts are lost with the pod, and downloaded again", remedy));
    }
    all
}

/// Whether the controller may do what this version's roles would let it.
async fn rights(cluster: &Anything) -> Result<Finding, Error> {
    let wanted = Manifests::of(Overlay::Single, &Bucket::default(), None)?.rights(CONTROLLER);
    let mut missing = Vec::new();
    for (verb, group, resource) in wanted {
        let (resource, subresource) = resource.split_once('/').unwrap_or((&resource, ""));
        let attributes = json!({ "verb": verb, "group": group, "resource": resource, "subresource": subresource,
                "namespace": NAMESPACE });
        let groups = ["system:serviceaccounts", "system:authenticated"];
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": { "user": ACCOUNT, "groups": groups, "resourceAttributes": attributes },
        });
        match cluster.create(&review).await {
            Ok(answer) if answer.data.pointer("/status/allowed") == Some(&json!(true)) => {}
            Ok(_) => missing.push(format!("{verb} {resource} {subresource}").trim_end().to_owned()),
            Err(ClusterError::Refused { status, .. }) if status.is_forbidden() => {
                let remedy = "ask somebody who may create SubjectAccessReviews";
                return Ok(Finding::note("rights", "you may not ask what the controller may do", remedy));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(if missing.is_empty() {
        Finding::good("rights", "the controller may do what it needs")
    } else {
        let message = format!("the controller may not {}", missing.join(", "));
        Finding::fault("rights", message, "`kubectl oci install` sets its roles again")
    })
}

/// Whether Flux's source-controller works on the same objects.
async fn flux(cluster: &Anything, controllers: &[Option<String>]) -> Result<Option<Finding>, ClusterError> {
    let kind = Kind::new("apps/v1", "Deployment");
    let named =
        Named { kind, namespace: Some("flux-system".to_owned()), name: "source-controller".to_owned() };
    let Some(found) = cluster.find(&named).await? else { return Ok(None) };
    let theirs = scope(&found).flatten();
    Ok(Some(if are_apart(theirs.as_deref(), controllers) {
        Finding::good("Flux", "source-controller leaves our objects alone")
    } else {
        let message = "source-controller works on the same objects".to_owned();
        let remedy = format!("start it with `--watch-label-selector=!{SHARD}` (docs/guide/migration.md)");
        Finding::fault("Flux", message, remedy)
    }))
}

fn is_ready(object: &Stored) -> bool {
    object.state().condition(condition::READY).is_some_and(|ready| ready.status == "True")
}

async fn objects(access: &Access) -> Result<Finding, ClusterError> {
    let all = Repositories::everywhere(access).list(Filter::default()).await?;
    let ready = all.iter().filter(|object| is_ready(object)).count();
    let suspended = all.iter().filter(|object| object.is_suspended()).count();
    let text = format!("{ready} of {} {KIND} are ready, {suspended} suspended", all.len());
    Ok(if ready + suspended >= all.len() {
        Finding::good("objects", text)
    } else {
        Finding::note("objects", text, "`kubectl oci get -A` shows which are not, and why")
    })
}

/// Whether source-controller, by its selector, and ours have no object in common.
fn are_apart(theirs: Option<&str>, ours: &[Option<String>]) -> bool {
    let shards_only = ours.iter().all(|ours| ours.as_ref().is_some_and(|ours| !ours.starts_with('!')));
    shards_only && theirs.is_some_and(|theirs| theirs == format!("!{SHARD}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controllers_are_apart_if_flux_leaves_shards_and_ours_have_nothing_else() {
        let (rest, shard) = (format!("!{SHARD}"), Some(format!("{SHARD}=oci")));
        assert!(are_apart(Some(&rest), std::slice::from_ref(&shard)));
        for (theirs, ours) in [
            (None, &shard),
            (Some("a=b"), &shard),
            (Some(&*rest), &None),
            (Some(&*rest), &Some(rest.clone())),
        ] {
            assert!(!are_apart(theirs, std::slice::from_ref(ours)), "{theirs:?} {ours:?}");
        }
    }
}
