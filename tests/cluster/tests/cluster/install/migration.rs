//! From Flux's source-controller and back, object by object.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::{
    CRD, cluster, installed, plugin,
    running::{ended, label, started, tenant},
};
use crate::{
    controller::{push::Image, tenant::Tenant},
    flux::{self, Release},
};

/// The object as source-controller leaves it when it has made it ready.
async fn made_ready_by_flux(tenant: &Tenant<'_>, revision: &str) -> Value {
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let finalizer = json!({ "metadata": { "finalizers": ["finalizers.fluxcd.io"] } });
    tenant.patch("app", &finalizer).await;
    let hex = revision.rsplit(':').next().unwrap();
    let path = format!("ocirepository/{}/app/sha256:{hex}.tar.gz", tenant.namespace);
    let base = "http://source-controller.flux-system.svc.cluster.local.";
    let condition = |kind: &str| {
        json!({
            "type": kind, "status": "True", "reason": "Succeeded", "observedGeneration": 1,
            "lastTransitionTime": "2026-11-01T10:00:00Z", "message": format!("stored artifact for digest '{revision}'"),
        })
    };
    let status = json!({ "status": {
        "artifact": {
            "digest": "sha256:6f2b3b4a9a1c8f0d6d1f2b7d8d3a7f4f0f5a6c9e2b1d3c5e7f9a0b2c4d6e8f01",
            "lastUpdateTime": "2026-11-01T10:00:00Z",
            "path": path, "revision": revision, "size": 1113, "url": format!("{base}/{path}"),
            "metadata": { "org.opencontainers.image.created": "2026-10-30T08:00:00Z" },
        },
        "conditions": [condition("Ready"), condition("ArtifactInStorage")],
        "observedGeneration": 1,
        "url": format!("{base}/ocirepository/{}/app/latest.tar.gz", tenant.namespace),
    } });
    let parameters =
        PatchParams { field_manager: Some("source-controller".into()), ..PatchParams::default() };
    tenant.api.patch_status("app", &parameters, &Patch::Merge(status)).await.unwrap();
    tenant.get("app").await
}

#[tokio::test]
async fn object_moves_from_flux_by_its_label_and_back() {
    let plane = cluster().await;
    flux::install(&plane, Release::V1_10).await;
    let pods = started(&plane, "beside-flux", &["oci-controller"]).await;
    let (moving, staying) = (tenant(&plane).await, tenant(&plane).await);
    let digest = Image::saying("one").push(&moving.registry, "org/app", "v1");
    let revision = format!("v1@{digest}");
    let (before, stays) =
        (made_ready_by_flux(&moving, &revision).await, made_ready_by_flux(&staying, &revision).await);

    label(&moving, &json!("oci")).await;
    let ours = format!("http://127.0.0.1:{}/", pods.1[0].port("http"));
    let is_ours = |object: &Value| {
        let url = object["status"]["artifact"]["url"].as_str().unwrap_or_default();
        url.starts_with(&ours)
    };
    moving.until("app", "to be ours", is_ours).await;
    let moved = moving.ready("app").await;
    assert_eq!(moved["status"]["artifact"]["revision"], before["status"]["artifact"]["revision"]);
    assert_eq!(moved["status"]["artifact"]["path"], before["status"]["artifact"]["path"]);
    assert_eq!(moved["metadata"]["finalizers"], before["metadata"]["finalizers"]);
    assert_eq!(moving.files(&moved).await["app.yaml"], "one");
    let conditions = moved["status"]["conditions"].as_array().unwrap();
    assert_eq!(conditions.len(), 2, "of each type one: {conditions:?}");

    label(&moving, &Value::Null).await;
    let left = moving.get("app").await;
    // What we write is written, once another object of ours is ready.
    let marker = tenant(&plane).await;
    marker.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    label(&marker, &json!("oci")).await;
    marker.ready("app").await;
    assert_eq!(moving.get("app").await, left, "it is Flux's: neither released nor written");
    assert_eq!(left["status"], moved["status"]);
    ended(&plane, pods).await;
    assert_eq!(moving.get("app").await, left, "uninstalling leaves what is Flux's");
    assert_eq!(staying.get("app").await, stays);
}

#[tokio::test]
async fn kind_changes_hands_and_goes_back_with_its_objects() {
    let plane = cluster().await;
    flux::install(&plane, Release::V1_10).await;
    let tenant = tenant(&plane).await;
    let before = made_ready_by_flux(&tenant, &format!("v1@sha256:{}", "1".repeat(64))).await;
    let told = plugin(&plane, &["install", "--take-over", "--no-wait"]).await;
    assert_eq!(told.code, 0, "{told}");
    let kind =
        async |path: &str| plane.run(&["get", CRD, "-o", &format!("jsonpath={{{path}}}")]).await.succeeded();
    assert_eq!(kind(".spec.versions[*].name").await, "v1 v1beta2");
    assert_eq!(kind(".spec.conversion.strategy").await, "Webhook");
    assert_eq!(tenant.get("app").await, before);

    // As `flux install` does, which says nothing of conversion.
    flux::install(&plane, Release::V1_10).await;
    assert_eq!(kind(".spec.conversion.strategy").await, "Webhook");
    plugin(&plane, &["uninstall", "--crds", "--yes"]).await.succeeded();
    assert_eq!(kind(".spec.versions[*].name").await, "v1");
    assert_eq!(kind(".spec.conversion.strategy").await, "None", "our webhook is gone");
    assert_eq!(installed(&plane).await, Vec::<String>::new());
    let after = tenant.get("app").await;
    assert_eq!((&after["spec"], &after["status"]), (&before["spec"], &before["status"]));
}
