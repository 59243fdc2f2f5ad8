//! A cluster that had Flux's older releases: what they stored stays, unharmed and readable.

use std::time::Duration;

use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, Patch, PatchParams},
    core::DeserializeGuard,
};
use oci_crds::v1;
use oci_testkit::control_plane::{ControlPlane, eventually};
use serde_json::{Value, json};

use crate::{
    objects::{object, repositories},
    world::World,
};

/// A CRD as the first releases had it: one version, and hardly a rule.
fn first_crd() -> Value {
    let anything = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": oci_crds::schema::NAME },
        "spec": {
            "group": oci_crds::GROUP,
            "names": { "kind": oci_crds::KIND, "listKind": "OCIRepositoryList", "plural": oci_crds::PLURAL, "singular": "ocirepository" },
            "scope": "Namespaced",
            "versions": [{
                "name": "v1beta2", "served": true, "storage": true, "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": { "type": "object", "properties": { "spec": anything, "status": anything } } },
            }],
        },
    })
}

/// What was stored: a usual object, and some that never were valid.
fn stored() -> Vec<(&'static str, Value, Value)> {
    let usual = json!({
        "url": "oci://ghcr.io/org/app", "interval": "5m0s", "provider": "generic", "timeout": "60s",
        "ref": { "tag": "v1" },
    });
    let status = json!({
        "artifact": {
            "checksum": "0f", "lastUpdateTime": "2022-08-08T00:00:00Z", "path": "a/b.tar.gz", "revision": "v1/0f",
            "url": "http://source/a/b.tar.gz",
        },
        "contentConfigChecksum": "sha256:1f",
        "observedGeneration": 1,
    });
    vec![
        ("usual", usual, status.clone()),
        ("odd-interval", json!({ "url": "oci://ghcr.io/org/app", "interval": "1d" }), status),
        ("odd-types", json!({ "url": 5, "interval": 5, "ref": "v1" }), json!({ "conditions": [{}] })),
        ("odd-empty", json!({}), json!({})),
    ]
}

async fn fill(plane: &ControlPlane, namespace: &str) {
    plane.apply(&first_crd().to_string()).await;
    let api = repositories(plane.client(), namespace, "v1beta2");
    for (name, spec, status) in stored() {
        let object = object(name, "v1beta2", &spec);
        eventually("the kind", Duration::from_secs(20), async || {
            api.patch(name, &PatchParams::apply("flux").force(), &Patch::Apply(&object)).await
        })
        .await;
        api.patch_status(name, &PatchParams::default(), &Patch::Merge(json!({ "status": status })))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn objects_of_older_releases_are_kept() {
    let (world, namespace) = World::start_over(async |plane| {
        let namespace = plane.namespace().await;
        fill(plane, &namespace).await;
        namespace
    })
    .await;
    let client = || world.plane.client();
    reads_equal(client(), &namespace).await;
    decodes_all_but_the_odd(client(), &namespace).await;

    // A label is written through either version, and each object can be deleted.
    for (index, (name, ..)) in stored().into_iter().enumerate() {
        let version = if index % 2 == 0 { "v1" } else { "v1beta2" };
        let api = repositories(client(), &namespace, version);
        let label = json!({ "metadata": { "labels": { "a": "b" } } });
        let labelled = api.patch(name, &PatchParams::default(), &Patch::Merge(label)).await;
        // Flux's root rules, which every write runs through, do not spare what was stored before them.
        let writable = ["usual", "odd-interval"].contains(&name);
        assert_eq!(labelled.is_ok(), writable, "{name}: {labelled:?}");
    }
    reads_equal(client(), &namespace).await;
    let api = repositories(client(), &namespace, "v1");
    for (name, ..) in stored() {
        api.delete(name, &DeleteParams::default()).await.unwrap();
    }
    assert!(api.list(&ListParams::default()).await.unwrap().items.is_empty());
}

/// Through both versions everybody sees what was stored, byte for byte where the schema knows the field.
async fn reads_equal(client: Client, namespace: &str) {
    for version in ["v1", "v1beta2"] {
        let api = repositories(client.clone(), namespace, version);
        let list = api.list(&ListParams::default()).await.unwrap();
        assert_eq!(list.items.len(), stored().len());
        for (name, spec, status) in stored() {
            let found = api.get(name).await.unwrap();
            assert_eq!(found.data["spec"], spec, "{name} through {version}");
            assert_eq!(found.data["status"], status, "{name} through {version}");
        }
    }
}

async fn decodes_all_but_the_odd(client: Client, namespace: &str) {
    let typed: Api<DeserializeGuard<v1::OciRepository>> = Api::namespaced(client, namespace);
    let list = typed.list(&ListParams::default()).await.unwrap();
    let odd: Vec<&str> = list
        .items
        .iter()
        .filter_map(|guard| guard.0.as_ref().err())
        .filter_map(|object| object.metadata.name.as_deref())
        .collect();
    assert_eq!(odd, ["odd-types"]);
}
