//! The new format: a statement in an envelope in a bundle, attached to the artifact by a manifest of its own.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use oci_artifact::{
    manifest::{CREATED, Descriptor, EMPTY, EMPTY_BYTES, Manifest, to_bytes},
    name::Digest,
};
use serde_json::json;

use super::{Notes, SigningError, SigningKey};
use crate::{
    BUNDLE_TYPE,
    bundle::{PAYLOAD_TYPE, PREDICATE_TYPE, STATEMENT_TYPE},
};

/// A bundle and the manifest that attaches it to an artifact.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// The bundle's layer.
    pub layer: Descriptor,
    /// The bundle.
    pub bundle: Vec<u8>,
    /// The manifest as others list it: with artifact type and annotations.
    pub descriptor: Descriptor,
    /// The manifest.
    pub manifest: Vec<u8>,
}

impl Attachment {
    /// Signs an artifact; nothing comes from a log, as Cosign has it with the log switched off.
    pub fn sign(
        key: &SigningKey,
        artifact: &Descriptor,
        notes: &Notes,
        now: Timestamp,
    ) -> Result<Self, SigningError> {
        let payload = statement(&artifact.digest, notes);
        let signature = key.sign(&encoding(payload.as_bytes()))?;
        let bundle = json!({
            "mediaType": BUNDLE_TYPE,
            "verificationMaterial": { "publicKey": { "hint": key.hint() } },
            "dsseEnvelope": {
                "payload": STANDARD.encode(&payload),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{ "sig": STANDARD.encode(signature) }],
            },
        });
        let bundle = bundle.to_string().into_bytes();
        let layer = Descriptor::new(BUNDLE_TYPE, Digest::of(&bundle), bundle.len() as u64);
        let config = Descriptor::new(EMPTY, Digest::of(EMPTY_BYTES), EMPTY_BYTES.len() as u64);
        let annotations = annotations(now);
        let mut manifest = Manifest::new(config, vec![layer.clone()], annotations.clone());
        manifest.artifact_type = Some(BUNDLE_TYPE.to_owned());
        manifest.subject =
            Some(Descriptor::new(&artifact.media_type, artifact.digest.clone(), artifact.size));
        let bytes = to_bytes(&manifest);
        let descriptor = Descriptor {
            artifact_type: Some(BUNDLE_TYPE.to_owned()),
            annotations,
            ..Descriptor::new(&manifest.media_type, Digest::of(&bytes), bytes.len() as u64)
        };
        Ok(Self { layer, bundle, descriptor, manifest: bytes })
    }
}

/// What Cosign writes there: hints for those who choose, believed by nobody.
fn annotations(now: Timestamp) -> BTreeMap<String, String> {
    let whole = Timestamp::from_second(now.as_second()).unwrap_or(now);
    [
        (CREATED, whole.to_string()),
        ("dev.sigstore.bundle.content", "dsse-envelope".to_owned()),
        ("dev.sigstore.bundle.predicateType", PREDICATE_TYPE.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// That an artifact is signed.
fn statement(artifact: &Digest, notes: &Notes) -> String {
    let mut subject = json!({ "digest": { artifact.algorithm().name(): artifact.hex() } });
    if let (false, Some(fields)) = (notes.is_empty(), subject.as_object_mut()) {
        fields.insert("annotations".to_owned(), json!(notes));
    }
    json!({
        "_type": STATEMENT_TYPE,
        "subject": [subject],
        "predicateType": PREDICATE_TYPE,
        "predicate": {},
    })
    .to_string()
}

/// What an envelope's signature is over: DSSE's "pre-authentication encoding".
fn encoding(payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len());
    [head.as_bytes(), payload].concat()
}
