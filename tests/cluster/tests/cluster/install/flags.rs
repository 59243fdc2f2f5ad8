//! What `install` and `uninstall` do when something is there that is somebody else's, and when they are only rehearsed.

use oci_crds::conditions::metadata::FINALIZER;
use oci_testkit::control_plane::eventually;
use serde_json::json;

use super::{CRD, OURS, cluster, installed, lifecycle::cert_manager, plugin, running::LONG};
use crate::objects::{apply, object, repositories};

/// What was there before, or was made by hand, keeps its namespace; nothing of ours stays in it.
#[tokio::test]
async fn uninstalled_from_a_namespace_of_somebody_else_nothing_but_it_stays() {
    let plane = cluster().await;
    cert_manager(&plane).await;
    for overlay in ["ha", "cert-manager"] {
        let flag = format!("--overlay={overlay}");
        let mut install = vec!["install", &flag, "--no-wait"];
        if overlay == "ha" {
            install.push("--bucket=s3://artifacts");
        }
        plugin(&plane, &install).await.succeeded();
        // As the webhook makes its own.
        plane.run(&["create", "secret", "generic", "oci-webhook-tls", "-n", "oci-system"]).await.succeeded();
        plane.run(&["label", "secret/oci-webhook-tls", "-n", "oci-system", OURS]).await.succeeded();
        let unlabelled = format!("{}-", OURS.split('=').next().unwrap());
        plane.run(&["label", "namespace/oci-system", &unlabelled]).await.succeeded();
        // As a release of the chart leaves the kind that was in another namespace.
        let elsewhere = json!([{ "op": "replace", "path": "/spec/conversion/webhook/clientConfig/service/namespace",
            "value": "elsewhere" }]);
        plane.run(&["patch", CRD, "--type=json", "-p", &elsewhere.to_string()]).await.succeeded();
        plugin(&plane, &["uninstall"]).await.succeeded();
        let strategy =
            plane.run(&["get", CRD, "-o", "jsonpath={.spec.conversion.strategy}"]).await.succeeded();
        assert_eq!(strategy, "None", "{overlay}");
        let left = installed(&plane).await;
        assert!(left.len() == 1 && left[0].starts_with("CustomResourceDefinition "), "{overlay}: {left:?}");
        let secrets = plane.run(&["get", "secrets", "-n", "oci-system", "-o", "name"]).await.succeeded();
        assert_eq!(secrets, "", "{overlay}");
        // Of nobody, the kind stays too.
        plane.run(&["label", CRD, &unlabelled]).await.succeeded();
        let told = plugin(&plane, &["uninstall", "--crds", "--yes"]).await;
        assert!(told.code == 0 && told.stderr.contains("nothing is installed"), "{overlay}: {told}");
        plane.run(&["label", CRD, OURS]).await.succeeded();
        plugin(&plane, &["uninstall", "--crds", "--yes"]).await.succeeded();
        assert_eq!(installed(&plane).await, Vec::<String>::new(), "{overlay}");
        plane.run(&["delete", "namespace/oci-system", "--timeout=60s"]).await.succeeded();
    }
}

/// It would never end if an object were held by a finalizer that nobody takes off.
#[tokio::test]
async fn uninstalled_with_the_kind_objects_of_no_shard_go_with_it() {
    let plane = cluster().await;
    plugin(&plane, &["install", "--overlay=sharded", "--no-wait"]).await.succeeded();
    let namespace = plane.namespace().await;
    let api = repositories(plane.client(), &namespace, "v1");
    let mut one = object("app", "v1", &json!({ "url": "oci://ghcr.io/org/app", "interval": "5m" }));
    one["metadata"]["labels"] = json!({ "sharding.fluxcd.io/key": "nobody" });
    one["metadata"]["finalizers"] = json!([FINALIZER]);
    eventually("the kind", LONG, async || apply(&api, &one).await).await;
    plugin(&plane, &["uninstall", "--crds", "--yes", "--timeout=1m"]).await.succeeded();
    assert_eq!(installed(&plane).await, Vec::<String>::new());
}

#[tokio::test]
async fn rehearsed_installation_says_what_it_would_do_and_writes_nothing() {
    let plane = cluster().await;
    let told = plugin(&plane, &["install", "--dry-run"]).await;
    let lines: Vec<&str> = told.stderr.lines().filter(|line| line.starts_with('✔')).collect();
    assert!(told.code == 0 && lines.len() > 10, "{told}");
    assert!(lines.iter().all(|line| line.ends_with(" would be created")), "{told}");
    assert_eq!(installed(&plane).await, Vec::<String>::new());

    plugin(&plane, &["install", "--no-wait"]).await.succeeded();
    let before = installed(&plane).await;
    let told = plugin(&plane, &["install", "--dry-run", "--registry=mirror.example"]).await;
    let changed: Vec<&str> =
        told.stderr.lines().filter(|line| line.ends_with(" would be configured")).collect();
    let unchanged = told.stderr.lines().filter(|line| line.ends_with(" unchanged")).count();
    assert!(changed.len() == 2 && changed.iter().all(|line| line.contains("Deployment")), "{told}");
    assert_eq!(changed.len() + unchanged, before.len(), "{told}");
    assert_eq!(installed(&plane).await, before);
    let told = plugin(&plane, &["uninstall", "--crds", "--yes", "--no-wait"]).await;
    assert!(told.code == 0 && !told.stderr.contains("waiting"), "{told}");
    plane.run(&["wait", "--for=delete", "namespace/oci-system", CRD, "--timeout=60s"]).await.succeeded();
}

#[tokio::test]
async fn install_takes_fields_of_somebody_else_only_when_told_so() {
    let plane = cluster().await;
    plugin(&plane, &["install", "--no-wait"]).await.succeeded();
    let scale = ["scale", "deployment/oci-webhook", "-n", "oci-system", "--replicas=5"];
    plane.run(&scale).await.succeeded();
    let replicas = async || {
        let words = ["get", "deployment/oci-webhook", "-n", "oci-system", "-o", "jsonpath={.spec.replicas}"];
        plane.run(&words).await.succeeded()
    };
    let refused = plugin(&plane, &["install", "--no-wait"]).await;
    assert!(refused.code == 2 && refused.stderr.contains("`--force-conflicts`"), "{refused}");
    assert_eq!(replicas().await, "5");
    plugin(&plane, &["install", "--no-wait", "--force-conflicts"]).await.succeeded();
    assert_eq!(replicas().await, "1");
    plugin(&plane, &["uninstall", "--crds", "--yes"]).await.succeeded();
}

#[tokio::test]
async fn install_ends_where_the_kind_is_not_served() {
    let plane = cluster().await;
    // Another one has its name already.
    let other = format!("others.{}", oci_crds::GROUP);
    let schema = json!({ "type": "object" });
    let taken = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": { "name": other },
        "spec": {
            "group": oci_crds::GROUP, "scope": "Namespaced",
            "names": { "kind": oci_crds::KIND, "plural": "others" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
        },
    });
    plane.apply(&taken.to_string()).await;
    let established = async |name: &str| {
        plane.run(&["wait", "--for=condition=Established", name]).await.succeeded();
    };
    established(&format!("crd/{other}")).await;
    let told = plugin(&plane, &["install", "--no-wait", "--timeout=5s"]).await;
    assert!(told.code == 2 && !told.stderr.contains("Deployment"), "{told}");
    plane.run(&["delete", "crd", &other]).await.succeeded();
    established(CRD).await;
    plugin(&plane, &["uninstall", "--crds", "--yes"]).await.succeeded();
}
