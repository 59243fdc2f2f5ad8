//! Retries, and objects that cannot be written.

use std::time::{Duration, Instant};

use kube::api::{Patch, PatchParams};
use oci_testkit::{
    control_plane::{ControlPlane, eventually},
    controller::Options,
    registry::{Act, Fault, Match, Registry},
};
use serde_json::{Value, json};

use super::{
    push::Image,
    tenant::{Tenant, condition, is},
    world::{LONG, identity, install, started},
};
use crate::{objects::object, world::manifests};

#[tokio::test]
async fn controller_tries_again_until_the_artifact_is_there() {
    let tenant = Tenant::new().await;
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let message = tenant.failed("app", "FetchFailed", "OCIArtifactPullFailed").await;
    assert!(message.contains("v1"), "{message}");
    let object = tenant.get("app").await;
    assert_eq!(condition(&object, "Reconciling")["reason"], "ProgressingWithRetry", "{object}");
    assert!(!is(&object, "Stalled", "True"));
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.ready("app").await;
}

#[tokio::test]
async fn controller_does_not_ask_a_registry_before_it_said_so() {
    let tenant = Tenant::new().await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.registry.fault(Fault::times(3, Match::any(), Act::too_many_requests("2")));
    let start = Instant::now();
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    tenant.ready("app").await;
    assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
}

/// How many writes of `OCIRepository` objects the API server refused.
async fn refused(plane: &ControlPlane) -> u64 {
    let metrics = plane.run(&["get", "--raw", "/metrics"]).await.succeeded();
    metrics
        .lines()
        .filter(|line| line.starts_with("apiserver_request_total{"))
        .filter(|line| {
            ["code=\"422\"", "resource=\"ocirepositories\"", "verb=\"PATCH\""]
                .iter()
                .all(|part| line.contains(part))
        })
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

/// A CRD that asks for nothing, so that anything can be stored.
async fn store_odd_objects(plane: &ControlPlane, tenant: &Tenant<'_>) {
    let manifests = manifests(plane, "overlays/single").await;
    let crd =
        manifests.split("\n---\n").find(|text| text.contains("kind: CustomResourceDefinition")).unwrap();
    let mut crd: Value = oci_testkit::cases::yaml(crd);
    crd["spec"]["conversion"] = json!({ "strategy": "None" });
    let anything = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    for version in crd["spec"]["versions"].as_array_mut().unwrap() {
        let properties = json!({ "spec": anything, "status": anything });
        version["schema"]["openAPIV3Schema"] = json!({ "type": "object", "properties": properties });
    }
    plane.apply(&crd.to_string()).await;
    let odd = [
        ("odd-empty", json!({})),
        ("odd-types", json!({ "url": 5, "interval": [], "ref": "v1" })),
        ("odd-no-interval", json!({ "url": "oci://127.0.0.1:1/org/app" })),
        ("odd-no-url", json!({ "interval": "1h" })),
    ];
    for (name, spec) in odd {
        let object = object(name, "v1", &spec);
        eventually("the kind", LONG, async || {
            tenant.api.patch(name, &PatchParams::apply("flux").force(), &Patch::Apply(&object)).await
        })
        .await;
    }
}

#[tokio::test]
async fn controller_backs_off_from_objects_that_it_cannot_write() {
    let plane = ControlPlane::start().await;
    let tenant = Tenant::over(&plane, Registry::start()).await;
    store_odd_objects(&plane, &tenant).await;
    install(&plane).await;
    let start = Instant::now();
    let before = refused(&plane).await;
    let mut controller = started(Options::new(identity(&plane).await));
    // The others are none the worse for it.
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    tenant.ready("app").await;
    let writes = eventually("several attempts", LONG, async || {
        let writes = refused(&plane).await - before;
        if writes >= 6 { Ok(writes) } else { Err(format!("{writes} attempts\n{}", plane.log())) }
    })
    .await;
    // With 750 ms, 1.5 s, … between them, three objects come to no more than this.
    let seconds = start.elapsed().as_secs();
    assert!(writes <= 3 * (4 + seconds), "{writes} writes in {seconds} s");
    assert!(controller.runs());
    assert!(!controller.log().contains("panicked"), "{}", controller.log());
    tenant.delete("odd-no-url").await;
}
