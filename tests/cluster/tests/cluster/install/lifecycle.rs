//! `kubectl oci install` and `uninstall`, overlay by overlay.

use kube::api::{Patch, PatchParams};
use oci_testkit::control_plane::{ControlPlane, eventually};
use serde_json::json;

use super::{CRD, OURS, OVERLAYS, cluster, installed, plugin, running::LONG};
use crate::{
    flux::{self, Release},
    objects::{apply, object, repositories},
    world::manifests,
};

/// Two kinds of cert-manager, which itself is not there: they hold whatever they are given.
pub(super) async fn cert_manager(plane: &ControlPlane) {
    let crd = |kind: &str, plural: &str| {
        let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("{plural}.cert-manager.io") },
            "spec": {
                "group": "cert-manager.io", "scope": "Namespaced",
                "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase() },
                "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
            },
        })
    };
    for (kind, plural) in [("Certificate", "certificates"), ("Issuer", "issuers")] {
        plane.apply(&crd(kind, plural).to_string()).await;
        let kind = format!("crd/{plural}.cert-manager.io");
        plane.run(&["wait", "--for=condition=Established", &kind]).await.succeeded();
    }
}

#[tokio::test]
async fn every_overlay_is_installed_twice_without_drift_and_leaves_nothing() {
    let plane = cluster().await;
    cert_manager(&plane).await;
    for overlay in OVERLAYS {
        let flag = format!("--overlay={overlay}");
        if overlay == "beside-flux" {
            flux::install(&plane, Release::V1_10).await;
        }
        let mut install = vec!["install", &flag, "--no-wait"];
        if overlay == "ha" {
            install.push("--bucket=s3://artifacts");
        }
        plugin(&plane, &install).await.succeeded();
        let first = installed(&plane).await;
        let again = plugin(&plane, &install).await;
        let told: Vec<&str> = again.stderr.lines().filter(|line| line.starts_with('✔')).collect();
        let unchanged = told.iter().all(|line| line.ends_with(" unchanged"));
        assert!(again.code == 0 && unchanged && told.len() == first.len(), "{overlay}: {again}\n{first:#?}");
        assert_eq!(installed(&plane).await, first, "{overlay}: nothing was written the second time");

        // As anybody installs the same by kubectl: the manifests are the same ones.
        let by_kubectl = plane.try_apply(&manifests(&plane, &format!("overlays/{overlay}")).await).await;
        assert_eq!(by_kubectl.code, 0, "{overlay}: {by_kubectl}");

        plugin(&plane, &["uninstall", "--crds", "--yes"]).await.succeeded();
        assert_eq!(installed(&plane).await, Vec::<String>::new(), "{overlay}");
        let namespace = plane.run(&["get", "namespace", "oci-system"]).await.failed();
        assert!(namespace.contains("NotFound"), "{overlay}: {namespace}");
        let crd = plane.run(&["get", CRD]).await;
        assert_eq!(crd.code == 0, overlay == "beside-flux", "{overlay}: Flux's CRD stays, ours goes: {crd}");
    }
    let again = plugin(&plane, &["uninstall"]).await;
    assert!(again.code == 0 && again.stderr.contains("nothing is installed"), "{again}");
}

/// With an object that a controller has seen.
async fn with_object(plane: &ControlPlane) -> String {
    plugin(plane, &["install", "--no-wait"]).await.succeeded();
    held_object(plane).await
}

/// An object that a controller has seen, in a namespace of its own.
pub(super) async fn held_object(plane: &ControlPlane) -> String {
    let namespace = plane.namespace().await;
    let api = repositories(plane.client(), &namespace, "v1");
    let spec = json!({ "url": "oci://ghcr.io/org/app", "interval": "5m" });
    eventually("the kind", LONG, async || apply(&api, &object("app", "v1", &spec)).await).await;
    let finalizer = json!({ "metadata": { "finalizers": [oci_crds::conditions::metadata::FINALIZER] } });
    api.patch("app", &PatchParams::default(), &Patch::Merge(finalizer)).await.unwrap();
    namespace
}

async fn namespace_goes(plane: &ControlPlane, namespace: &str) {
    plane.run(&["delete", "namespace", namespace, "--timeout=60s"]).await.succeeded();
}

