//! The types read whatever an API server may have stored, and write what they read.

use kube_core::{DeserializeGuard, ObjectList, Resource as _};
use oci_crds::{Object, v1, v1beta2};
use serde_json::{Value, json};

/// Every field of the API, none with its default.
pub(crate) fn full(version: &str) -> Value {
    json!({
        "apiVersion": format!("source.toolkit.fluxcd.io/{version}"),
        "kind": "OCIRepository",
        "metadata": { "name": "full", "namespace": "apps", "labels": { "a": "b" } },
        "spec": {
            "url": "oci://ghcr.io/org/app",
            "ref": { "tag": "v1", "semver": "1.x", "semverFilter": "rc", "digest": "sha256:ab" },
            "layerSelector": { "mediaType": "a/b", "operation": "copy" },
            "provider": "generic",
            "secretRef": { "name": "login" },
            "verify": {
                "provider": "cosign",
                "secretRef": { "name": "keys" },
                "matchOIDCIdentity": [{ "issuer": "^i$", "subject": "^s$" }],
                "trustedRootSecretRef": { "name": "root" },
            },
            "serviceAccountName": "puller",
            "certSecretRef": { "name": "tls" },
            "proxySecretRef": { "name": "proxy" },
            "interval": "5m0s",
            "timeout": "60s",
            "ignore": "",
            "insecure": false,
            "suspend": true,
        },
        "status": {
            "artifact": {
                "checksum": "0f",
                "digest": "sha256:0f",
                "lastUpdateTime": "2026-01-02T03:04:05Z",
                "metadata": { "org.opencontainers.image.created": "2026-01-02T03:04:05Z" },
                "path": "ocirepository/apps/full/sha256:ab.tar.gz",
                "revision": "v1@sha256:ab",
                "size": 9_007_199_254_740_993_i64,
                "url": "http://source/ocirepository/apps/full/sha256:ab.tar.gz",
            },
            "conditions": [{
                "lastTransitionTime": "2026-01-02T03:04:05Z",
                "message": "stored",
                "observedGeneration": 2,
                "reason": "Succeeded",
                "status": "True",
                "type": "Ready",
            }],
            "contentConfigChecksum": "sha256:1f",
            "lastHandledReconcileAt": "now",
            "observedGeneration": -1,
            "observedIgnore": "",
            "observedLayerSelector": { "mediaType": "a/b", "operation": "extract" },
            "sourceVerificationFingerprint": "sha256:2f",
            "url": "http://source/ocirepository/apps/full/latest.tar.gz",
        },
    })
}

#[test]
fn object_keeps_every_field() {
    let stored: v1::OciRepository = serde_json::from_value(full("v1")).unwrap();
    assert_eq!(serde_json::to_value(&stored).unwrap(), full("v1"));
    let old: v1beta2::OciRepository = serde_json::from_value(full("v1beta2")).unwrap();
    assert_eq!(serde_json::to_value(&old).unwrap(), full("v1beta2"));
    assert_eq!(serde_json::to_value(stored.into_version::<v1beta2::V1Beta2>()).unwrap(), full("v1beta2"));
}

#[test]
fn object_writes_nothing_that_was_not_there() {
    for bare in [
        json!({ "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository", "metadata": {}, "spec": {} }),
        json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository", "metadata": { "name": "x" },
            "spec": { "ref": {}, "layerSelector": {}, "verify": {} }, "status": { "artifact": { "path": "", "revision": "", "url": "" } },
        }),
    ] {
        let object: v1::OciRepository = serde_json::from_value(bare.clone()).unwrap();
        assert_eq!(serde_json::to_value(&object).unwrap(), bare);
    }
}

#[test]
fn object_without_spec_is_read() {
    let text =
        r#"{"apiVersion":"source.toolkit.fluxcd.io/v1","kind":"OCIRepository","metadata":{"name":"x"}}"#;
    let object: v1::OciRepository = serde_json::from_str(text).unwrap();
    assert_eq!(object.spec, v1::Spec::default());
    assert_eq!(object.meta().name.as_deref(), Some("x"));
}

#[test]
fn list_with_odd_objects_is_read() {
    let odd = [
        json!({ "metadata": { "name": "odd-0" }, "spec": { "interval": 5 } }),
        json!({ "metadata": { "name": "odd-1" }, "spec": "text" }),
        json!({ "metadata": { "name": "odd-2" }, "spec": {}, "status": { "conditions": [{}] } }),
    ];
    let mut items = vec![full("v1")];
    items.extend(odd);
    let list = json!({ "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepositoryList", "metadata": {}, "items": items });
    let list: ObjectList<DeserializeGuard<v1::OciRepository>> = serde_json::from_value(list).unwrap();
    let read: Vec<bool> = list.items.iter().map(|guard| guard.0.is_ok()).collect();
    assert_eq!(read, [true, false, false, false]);
    let names: Vec<_> =
        list.items.iter().filter_map(|guard| guard.0.as_ref().err()?.metadata.name.clone()).collect();
    assert_eq!(names, ["odd-0", "odd-1", "odd-2"]);
}

#[test]
fn duration_of_any_text_is_read() {
    // CVE-2022-39272: one bad interval stopped the whole kind.
    for interval in ["", "soon", "1d", "-5m", "1e9h", "9999999999999999999999999h"] {
        let mut object = full("v1");
        object["spec"]["interval"] = interval.into();
        let read: Object<v1::V1> = serde_json::from_value(object).unwrap();
        assert_eq!(read.spec.interval.as_deref(), Some(interval));
    }
}
