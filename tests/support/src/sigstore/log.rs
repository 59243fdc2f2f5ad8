//! Logs: of certificates (RFC 6962) and of signatures (Rekor).

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SigningKey as _};
use serde_json::{Value, json};

use super::{BEFORE, base64, rfc3339, sha256};

/// The key of a log.
pub struct Log {
    key: KeyPair,
    /// What its checkpoints are called.
    pub origin: String,
}

impl Log {
    pub(super) fn new(origin: &str) -> Self {
        Self { key: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(), origin: origin.to_owned() }
    }

    /// Its name: the digest of its key.
    pub fn id(&self) -> Vec<u8> {
        sha256(&self.key.subject_public_key_info())
    }

    /// As a trust root has it.
    pub(super) fn trusted(&self) -> Value {
        json!({
            "baseUrl": format!("https://{}", self.origin),
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": base64(&self.key.subject_public_key_info()),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "validFor": { "start": rfc3339(BEFORE) },
            },
            "logId": { "keyId": base64(&self.id()) },
        })
    }

    /// A signature with its key.
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.key.sign(bytes).unwrap()
    }

    /// The promise to log an entry: a signature over canonical JSON.
    pub fn promise(&self, body: &[u8], time: i64, index: i64) -> Vec<u8> {
        let (body, id) = (base64(body), hex::encode(self.id()));
        let text =
            format!(r#"{{"body":"{body}","integratedTime":{time},"logID":"{id}","logIndex":{index}}}"#);
        self.sign(text.as_bytes())
    }

    /// The digest of a tree whose only leaf is `body`.
    pub fn tree(body: &[u8]) -> Vec<u8> {
        sha256(&[&[0], body].concat())
    }

    /// The signed state of a tree of one leaf.
    pub fn checkpoint(&self, body: &[u8]) -> String {
        let text = format!("{}\n1\n{}\n", self.origin, base64(&Self::tree(body)));
        let signature = [&self.id()[..4], &self.sign(text.as_bytes())].concat();
        format!("{text}\n— {} {}\n", self.origin, base64(&signature))
    }

    /// The entry of a bundle: promise (for the first version of Rekor only) and proof.
    pub fn entry(&self, kind: (&str, &str), body: &[u8], time: Option<i64>) -> Value {
        let mut entry = json!({
            "logIndex": "0",
            "logId": { "keyId": base64(&self.id()) },
            "kindVersion": { "kind": kind.0, "version": kind.1 },
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": base64(&Self::tree(body)),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": { "envelope": self.checkpoint(body) },
            },
            "canonicalizedBody": base64(body),
        });
        if let Some(time) = time {
            entry["integratedTime"] = json!(time.to_string());
            entry["inclusionPromise"] =
                json!({ "signedEntryTimestamp": base64(&self.promise(body, time, 0)) });
        }
        entry
    }

    /// What a certificate has that is in this log, without it: the list of signed timestamps, in TLS's notation.
    pub(super) fn certificate_timestamps(&self, issuer_spki: &[u8], tbs: &[u8], time: i64) -> Vec<u8> {
        let millis = u64::try_from(time * 1000).unwrap().to_be_bytes();
        let length = u32::try_from(tbs.len()).unwrap().to_be_bytes();
        let signed = [&[0, 0][..], &millis, &[0, 1], &sha256(issuer_spki), &length[1..], tbs, &[0, 0]];
        let signature = self.sign(&signed.concat());
        let sct = [&[0][..], &self.id(), &millis, &[0, 0], &[4, 3], &short(&signature)];
        short(&short(&sct.concat()))
    }
}

/// Bytes behind their number.
fn short(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}