#[tokio::test]
async fn uninstalled_without_the_kind_objects_stay_readable_and_can_be_deleted() {
    let plane = cluster().await;
    let namespace = with_object(&plane).await;
    let api = repositories(plane.client(), &namespace, "v1");
    let more = json!({ "metadata": { "finalizers": [oci_crds::conditions::metadata::FINALIZER, "example.com/held"] } });
    api.patch("app", &PatchParams::default(), &Patch::Merge(&more)).await.unwrap();
    let told = plugin(&plane, &["uninstall"]).await;
    assert!(told.code == 0 && told.stderr.contains("1 OCIRepository released"), "{told}");
    let left = api.get("app").await.unwrap().metadata.finalizers;
    assert_eq!(left.as_deref(), Some(&["example.com/held".to_owned()][..]), "that of somebody else stays");
    let none = json!({ "metadata": { "finalizers": null } });
    api.patch("app", &PatchParams::default(), &Patch::Merge(&none)).await.unwrap();
    // Nobody converts any more but the API server.
    let older = repositories(plane.client(), &namespace, "v1beta2").get("app").await.unwrap();
    assert_eq!(older.data["spec"]["url"], "oci://ghcr.io/org/app");
    namespace_goes(&plane, &namespace).await;
}

#[tokio::test]
async fn uninstalled_with_the_kind_objects_go_with_it() {
    let plane = cluster().await;
    with_object(&plane).await;
    let before = installed(&plane).await;
    let held = async |plane: &ControlPlane| {
        let words = ["get", "ocirepositories", "-A", "-o", "jsonpath={.items[*].metadata.finalizers[*]}"];
        plane.run(&words).await.succeeded()
    };
    let refused = plugin(&plane, &["uninstall", "--crds"]).await;
    assert!(refused.code == 2 && refused.stderr.contains("--yes"), "{refused}");
    let rehearsed = plugin(&plane, &["uninstall", "--crds", "--dry-run"]).await;
    assert!(rehearsed.code == 0 && rehearsed.stderr.contains("would be deleted"), "{rehearsed}");
    assert!(rehearsed.stderr.contains("1 OCIRepository would be released"), "{rehearsed}");
    assert_eq!(installed(&plane).await, before, "nothing was written");
    assert_eq!(held(&plane).await, "finalizers.fluxcd.io");
    plugin(&plane, &["uninstall", "--crds", "--yes"]).await.succeeded();
    assert_eq!(installed(&plane).await, Vec::<String>::new());
}

/// By hand, the programs first and then the kind: nobody is left who would take the finalizer off.
#[tokio::test]
async fn uninstalled_in_the_wrong_order_no_object_is_stuck() {
    let plane = cluster().await;
    let namespace = with_object(&plane).await;
    plane.run(&["delete", "namespace", "oci-system", "--timeout=60s"]).await.succeeded();
    plane.run(&["delete", CRD, "--wait=false"]).await.succeeded();
    plugin(&plane, &["uninstall"]).await.succeeded();
    plane.run(&["wait", "--for=delete", CRD, "--timeout=60s"]).await.succeeded();
    namespace_goes(&plane, &namespace).await;
}

#[tokio::test]
async fn install_leaves_what_is_flux_s_alone() {
    let plane = cluster().await;
    flux::install(&plane, Release::V1_10).await;
    let refused = plugin(&plane, &["install", "--no-wait"]).await;
    assert!(refused.code == 2 && refused.stderr.contains("belongs to Flux"), "{refused}");
    assert!(refused.stderr.contains("beside-flux") && installed(&plane).await.is_empty(), "{refused}");
    let before = plane.run(&["get", CRD, "-o", "jsonpath={.metadata.resourceVersion}"]).await.succeeded();
    plugin(&plane, &["install", "--overlay=beside-flux", "--no-wait"]).await.succeeded();
    let namespace = plane.namespace().await;
    let api = repositories(plane.client(), &namespace, "v1");
    let held = json!([oci_crds::conditions::metadata::FINALIZER]);
    for (name, labels) in [("ours", json!({ "sharding.fluxcd.io/key": "oci" })), ("theirs", json!({}))] {
        let mut one = object(name, "v1", &json!({ "url": "oci://ghcr.io/org/app", "interval": "5m" }));
        one["metadata"]["labels"] = labels;
        one["metadata"]["finalizers"] = held.clone();
        eventually("the kind", LONG, async || apply(&api, &one).await).await;
    }
    plugin(&plane, &["uninstall", "--crds", "--yes"]).await.succeeded();
    let after = plane.run(&["get", CRD, "-o", "jsonpath={.metadata.resourceVersion}"]).await.succeeded();
    assert_eq!(before, after, "Flux's CRD is never written");
    let finalizers =
        async |name: &str| api.get(name).await.unwrap().metadata.finalizers.unwrap_or_default().len();
    assert_eq!((finalizers("ours").await, finalizers("theirs").await), (0, 1));
    assert_eq!(installed(&plane).await, Vec::<String>::new(), "{OURS}");
}
