//! Bundles of version 0.3.

use serde_json::{Value, json};

use super::{Certified, Instance, NOW, Owner, base64, sha256};

/// The type of the payload.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// The statement of a signature.
pub fn statement(digest: &str) -> Value {
    let (algorithm, hex) = digest.split_once(':').unwrap();
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "digest": { algorithm: hex } }],
        "predicateType": "https://sigstore.dev/cosign/sign/v1",
        "predicate": {},
    })
}

/// What a signature in an envelope is over.
pub fn encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// Somebody's with a certificate, in the log since [`NOW`].
pub fn sign(instance: &Instance, signer: &Certified, digest: &str) -> Value {
    sign_payload(instance, signer, statement(digest).to_string().as_bytes())
}

/// Any payload.
pub fn sign_payload(instance: &Instance, signer: &Certified, payload: &[u8]) -> Value {
    let signature = signer.sign(&encoding(PAYLOAD_TYPE, payload));
    let body = body(payload, &signature, &signer.pem());
    let entry = instance.signatures.entry(("dsse", "0.0.1"), body.to_string().as_bytes(), Some(NOW));
    let material = json!({ "certificate": { "rawBytes": base64(&signer.der) }, "tlogEntries": [entry] });
    around(payload, &signature, &material)
}

/// As the second version of the log has it, whose entries say no time: an authority stamps.
pub fn sign_stamped(instance: &Instance, signer: &Certified, digest: &str) -> Value {
    let payload = statement(digest).to_string().into_bytes();
    let message = encoding(PAYLOAD_TYPE, &payload);
    let signature = signer.sign(&message);
    let body = json!({
        "apiVersion": "0.0.2",
        "kind": "hashedrekord",
        "spec": { "hashedRekordV002": {
            "data": { "algorithm": "SHA2_256", "digest": base64(&sha256(&message)) },
            "signature": {
                "content": base64(&signature),
                "verifier": {
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "x509Certificate": { "rawBytes": base64(&signer.der) },
                },
            },
        }},
    });
    let entry = instance.signatures.entry(("hashedrekord", "0.0.2"), body.to_string().as_bytes(), None);
    let mut material = json!({ "certificate": { "rawBytes": base64(&signer.der) }, "tlogEntries": [entry] });
    material["timestampVerificationData"] = stamps(&[instance.stamper.stamp(&signature, NOW)]);
    around(&payload, &signature, &material)
}

/// The owner of a key's.
pub fn sign_with(owner: &Owner, digest: &str) -> Value {
    let payload = statement(digest).to_string().into_bytes();
    let signature = owner.sign(&encoding(PAYLOAD_TYPE, &payload));
    around(&payload, &signature, &json!({ "publicKey": { "hint": "none" }, "tlogEntries": [] }))
}

/// Timestamps.
pub fn stamps(tokens: &[Vec<u8>]) -> Value {
    let tokens: Vec<Value> = tokens.iter().map(|token| json!({ "signedTimestamp": base64(token) })).collect();
    json!({ "rfc3161Timestamps": tokens })
}

/// A bundle around its parts.
pub fn around(payload: &[u8], signature: &[u8], material: &Value) -> Value {
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": material,
        "dsseEnvelope": {
            "payload": base64(payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{ "sig": base64(signature) }],
        },
    })
}

/// An entry of the log, of the kind `dsse`.
pub fn body(payload: &[u8], signature: &[u8], verifier: &str) -> Value {
    json!({
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "envelopeHash": { "algorithm": "sha256", "value": hex::encode(sha256(b"not looked at")) },
            "payloadHash": { "algorithm": "sha256", "value": hex::encode(sha256(payload)) },
            "signatures": [{ "signature": base64(signature), "verifier": base64(verifier.as_bytes()) }],
        },
    })
}
