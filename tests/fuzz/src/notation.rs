//! Envelopes and policies of Notation.

use std::sync::LazyLock;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use oci_artifact::{
    manifest::{Descriptor, OCI_MANIFEST},
    name::{Digest, Repository},
};
use oci_verify::{
    Found, Material, NOTATION_COSE_TYPE, NOTATION_JWS_TYPE, NotationPolicy, Verdict, verify_notation,
};
use serde_json::Value;

use crate::{
    file, is_line,
    signatures::{ARTIFACT, blob, has_verdict, now},
};

const STAMP: &str = "io.cncf.notary.timestampSignature";

/// A good envelope.
static JWS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_slice(&file("seeds/notation_jws/plain.json")).unwrap());

/// A strict policy, and one by which all but integrity and authenticity is told only.
static POLICIES: LazyLock<[NotationPolicy; 2]> = LazyLock::new(|| {
    let permissive = String::from_utf8(file("seeds/notation_policies/permissive.json")).unwrap();
    [permissive.replace("permissive", "strict"), permissive].map(|text| {
        let (root, stamper) = (file("trust/root.crt"), file("trust/tsa.crt"));
        let entries: [(&str, &[u8]); 3] =
            [("trustpolicy.json", text.as_bytes()), ("a.crt", &root), ("b.crt", &stamper)];
        NotationPolicy::read(entries).unwrap()
    })
});

/// What was signed, in both kinds of envelopes.
static SIGNED: LazyLock<Vec<u8>> = LazyLock::new(|| payload(JWS.to_string().as_bytes()).unwrap());

/// A policy that trusts a certificate.
pub(crate) fn trusting(certificate: &[u8]) -> NotationPolicy {
    let document = file("seeds/notation_policies/strict.json");
    NotationPolicy::read([("trustpolicy.json", document.as_slice()), ("a.crt", certificate)]).unwrap()
}

fn payload(envelope: &[u8]) -> Option<Vec<u8>> {
    let envelope: Value = serde_json::from_slice(envelope).ok()?;
    URL_SAFE_NO_PAD.decode(envelope.get("payload")?.as_str()?).ok()
}

fn judge(policy: &NotationPolicy, media_type: &str, bytes: &[u8]) -> Verdict {
    let artifact = Descriptor::new(OCI_MANIFEST, Digest::parse(ARTIFACT).unwrap(), 528);
    let notation = Found::Here(vec![blob(media_type, bytes)]);
    let material = Material { notation, ..Material::default() };
    let repository = Repository::parse("registry.example/org/app").unwrap();
    verify_notation(policy, &repository, &artifact, &material, now())
}

fn counts(policy: &NotationPolicy, media_type: &str, bytes: &[u8]) -> bool {
    has_verdict(&judge(policy, media_type, bytes))
}

/// An envelope in JSON.
pub(crate) fn jws(bytes: &[u8]) {
    if POLICIES.each_ref().map(|policy| counts(policy, NOTATION_JWS_TYPE, bytes)).contains(&true) {
        assert_eq!(payload(bytes).as_ref(), Some(&*SIGNED), "nobody signed this");
    }
}

/// An envelope in CBOR.
pub(crate) fn cose(bytes: &[u8]) {
    if POLICIES.each_ref().map(|policy| counts(policy, NOTATION_COSE_TYPE, bytes)).contains(&true) {
        assert!(bytes.windows(SIGNED.len()).any(|part| part == *SIGNED), "nobody signed this");
    }
}

/// A timestamp of a good envelope: what is wrong with it is told, and by this policy stops nothing.
pub(crate) fn stamped(stamp: &[u8]) {
    let mut envelope = JWS.clone();
    envelope["header"][STAMP] = Value::from(STANDARD.encode(stamp));
    let bytes = envelope.to_string();
    counts(&POLICIES[0], NOTATION_JWS_TYPE, bytes.as_bytes());
    counts(&POLICIES[1], NOTATION_JWS_TYPE, bytes.as_bytes());
}

/// Another certificate of the signer.
pub(crate) fn certified(certificate: &[u8]) {
    let mut envelope = JWS.clone();
    let place = &mut envelope["header"]["x5c"][0];
    let same = *place == STANDARD.encode(certificate);
    *place = Value::from(STANDARD.encode(certificate));
    let counts = counts(&POLICIES[1], NOTATION_JWS_TYPE, envelope.to_string().as_bytes());
    assert!(!counts || same, "another certificate");
}

/// A trust policy.
pub(crate) fn policies(bytes: &[u8]) {
    match NotationPolicy::read([("trustpolicy.json", bytes)]) {
        // It may say that nothing is verified at all.
        Ok(policy) => is_line(&judge(&policy, NOTATION_JWS_TYPE, b"{}").to_string()),
        Err(error) => is_line(&error.to_string()),
    }
}
