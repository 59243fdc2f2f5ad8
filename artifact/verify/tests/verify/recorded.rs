//! Signatures that the real Cosign and the public Sigstore made.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oci_artifact::name::Digest;
use oci_testkit::sigstore::{legacy::Legacy, recorded};
use oci_verify::{By, Log, Policy, Reason, TrustRoot, Verdict, verify};
use serde_json::Value;

use crate::desk::{assert_reason, by_keys, identities, legacies};

const KEYLESS: &str = include_str!("../data/cosign-1-keyless.json");
const KEYLESS_DIGEST: &str = "sha256:0489474da8ea22426ece86ace6c1c0026ab2fd3cdfbbd62b7e94650266c37d9a";
const KEYED: &str = include_str!("../data/cosign-1-key.json");
const KEYED_DIGEST: &str = "sha256:634a8f35b5f16dcf4aaa0822adc0b1964bb786fca12f6831de8ddc45e5986a00";
const KEY: &str = include_str!("../data/cosign-1.pub");

fn legacy(text: &str) -> Legacy {
    let json: Value = serde_json::from_str(text).unwrap();
    let annotations = json["annotations"].as_object().unwrap().iter();
    let annotations = annotations.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
    Legacy {
        payload: crate::bundles::base64_decoded(json["payload"].as_str().unwrap()),
        annotations: annotations.collect::<BTreeMap<_, _>>(),
    }
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn public(list: &[(&str, &str)]) -> Policy {
    Policy::Keyless { identities: identities(list), root: TrustRoot::public().unwrap() }
}

fn judge(policy: &Policy, digest: &str, signature: Legacy) -> Verdict {
    verify(policy, &Digest::parse(digest).unwrap(), &legacies(vec![signature]), now())
}

const ISSUER: &str = r"^https://github\.com/login/oauth$";
const SUBJECT: &str = r"^[^@]+@redhat\.com$";

#[test]
fn legacy_signature_by_identity_of_2023_counts() {
    let verdict = judge(&public(&[(ISSUER, SUBJECT)]), KEYLESS_DIGEST, legacy(KEYLESS));
    let Verdict::Verified(verified) = verdict else { panic!("{verdict}") };
    assert!(matches!(verified.by, By::Identity { .. }));
    assert_eq!(verified.when.unwrap().as_second(), 1_674_247_893);
    assert!(verified.how.certificate_logged);
    assert_eq!(verified.how.log, Log::Promise);
}

#[test]
fn legacy_signature_of_2023_counts_for_its_artifact_and_signer_only() {
    for (policy, digest) in [
        (public(&[(ISSUER, SUBJECT)]), KEYED_DIGEST),
        (public(&[(ISSUER, r"^somebody@example\.com$")]), KEYLESS_DIGEST),
        (public(&[(r"^https://accounts\.google\.com$", SUBJECT)]), KEYLESS_DIGEST),
        (by_keys(&[("a.pub", KEY)]), KEYLESS_DIGEST),
    ] {
        assert!(matches!(judge(&policy, digest, legacy(KEYLESS)), Verdict::Rejected(_)));
    }
}

#[test]
fn legacy_signature_of_2023_does_not_survive_an_edit() {
    let name = oci_testkit::sigstore::legacy::BUNDLE;
    for (from, to) in [("1674247893", "1674247894"), ("11605770", "11605771")] {
        let mut signature = legacy(KEYLESS);
        let edited = signature.annotations[name].replace(from, to);
        assert_ne!(edited, signature.annotations[name]);
        signature.annotations.insert(name.to_owned(), edited);
        let Verdict::Rejected(rejected) = judge(&public(&[("", "")]), KEYLESS_DIGEST, signature) else {
            panic!()
        };
        assert_reason!(rejected.refused[0].reason.clone(), Reason::LogPromise(_));
    }
}

#[test]
fn legacy_signature_by_key_counts() {
    let verdict = judge(&by_keys(&[("cosign.pub", KEY)]), KEYED_DIGEST, legacy(KEYED));
    assert_eq!(verdict.to_string(), "signed by key `cosign.pub` (ECDSA P-256, SHA-256)");
}

/// Attestations of the public Sigstore are sound, and no signatures.
#[test]
fn recorded_attestations_are_no_signatures() {
    for name in ["conda-attestation.sigstore.json", "conda-attestation-rekor2.sigstore.json"] {
        assert_reason!(recorded_reason(name), Reason::PredicateType(_));
    }
}

#[test]
fn recorded_bundles_of_files_are_no_signatures_of_artifacts() {
    assert_eq!(recorded_reason("cosign-v3-blob.sigstore.json"), Reason::MessageSignature);
}

#[test]
fn recorded_bundles_of_older_versions_are_refused_by_name() {
    let version = |text: &str| {
        Reason::BundleVersion(format!("application/vnd.dev.sigstore.bundle+json;version={text}"))
    };
    assert_eq!(recorded_reason("dsse.sigstore.json"), version("0.1"));
    assert_eq!(recorded_reason("bundle_v3_github.whl.sigstore"), version("0.2"));
}

/// Why a recorded bundle is no signature of an artifact, whoever may sign.
fn recorded_reason(name: &str) -> Reason {
    let layer = crate::desk::blob(oci_verify::BUNDLE_TYPE, recorded(&format!("bundles/{name}")).as_bytes());
    let material =
        oci_verify::Material { bundles: oci_verify::Found::Here(vec![layer]), ..Default::default() };
    let verdict = verify(&public(&[("", "")]), &Digest::parse(KEYED_DIGEST).unwrap(), &material, now());
    let Verdict::Rejected(rejected) = verdict else { panic!("{name}: {verdict}") };
    rejected.refused[0].reason.clone()
}
