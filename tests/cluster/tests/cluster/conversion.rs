//! Objects of both versions live side by side: what is written through one is read through the other.

use kube::api::{ListParams, Patch, PatchParams, PostParams};
use oci_testkit::cases::good_spec;
use serde_json::{Value, json};

use crate::{
    objects::{apply, object, repositories},
    world::World,
};

/// An object without what the API server adds to each version by itself.
fn content(object: &kube::api::DynamicObject) -> Value {
    let mut value = serde_json::to_value(object).unwrap();
    value["metadata"].as_object_mut().unwrap().remove("managedFields");
    value.as_object_mut().unwrap().remove("apiVersion");
    value
}

/// A status with all that any release wrote.
fn status() -> Value {
    json!({
        "artifact": {
            "checksum": "0f",
            "digest": "sha256:0f",
            "lastUpdateTime": "2026-01-02T03:04:05Z",
            "metadata": { "a": "b" },
            "path": "ocirepository/apps/full/sha256:ab.tar.gz",
            "revision": "v1@sha256:ab",
            "size": 9_007_199_254_740_993_i64,
            "url": "http://source/x.tar.gz",
        },
        "conditions": [{
            "lastTransitionTime": "2026-01-02T03:04:05Z", "message": "stored", "observedGeneration": 2,
            "reason": "Succeeded", "status": "True", "type": "Ready",
        }],
        "contentConfigChecksum": "sha256:1f",
        "lastHandledReconcileAt": "now",
        "observedGeneration": 1,
        "observedIgnore": "",
        "observedLayerSelector": { "mediaType": "a/b", "operation": "extract" },
        "sourceVerificationFingerprint": "sha256:2f",
        "url": "http://source/latest.tar.gz",
    })
}

#[tokio::test]
async fn convert_shows_the_same_object_in_both_versions() {
    let world = World::shared().await;
    let namespace = world.plane.namespace().await;
    let v1 = repositories(world.plane.client(), &namespace, "v1");
    let v1beta2 = repositories(world.plane.client(), &namespace, "v1beta2");
    for (name, written) in [("new", "v1"), ("old", "v1beta2")] {
        let api = repositories(world.plane.client(), &namespace, written);
        let mut spec = good_spec();
        spec["ignore"] = "".into();
        spec["suspend"] = true.into();
        apply(&api, &object(name, written, &spec)).await.unwrap();
        let patch = json!({ "status": status() });
        api.patch_status(name, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
        let (one, two) = (v1.get(name).await.unwrap(), v1beta2.get(name).await.unwrap());
        assert_eq!(one.types.as_ref().unwrap().api_version, "source.toolkit.fluxcd.io/v1");
        assert_eq!(two.types.as_ref().unwrap().api_version, "source.toolkit.fluxcd.io/v1beta2");
        assert_eq!(content(&one), content(&two), "{name}");
        assert_eq!(one.data["spec"], spec, "nothing is added, nothing is lost");
        assert_eq!(one.data["status"], status());
    }
}

#[tokio::test]
async fn convert_keeps_what_is_read_and_written_back_through_the_other_version() {
    let world = World::shared().await;
    let namespace = world.plane.namespace().await;
    let v1 = repositories(world.plane.client(), &namespace, "v1");
    let v1beta2 = repositories(world.plane.client(), &namespace, "v1beta2");
    apply(&v1, &object("app", "v1", &good_spec())).await.unwrap();
    v1.patch_status("app", &PatchParams::default(), &Patch::Merge(json!({ "status": status() })))
        .await
        .unwrap();
    let before = v1.get("app").await.unwrap();
    let mut other = v1beta2.get("app").await.unwrap();
    other.metadata.labels = Some([("a".to_owned(), "b".to_owned())].into());
    v1beta2.replace("app", &PostParams::default(), &other).await.unwrap();
    v1beta2.replace_status("app", &PostParams::default(), &v1beta2.get("app").await.unwrap()).await.unwrap();
    let after = v1.get("app").await.unwrap();
    assert_eq!(before.data, after.data);
    assert_eq!(before.metadata.generation, after.metadata.generation);
}

#[tokio::test]
async fn convert_answers_lists_and_watches_of_either_version() {
    let world = World::shared().await;
    let namespace = world.plane.namespace().await;
    for index in 0..20 {
        let version = if index % 2 == 0 { "v1" } else { "v1beta2" };
        let api = repositories(world.plane.client(), &namespace, version);
        apply(&api, &object(&format!("app-{index:02}"), version, &good_spec())).await.unwrap();
    }
    for version in ["v1", "v1beta2"] {
        let api = repositories(world.plane.client(), &namespace, version);
        let list = api.list(&ListParams::default()).await.unwrap();
        let names: Vec<String> = list.items.iter().filter_map(|item| item.metadata.name.clone()).collect();
        let wanted: Vec<String> = (0..20).map(|index| format!("app-{index:02}")).collect();
        assert_eq!(names, wanted);
        let group_version = format!("source.toolkit.fluxcd.io/{version}");
        for item in &list.items {
            assert_eq!(
                item.types.as_ref().map_or(&group_version, |types| &types.api_version),
                &group_version
            );
            assert_eq!(item.data["spec"], good_spec());
        }
    }
}
