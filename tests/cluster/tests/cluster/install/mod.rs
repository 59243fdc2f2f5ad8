//! Installing into the real API server, what runs then, and what is left after uninstalling. Controllers of Kubernetes
//! finish deletions; in place of a node there is the harness's kubelet, where a test asks for it.

mod cert_manager;
mod chart;
mod desk;
mod flags;
mod guides;
mod ha;
mod kinds;
mod lifecycle;
mod migration;
mod people;
mod pods;
mod references;
mod rights;
mod running;
mod tour;

use std::{collections::BTreeMap, path::Path, process::Command};

use kube::{
    Api,
    api::{ApiResource, DynamicObject, GroupVersionKind, ListParams},
};
use oci_testkit::{
    control_plane::{ControlPlane, Ran},
    tools::{self, workspace},
};
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard, OnceCell};

/// Everything of ours has this label.
const OURS: &str = "app.kubernetes.io/part-of=kubectl-oci";

/// All overlays; the one beside Flux last, whose CRD stays.
pub(crate) const OVERLAYS: [&str; 6] = ["single", "ha", "sharded", "cert-manager", "policy", "beside-flux"];

/// Every kind that an overlay has objects of.
const KINDS: [(&str, &str); 17] = [
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("apps/v1", "Deployment"),
    ("cert-manager.io/v1", "Certificate"),
    ("cert-manager.io/v1", "Issuer"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("policy/v1", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("v1", "ConfigMap"),
    ("v1", "Namespace"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
];

/// The kind.
const CRD: &str = "crd/ocirepositories.source.toolkit.fluxcd.io";

static CLUSTER: OnceCell<Mutex<ControlPlane>> = OnceCell::const_new();

/// The cluster of all these tests, for one after the other: each installs into the whole of it, and leaves nothing.
async fn cluster() -> MutexGuard<'static, ControlPlane> {
    let all = CLUSTER.get_or_init(async || Mutex::new(ControlPlane::start_with_controllers().await)).await;
    let plane = all.lock().await;
    // Flux's CRD, and what a test left that failed.
    if !installed(&plane).await.is_empty() || plane.run(&["get", CRD]).await.code == 0 {
        plane.run(&["label", "--overwrite", CRD, OURS]).await;
        plugin(&plane, &["uninstall", "--crds", "--yes"]).await.succeeded();
    }
    plane
}

/// The objects of a text by `Kind namespace/name`.
fn by_name(text: &str) -> BTreeMap<String, Value> {
    let documents = text.split("\n---\n").filter(|text| text.contains("kind:"));
    let objects = documents.map(oci_testkit::cases::yaml);
    let part = |object: &Value, name: &str| object["metadata"][name].as_str().unwrap_or_default().to_owned();
    let named = |object: Value| {
        let kind = object["kind"].as_str().unwrap().to_owned();
        (format!("{kind} {}/{}", part(&object, "namespace"), part(&object, "name")), object)
    };
    objects.map(named).collect()
}

/// What an overlay of `deploy` installs; no cluster is asked.
pub(crate) async fn overlay(name: &str) -> BTreeMap<String, Value> {
    kustomized(&workspace().join("deploy/overlays").join(name)).await
}

/// What a kustomization installs.
async fn kustomized(folder: &Path) -> BTreeMap<String, Value> {
    let mut kubectl = tools::command("kubectl").unwrap();
    kubectl.arg("kustomize").arg(folder);
    by_name(&Ran::of(kubectl).await.succeeded())
}

/// The plugin as the administrator.
async fn plugin(plane: &ControlPlane, arguments: &[&str]) -> Ran {
    let mut command = Command::new(tools::program("kubectl-oci").unwrap());
    command.env_clear().env("KUBECONFIG", plane.kubeconfig()).env("PATH", "/usr/bin:/bin").args(arguments);
    Ran::of(command).await
}

fn resource(api_version: &str, kind: &str) -> ApiResource {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

fn api(plane: &ControlPlane, api_version: &str, kind: &str) -> Api<DynamicObject> {
    Api::all_with(plane.client(), &resource(api_version, kind))
}

/// The objects in the namespace of the installation.
fn namespaced(plane: &ControlPlane, api_version: &str, kind: &str) -> Api<DynamicObject> {
    Api::namespaced_with(plane.client(), "oci-system", &resource(api_version, kind))
}

/// Everything of ours that is there, with its version: `Kind namespace/name version`.
async fn installed(plane: &ControlPlane) -> Vec<String> {
    let mut all = Vec::new();
    for (api_version, kind) in KINDS {
        match api(plane, api_version, kind).list(&ListParams::default().labels(OURS)).await {
            Ok(list) => all.extend(list.items.iter().map(|object| {
                let metadata = &object.metadata;
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                let (namespace, name) = (text(&metadata.namespace), text(&metadata.name));
                format!("{kind} {namespace}/{name} {}", text(&metadata.resource_version))
            })),
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => panic!("{kind}: {error}"),
        }
    }
    all
}
