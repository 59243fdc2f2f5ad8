//! What the Sigstore crates verify, by bundles that the real Sigstore made: an update of them that loses a check fails here.

use jiff::Timestamp;
use oci_artifact::name::Digest;
use oci_testkit::sigstore::recorded;
use serde_json::Value;

use super::{Root, Signed};
use crate::Reason;

fn now() -> Timestamp {
    "2026-11-01T00:00:00Z".parse().unwrap()
}

fn public() -> Root {
    Root::parse(Root::public()).unwrap()
}

fn staging() -> Root {
    Root::parse(&recorded("sct-multi-intermediate/staging_trusted_root.json")).unwrap()
}

fn json(name: &str) -> Value {
    serde_json::from_str(&recorded(name)).unwrap()
}

/// What comes of a bundle about the only subject that its statement has, after it was changed.
fn attested(root: &Root, name: &str, change: impl FnOnce(&mut Value)) -> Result<super::Evidence, Reason> {
    let mut bundle = json(name);
    let payload = bundle["dsseEnvelope"]["payload"].as_str().unwrap().to_owned();
    change(&mut bundle);
    let statement: Value = serde_json::from_slice(&decoded(&payload)).unwrap();
    let digest = statement["subject"][0]["digest"]["sha256"].as_str().unwrap();
    let digest = Digest::parse(&format!("sha256:{digest}")).unwrap();
    root.verify_statement(&Signed::from_json(&bundle.to_string()).unwrap(), &digest, now())
}

const FIRST_LOG: &str = "bundles/conda-attestation.sigstore.json";
const SECOND_LOG: &str = "bundles/conda-attestation-rekor2.sigstore.json";

#[test]
fn recorded_bundle_of_the_first_log_verifies() {
    let evidence = attested(&public(), FIRST_LOG, |_| ()).unwrap();
    assert_eq!(evidence.issuer, "https://token.actions.githubusercontent.com");
    assert!(evidence.logged && evidence.certificate_logged);
}

#[test]
fn recorded_bundles_of_the_second_log_verify_by_the_root_of_their_instance() {
    for name in [SECOND_LOG, "upstream/sigstore-python/a.dsse.staging-rekor-v2.txt.sigstore.json"] {
        let evidence = attested(&staging(), name, |_| ()).unwrap();
        assert!(evidence.logged && evidence.certificate_logged && evidence.timestamped);
        let strange = attested(&public(), name, |_| ());
        assert!(matches!(strange, Err(Reason::Timestamp(_))), "{strange:?}");
    }
}

#[test]
fn recorded_bundle_of_a_file_verifies() {
    let signed = Signed::from_json(&recorded("bundles/cosign-v3-blob.sigstore.json")).unwrap();
    let text = recorded("bundles/cosign-v3-blob.txt");
    let evidence = public().verify_payload(&signed, text.as_bytes(), now()).unwrap();
    assert!(evidence.logged && evidence.timestamped);
    let other = public().verify_payload(&signed, b"another file", now());
    assert!(matches!(other, Err(Reason::LogEntry(_) | Reason::Signature(_))), "{other:?}");
}

#[test]
fn recorded_bundle_does_not_survive_an_edit() {
    let entry = |bundle: &mut Value, field: &str, value: Value| {
        bundle["verificationMaterial"]["tlogEntries"][0][field] = value;
    };
    let promise = attested(&public(), FIRST_LOG, |bundle| entry(bundle, "logIndex", "1".into()));
    assert!(matches!(promise, Err(Reason::LogPromise(_))), "{promise:?}");
    let proof = attested(&public(), FIRST_LOG, |bundle| {
        bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["hashes"] =
            Value::Array(Vec::new());
    });
    assert!(matches!(proof, Err(Reason::LogProof(_))), "{proof:?}");
    let stamp = attested(&staging(), SECOND_LOG, |bundle| {
        bundle["verificationMaterial"]["timestampVerificationData"] = Value::Null;
    });
    assert!(matches!(stamp, Err(Reason::NoTime)), "{stamp:?}");
    let payload = attested(&public(), FIRST_LOG, |bundle| {
        bundle["dsseEnvelope"]["payload"] = json(SECOND_LOG)["dsseEnvelope"]["payload"].clone();
    });
    assert!(matches!(payload, Err(Reason::Signature(_))), "{payload:?}");
}

/// What comes of a bundle about the file whose digest it names.
fn filed(root: &Root, name: &str) -> Result<super::Evidence, Reason> {
    let digest = json(name)["messageSignature"]["messageDigest"]["digest"].as_str().unwrap().to_owned();
    let digest = Digest::parse(&format!("sha256:{}", hex::encode(decoded(&digest)))).unwrap();
    root.verify_statement(&Signed::from_json(&recorded(name)).unwrap(), &digest, now())
}

/// An entry of the log with another signature than the bundle's: its proof and the signature are sound.
#[test]
fn recorded_bundle_of_cve_2022_36056_is_refused() {
    let refused = filed(&staging(), "bundles/bundle_cve_2022_36056.txt.sigstore");
    assert!(matches!(&refused, Err(Reason::LogEntry(detail)) if detail.contains("entry")), "{refused:?}");
}

#[test]
fn recorded_bundle_whose_certificate_is_in_a_forged_log_is_refused() {
    let root = Root::parse(&recorded("invalid-ct-key_fail/trusted_root.json")).unwrap();
    let refused = filed(&root, "invalid-ct-key_fail/bundle.sigstore.json");
    assert!(matches!(refused, Err(Reason::CertificateLog(_))), "{refused:?}");
}

#[test]
fn recorded_certificate_that_names_something_else_names_nobody() {
    let root = Root::parse(&recorded("trusted_roots/scaffolding.json")).unwrap();
    let refused = filed(&root, "bundles/othername.sigstore.json");
    assert!(matches!(refused, Err(Reason::NoIdentity(_))), "{refused:?}");
}

fn decoded(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}
