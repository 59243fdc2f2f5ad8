//! What a user sees while the webhook is away, and that all is well once it is back.

use std::time::Duration;

use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams};
use oci_testkit::{cases::good_spec, control_plane::eventually};
use serde_json::json;

use crate::{
    objects::{apply, object, repositories, try_out},
    world::{World, asked},
};

/// With a finalizer, as the controller sets it.
async fn kept(api: &kube::Api<DynamicObject>, name: &str) {
    apply(api, &object(name, "v1", &good_spec())).await.unwrap();
    let finalizer = json!({ "metadata": { "finalizers": ["finalizers.fluxcd.io"] } });
    api.patch(name, &PatchParams::default(), &Patch::Merge(finalizer)).await.unwrap();
}

/// Deletes it and removes its finalizer, as the controller does.
async fn delete(api: &kube::Api<DynamicObject>, name: &str) {
    api.delete(name, &DeleteParams::default()).await.unwrap();
    let none = json!({ "metadata": { "finalizers": null } });
    api.patch(name, &PatchParams::default(), &Patch::Merge(none)).await.unwrap();
    assert!(api.get_opt(name).await.unwrap().is_none());
}

#[tokio::test]
async fn stopped_webhook_is_told_and_recovered_from() {
    let mut world = World::start("overlays/single").await;
    let namespace = world.plane.namespace().await;
    let api = repositories(world.plane.client(), &namespace, "v1");
    let old = repositories(world.plane.client(), &namespace, "v1beta2");
    let bad = object("bad", "v1", &json!({ "url": "oci://ghcr.io/org/app", "interval": "0s" }));
    kept(&api, "one").await;
    kept(&api, "two").await;
    world.stop_webhook();

    // One replica: what it would refuse is accepted; the schema still holds.
    eventually("a connection that is gone", Duration::from_secs(20), async || {
        try_out(&api, &bad).await.map_err(|status| status.message)
    })
    .await;
    let broken = object("broken", "v1", &json!({ "url": "https://x", "interval": "5m" }));
    assert!(try_out(&api, &broken).await.is_err());
    delete(&api, "one").await;
    // What has to be converted cannot be had, and the API server says so. What is stored as v1 is read as ever.
    let refused = old.get("two").await.unwrap_err().to_string();
    assert!(refused.contains("conversion webhook for source.toolkit.fluxcd.io/v1"), "{refused}");
    assert_eq!(api.get("two").await.unwrap().data["spec"], good_spec());

    // Several replicas, all away: nothing is accepted unjudged, but a deletion goes through.
    world.install("overlays/ha").await;
    let said = eventually("the failure policy", Duration::from_secs(20), async || {
        let good = object("three", "v1", &good_spec());
        try_out(&api, &good).await.err().map(|status| status.message).ok_or("accepted")
    })
    .await;
    assert!(said.contains("failed calling webhook") && said.contains("connection refused"), "{said}");
    delete(&api, "two").await;

    world.start_webhook();
    asked(&world.plane).await;
    apply(&api, &object("three", "v1", &good_spec())).await.unwrap();
    assert_eq!(old.get("three").await.unwrap().data["spec"], good_spec());
}
