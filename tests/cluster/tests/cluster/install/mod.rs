//! Installing into the real API server, and what is left after uninstalling. Controllers of Kubernetes finish deletions;
//! there is no node, so no pod ever runs.

mod lifecycle;

use std::process::Command;

use kube::{
    Api,
    api::{ApiResource, DynamicObject, GroupVersionKind, ListParams},
};
use oci_testkit::{
    control_plane::{ControlPlane, Ran},
    tools,
};

/// Everything of ours has this label.
const OURS: &str = "app.kubernetes.io/part-of=kubectl-oci";

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

/// The plugin as the administrator.
async fn plugin(plane: &ControlPlane, arguments: &[&str]) -> Ran {
    let mut command = Command::new(tools::program("kubectl-oci").unwrap());
    command.env_clear().env("KUBECONFIG", plane.kubeconfig()).env("PATH", "/usr/bin:/bin").args(arguments);
    Ran::of(command).await
}

fn api(plane: &ControlPlane, api_version: &str, kind: &str) -> Api<DynamicObject> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    Api::all_with(plane.client(), &ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind)))
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
