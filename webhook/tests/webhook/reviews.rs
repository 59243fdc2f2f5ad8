//! Reviews as the API server writes them.

use bytes::Bytes;
use oci_webhook::{
    convert::{Error, Reply},
    limits::REPLY_CHUNK_BYTES,
};
use serde_json::{Value, json};

pub(crate) const V1: &str = "source.toolkit.fluxcd.io/v1";
pub(crate) const V1BETA2: &str = "source.toolkit.fluxcd.io/v1beta2";

/// An object that nothing is wrong with.
pub(crate) fn object() -> Value {
    json!({
        "apiVersion": V1,
        "kind": "OCIRepository",
        "metadata": { "name": "app", "namespace": "default", "uid": "o-1" },
        "spec": {
            "url": "oci://ghcr.io/stefanprodan/manifests/podinfo",
            "interval": "5m",
            "ref": { "digest": format!("sha256:{}", "a".repeat(64)) },
        },
    })
}

/// An object with three faults.
pub(crate) fn wrong() -> Value {
    let mut object = object();
    object["spec"] = json!({
        "url": "oci://ghcr.io/org/app:v1",
        "interval": "0s",
        "ref": { "tag": "v1", "semver": "1.x" },
    });
    object
}

/// An admission review.
pub(crate) fn admission(operation: &str, object: &Value, old: &Value) -> Value {
    let kind = json!({ "group": "source.toolkit.fluxcd.io", "version": "v1", "kind": "OCIRepository" });
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": kind,
            "resource": {
                "group": "source.toolkit.fluxcd.io", "version": "v1", "resource": "ocirepositories",
            },
            "requestKind": kind,
            "name": "app",
            "namespace": "default",
            "operation": operation,
            "userInfo": { "username": "jane", "groups": ["system:authenticated"] },
            "object": object,
            "oldObject": old,
            "dryRun": false,
            "options": { "kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1" },
        },
    })
}

pub(crate) fn create(object: &Value) -> Value {
    admission("CREATE", object, &Value::Null)
}

/// A conversion review around objects as they are.
pub(crate) fn conversion(desired: &str, objects: &[String]) -> Vec<u8> {
    format!(
        r#"{{"kind":"ConversionReview","apiVersion":"apiextensions.k8s.io/v1","request":{{"uid":"c-1","desiredAPIVersion":"{desired}","objects":[{}]}}}}"#,
        objects.join(",")
    )
    .into_bytes()
}

/// An object of a version, of about `size` bytes.
pub(crate) fn stored(version: &str, number: usize, size: usize) -> String {
    format!(
        r#"{{"apiVersion":"{version}","kind":"OCIRepository","metadata":{{"name":"app-{number}","namespace":"default","annotations":{{"x":"{}"}}}},"spec":{{"url":"oci://ghcr.io/org/app"}}}}"#,
        "x".repeat(size)
    )
}

pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

/// What the webhook replies to a conversion review.
pub(crate) fn convert(review: &[u8]) -> Result<Reply, Error> {
    oci_webhook::convert::convert(Bytes::copy_from_slice(review))
}

/// Lengths of replies of a byte less than one, two and ten chunks, of exactly that, and of a byte more.
pub(crate) fn around_chunks() -> impl Iterator<Item = usize> {
    [1, 2, 10].into_iter().flat_map(|chunks| {
        let length = chunks * REPLY_CHUNK_BYTES;
        length - 1..=length + 1
    })
}

/// A conversion review of so many objects that is replied to by so many bytes.
pub(crate) fn padded(objects: usize, length: usize) -> Vec<u8> {
    let list = |last: usize| -> Vec<String> {
        (0..objects)
            .map(|number| stored(V1BETA2, number, if number + 1 == objects { last } else { 9 }))
            .collect()
    };
    let least = convert(&conversion(V1, &list(0))).unwrap().body.len();
    conversion(V1, &list(length - least))
}
