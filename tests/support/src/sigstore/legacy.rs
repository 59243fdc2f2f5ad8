//! Signatures in Cosign's old format.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Certified, Instance, Log, NOW, Owner, base64, sha256};

/// A payload and the annotations of its layer.
#[derive(Clone, Debug)]
pub struct Legacy {
    /// What was signed.
    pub payload: Vec<u8>,
    /// Everything else.
    pub annotations: BTreeMap<String, String>,
}

/// The name of the annotation with the signature.
pub const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// The name of the annotation with the certificate.
pub const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
/// The name of the annotation with the certificates above it.
pub const CHAIN: &str = "dev.sigstore.cosign/chain";
/// The name of the annotation with the log's promise.
pub const BUNDLE: &str = "dev.sigstore.cosign/bundle";
/// The name of the annotation with the timestamp.
pub const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";

/// The payload of a signature.
pub fn payload(digest: &str) -> Value {
    json!({
        "critical": {
            "identity": { "docker-reference": "registry.example/org/app" },
            "image": { "docker-manifest-digest": digest },
            "type": "cosign container image signature",
        },
        "optional": null,
    })
}

/// Somebody's with a certificate, logged at [`NOW`].
pub fn sign(instance: &Instance, signer: &Certified, digest: &str) -> Legacy {
    sign_payload(instance, signer, payload(digest).to_string().as_bytes(), NOW)
}

/// Any payload, logged at any time.
pub fn sign_payload(instance: &Instance, signer: &Certified, payload: &[u8], time: i64) -> Legacy {
    let signature = signer.sign(payload);
    let entry = body(payload, &signature, &signer.pem());
    let annotations = [
        (SIGNATURE, base64(&signature)),
        (CERTIFICATE, signer.pem()),
        (CHAIN, signer.chain_pem()),
        (BUNDLE, promise(&instance.signatures, entry.to_string().as_bytes(), time, 12_345).to_string()),
    ];
    Legacy { payload: payload.to_vec(), annotations: annotations.map(|(k, v)| (k.to_owned(), v)).into() }
}

/// The owner of a key's.
pub fn sign_with(owner: &Owner, digest: &str) -> Legacy {
    let payload = payload(digest).to_string().into_bytes();
    let signature = base64(&owner.sign(&payload));
    Legacy { payload, annotations: BTreeMap::from([(SIGNATURE.to_owned(), signature)]) }
}

/// An entry of the log, of the kind `hashedrekord`.
pub fn body(payload: &[u8], signature: &[u8], verifier: &str) -> Value {
    json!({
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": { "hash": { "algorithm": "sha256", "value": hex::encode(sha256(payload)) } },
            "signature": {
                "content": base64(signature),
                "publicKey": { "content": base64(verifier.as_bytes()) },
            },
        },
    })
}

/// The annotation with an entry and its promise.
pub fn promise(log: &Log, body: &[u8], time: i64, index: i64) -> Value {
    json!({
        "SignedEntryTimestamp": base64(&log.promise(body, time, index)),
        "Payload": {
            "body": base64(body),
            "integratedTime": time,
            "logIndex": index,
            "logID": hex::encode(log.id()),
        },
    })
}
