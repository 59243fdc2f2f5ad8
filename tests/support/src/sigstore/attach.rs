//! Signatures into a registry, as `cosign` stores them.

use oci_artifact::{
    manifest::{OCI_INDEX, OCI_MANIFEST},
    name::Digest,
};
use serde_json::{Value, json};

use super::legacy::Legacy;
use crate::registry::Registry;

/// The media type of a bundle.
pub const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const SIMPLE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// A bundle as a referrer of `subject`. Returns the digest of its manifest.
pub fn bundle(registry: &Registry, repository: &str, subject: &Digest, bundle: &Value) -> Digest {
    put(registry, repository, &bundle_manifest(registry, repository, subject, bundle))
}

/// The manifest of a bundle, whose blobs are stored; the manifest is not.
pub fn bundle_manifest(registry: &Registry, repository: &str, subject: &Digest, bundle: &Value) -> Value {
    let bytes = bundle.to_string();
    let (config, layer) =
        (registry.put_blob(repository, b"{}"), registry.put_blob(repository, bytes.as_bytes()));
    json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": BUNDLE,
        "config": { "mediaType": EMPTY, "digest": config, "size": 2 },
        "layers": [{ "mediaType": BUNDLE, "digest": layer, "size": bytes.len() }],
        "subject": { "mediaType": OCI_MANIFEST, "digest": subject, "size": 2 },
        "annotations": {
            "dev.sigstore.bundle.content": "dsse-envelope",
            "dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1",
        },
    })
}

/// Any manifest, by its digest.
pub fn put(registry: &Registry, repository: &str, manifest: &Value) -> Digest {
    let bytes = manifest.to_string();
    let digest = Digest::of(bytes.as_bytes());
    registry.put_manifest(repository, &digest.to_string(), OCI_MANIFEST, bytes.as_bytes())
}

/// Lists manifests under the tag that stands for referrers where a registry has no list of them.
pub fn list(registry: &Registry, repository: &str, subject: &Digest, manifests: &[Digest]) {
    let size = |digest: &Digest| registry.manifest(repository, &digest.to_string()).unwrap().len();
    let manifests: Vec<Value> = manifests
        .iter()
        .map(|digest| json!({ "mediaType": OCI_MANIFEST, "digest": digest, "size": size(digest) }))
        .collect();
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests });
    let tag = subject.to_string().replace(':', "-");
    registry.put_manifest(repository, &tag, OCI_INDEX, index.to_string().as_bytes());
}

/// Legacy signatures under the tag for those of `subject`.
pub fn legacy(registry: &Registry, repository: &str, subject: &Digest, signatures: &[Legacy]) {
    let layers: Vec<Value> = signatures
        .iter()
        .map(|signature| {
            json!({
                "mediaType": SIMPLE,
                "digest": registry.put_blob(repository, &signature.payload),
                "size": signature.payload.len(),
                "annotations": signature.annotations,
            })
        })
        .collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": registry.put_blob(repository, b"{}"),
            "size": 2,
        },
        "layers": layers,
    });
    registry.put_manifest(repository, &legacy_tag(subject), OCI_MANIFEST, manifest.to_string().as_bytes());
}

/// The tag for legacy signatures of `subject`.
pub fn legacy_tag(subject: &Digest) -> String {
    format!("{}.sig", subject.to_string().replace(':', "-"))
}
