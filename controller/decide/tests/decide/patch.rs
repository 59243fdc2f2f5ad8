//! The patch that turns one status into another.

use oci_crds::v1::Status;
use oci_decide::status_patch;
use serde_json::{Value, json};

use crate::world::{BEFORE, FILE, condition, good_status, merged};

fn status(value: &Value) -> Status {
    serde_json::from_value(value.clone()).unwrap()
}

/// The part about the status of the patch from one to the other.
fn patch(old: &Value, new: &Value) -> Option<Value> {
    let patch = status_patch(&status(old), &status(new), "7")?;
    assert_eq!(patch["metadata"], json!({ "resourceVersion": "7" }));
    assert_eq!(patch.as_object().unwrap().len(), 2, "{patch}");
    Some(patch["status"].clone())
}

#[test]
fn status_patch_has_only_what_differs() {
    let good = good_status();
    let conditions = json!([condition("Ready", "False", "Progressing", "")]);
    let rows = [
        ("nothing", json!({}), None),
        ("a number", json!({ "observedGeneration": 3 }), Some(json!({ "observedGeneration": 3 }))),
        ("no artifact", json!({ "artifact": null }), Some(json!({ "artifact": null }))),
        (
            "a part of the artifact",
            json!({ "artifact": { "url": "x", "size": null } }),
            Some(json!({ "artifact": { "url": "x", "size": null } })),
        ),
        (
            "metadata came",
            json!({ "artifact": { "metadata": { "a": "b" } } }),
            Some(json!({ "artifact": { "metadata": { "a": "b" } } })),
        ),
        (
            "an empty selector came",
            json!({ "observedLayerSelector": {} }),
            Some(json!({ "observedLayerSelector": {} })),
        ),
        ("all conditions", json!({ "conditions": conditions }), Some(json!({ "conditions": conditions }))),
        ("no conditions", json!({ "conditions": [] }), Some(json!({ "conditions": [] }))),
    ];
    for (name, over, expected) in rows {
        assert_eq!(patch(&good, &merged(good.clone(), &over)), expected, "{name}");
    }
}

#[test]
fn status_patch_removes_single_entries() {
    let old = json!({
        "artifact": { "revision": "r", "path": "p", "url": "u", "metadata": { "stays": "1", "goes": "2" } },
        "observedLayerSelector": { "mediaType": "a/b", "operation": "copy" },
    });
    let new = json!({
        "artifact": { "revision": "r", "path": "p", "url": "u", "metadata": { "stays": "1" } },
        "observedLayerSelector": { "operation": "copy" },
    });
    let expected = json!({
        "artifact": { "metadata": { "goes": null } },
        "observedLayerSelector": { "mediaType": null },
    });
    assert_eq!(patch(&old, &new), Some(expected));
}

/// A status with any of the fields.
fn any_status(random: &mut fastrand::Rng) -> Status {
    fn maybe<T>(random: &mut fastrand::Rng, make: impl FnOnce(&mut fastrand::Rng) -> T) -> Option<T> {
        random.bool().then(|| make(random))
    }
    fn word(random: &mut fastrand::Rng) -> Value {
        json!(["", "a", "b"][random.usize(..3)])
    }
    fn words(random: &mut fastrand::Rng) -> Value {
        let names = ["a", "b", "a/b", "~0", "null"];
        (0..random.usize(..4)).map(|_| (names[random.usize(..5)].to_owned(), word(random))).collect()
    }
    fn artifact(random: &mut fastrand::Rng) -> Value {
        json!({
            "digest": maybe(random, |_| FILE).unwrap_or_default(),
            "lastUpdateTime": maybe(random, |_| BEFORE),
            "metadata": maybe(random, words),
            "path": word(random),
            "revision": word(random),
            "size": maybe(random, |random| random.u8(..3)),
            "url": word(random),
        })
    }
    fn conditions(random: &mut fastrand::Rng) -> Value {
        let kinds = ["Ready", "Stalled", "Reconciling"];
        kinds.iter().take(random.usize(..4)).map(|kind| condition(kind, "True", "A", "")).collect()
    }
    fn layer(random: &mut fastrand::Rng) -> Value {
        json!({ "mediaType": maybe(random, word), "operation": maybe(random, word) })
    }
    status(&json!({
        "artifact": maybe(random, artifact),
        "conditions": maybe(random, conditions),
        "contentConfigChecksum": maybe(random, word),
        "lastHandledReconcileAt": maybe(random, word),
        "observedGeneration": maybe(random, |random| random.u8(..3)),
        "observedIgnore": maybe(random, word),
        "observedLayerSelector": maybe(random, layer),
        "sourceVerificationFingerprint": maybe(random, word),
        "url": maybe(random, word),
    }))
}

#[test]
fn status_patch_turns_any_status_into_any_other() {
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..5_000 {
        let (old, new) = (any_status(&mut random), any_status(&mut random));
        let values = [&old, &new].map(|status| serde_json::to_value(status).unwrap());
        let Some(patch) = status_patch(&old, &new, "1") else {
            assert_eq!(old, new, "{round}");
            continue;
        };
        assert_ne!(old, new, "{round}: a patch that says nothing");
        assert_eq!(merged(values[0].clone(), &patch["status"]), values[1], "{round}");
    }
}
