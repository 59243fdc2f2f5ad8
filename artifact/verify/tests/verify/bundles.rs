//! Bundles: attacks B1 to B14, and what a bundle must be.

use oci_testkit::sigstore::{
    Kind, NOW, Owner, base64,
    bundle::{
        PAYLOAD_TYPE, around, body, encoding, sign, sign_payload, sign_stamped, sign_with, stamps, statement,
    },
};
use oci_verify::{By, Format, How, Log, Part, Reason, Verdict};
use serde_json::{Value, json};

use crate::desk::{
    A, B, accepted, assert_reason, blob, bundle_refused, bundles, by_keys, refused, signer, sigstore, usual,
};

fn good() -> Value {
    sign(sigstore(), &signer(), A)
}

fn entry(bundle: &mut Value) -> &mut Value {
    &mut bundle["verificationMaterial"]["tlogEntries"][0]
}

#[test]
fn bundle_with_certificate_counts() {
    let verified = accepted(&usual(), &bundles(&[good()]));
    assert!(matches!(&verified.by, By::Identity { issuer, .. } if issuer.contains("githubusercontent")));
    assert_eq!(verified.when.unwrap().as_second(), NOW);
    let how =
        How { format: Format::Bundle, log: Log::Inclusion, certificate_logged: true, timestamped: false };
    assert_eq!(verified.how, how);
}

#[test]
fn bundle_of_the_second_log_counts_by_its_timestamp() {
    let verified = accepted(&usual(), &bundles(&[sign_stamped(sigstore(), &signer(), A)]));
    assert_eq!(verified.when.unwrap().as_second(), NOW);
    let how =
        How { format: Format::Bundle, log: Log::Inclusion, certificate_logged: true, timestamped: true };
    assert_eq!(verified.how, how);
}

#[test]
fn bundle_with_key_counts_without_a_log() {
    let owner = Owner::new(Kind::P256);
    let verified = accepted(&by_keys(&[("cosign.pub", &owner.pem())]), &bundles(&[sign_with(&owner, A)]));
    let by = By::Key { name: "cosign.pub".to_owned(), algorithm: "ECDSA P-256, SHA-256" };
    assert_eq!((verified.by, verified.when), (by, None));
    let how =
        How { format: Format::Bundle, log: Log::Unasked, certificate_logged: false, timestamped: false };
    assert_eq!(verified.how, how);
}

#[test]
fn b01_bundle_of_another_artifact_is_refused() {
    assert_eq!(
        bundle_refused(&usual(), &sign(sigstore(), &signer(), B)),
        Reason::OtherArtifact(B.to_owned())
    );
}

#[test]
fn b02_provenance_is_no_signature() {
    let mut provenance = statement(A);
    provenance["predicateType"] = json!("https://slsa.dev/provenance/v1");
    let bundle = sign_payload(sigstore(), &signer(), provenance.to_string().as_bytes());
    assert_eq!(
        bundle_refused(&usual(), &bundle),
        Reason::PredicateType("https://slsa.dev/provenance/v1".to_owned())
    );
}

#[test]
fn b03_bundle_without_a_log_entry_is_refused() {
    let mut bundle = good();
    bundle["verificationMaterial"]["tlogEntries"] = json!([]);
    assert_eq!(bundle_refused(&usual(), &bundle), Reason::NoLogEntry);
    // A timestamp says when, not that the log has it.
    let mut bundle = sign_stamped(sigstore(), &signer(), A);
    bundle["verificationMaterial"]["tlogEntries"] = json!([]);
    assert_eq!(bundle_refused(&usual(), &bundle), Reason::NoLogEntry);
}

#[test]
fn b04_bundle_with_the_entry_of_another_artifact_is_refused() {
    let signer = signer();
    let mut bundle = sign(sigstore(), &signer, A);
    *entry(&mut bundle) = entry(&mut sign(sigstore(), &signer, B)).clone();
    assert_reason!(bundle_refused(&usual(), &bundle), Reason::LogEntry(_));
}

#[test]
fn b04_stamped_bundle_with_the_entry_of_another_artifact_is_refused() {
    let signer = signer();
    let mut bundle = sign_stamped(sigstore(), &signer, A);
    *entry(&mut bundle) = entry(&mut sign_stamped(sigstore(), &signer, B)).clone();
    assert_reason!(bundle_refused(&usual(), &bundle), Reason::LogEntry(_));
}

#[test]
fn b05_bundle_with_a_replaced_payload_is_refused() {
    let mut bundle = sign(sigstore(), &signer(), B);
    bundle["dsseEnvelope"]["payload"] = json!(base64(statement(A).to_string().as_bytes()));
    assert_reason!(bundle_refused(&usual(), &bundle), Reason::Signature(_));
}

#[test]
fn b06_bundle_with_another_certificate_of_the_same_identity_is_refused() {
    let mut bundle = good();
    bundle["verificationMaterial"]["certificate"]["rawBytes"] = json!(base64(&signer().der));
    assert_reason!(bundle_refused(&usual(), &bundle), Reason::Signature(_));
}

#[test]
fn b06_entry_with_another_certificate_of_the_same_identity_is_refused() {
    let signer = signer();
    let mut bundle = sign(sigstore(), &signer, A);
    let payload = statement(A).to_string().into_bytes();
    let made = base64_decoded(bundle["dsseEnvelope"]["signatures"][0]["sig"].as_str().unwrap());
    let body = body(&payload, &made, &crate::desk::signer().pem()).to_string();
    *entry(&mut bundle) = sigstore().signatures.entry(("dsse", "0.0.1"), body.as_bytes(), Some(NOW));
    assert_reason!(bundle_refused(&usual(), &bundle), Reason::LogEntry(_));
}

#[test]
fn b07_bundle_with_a_forged_checkpoint_is_refused() {
    let mut bundle = good();
    let forged = {
        let text =
            entry(&mut bundle)["inclusionProof"]["checkpoint"]["envelope"].as_str().unwrap().to_owned();
        let (head, line) = text.split_once("— ").unwrap();
        let key = base64_decoded(line.split_whitespace().nth(1).unwrap());
        let signature = [&key[..4], &sigstore().signatures.sign(b"another state")].concat();
        format!("{head}— rekor.sigstore.example {}\n", base64(&signature))
    };
    entry(&mut bundle)["inclusionProof"]["checkpoint"]["envelope"] = json!(forged);
    assert_reason!(bundle_refused(&usual(), &bundle), Reason::Checkpoint(_));
}

#[test]
fn b07_bundle_with_the_checkpoint_of_another_tree_is_refused() {
    let (mut bundle, mut other) = (good(), sign(sigstore(), &signer(), B));
    let checkpoint = entry(&mut other)["inclusionProof"]["checkpoint"].clone();
    entry(&mut bundle)["inclusionProof"]["checkpoint"] = checkpoint;
    assert_reason!(bundle_refused(&usual(), &bundle), Reason::Checkpoint(_));
    // The whole proof of another tree.
    entry(&mut bundle)["inclusionProof"] = entry(&mut other)["inclusionProof"].clone();
    assert_reason!(bundle_refused(&usual(), &bundle), Reason::LogProof(_));
}

#[test]
fn b08_bundle_with_a_promise_instead_of_a_proof_is_refused() {
    let mut bundle = good();
    entry(&mut bundle).as_object_mut().unwrap().remove("inclusionProof");
    assert_eq!(bundle_refused(&usual(), &bundle), Reason::NoLogProof);
    // Nor does the proof of another entry help this one.
    let entries = bundle["verificationMaterial"]["tlogEntries"].as_array_mut().unwrap();
    entries.push(entry(&mut good()).clone());
    assert_eq!(bundle_refused(&usual(), &bundle), Reason::NoLogProof);
}

#[test]
fn b09_bundle_that_nobody_says_the_time_of_is_refused() {
    let mut bundle = good();
    entry(&mut bundle).as_object_mut().unwrap().remove("inclusionPromise");
    assert_eq!(bundle_refused(&usual(), &bundle), Reason::NoTime);
    let mut bundle = sign_stamped(sigstore(), &signer(), A);
    bundle["verificationMaterial"]["timestampVerificationData"] = stamps(&[]);
    assert_eq!(bundle_refused(&usual(), &bundle), Reason::NoTime);
}

#[test]
fn b10_bundle_of_another_key_is_refused() {
    let (ours, theirs) = (Owner::new(Kind::P256), Owner::new(Kind::P256));
    let policy = by_keys(&[("ours.pub", &ours.pem())]);
    assert_eq!(
        bundle_refused(&policy, &sign_with(&theirs, A)),
        Reason::NoKeyMatches(vec!["`ours.pub` (ECDSA P-256)".to_owned()])
    );
}

#[test]
fn b11_bundle_with_two_signatures_is_refused() {
    let owner = Owner::new(Kind::P256);
    let mut bundle = sign_with(&owner, A);
    let signatures = bundle["dsseEnvelope"]["signatures"].as_array_mut().unwrap();
    signatures.push(json!({ "sig": base64(b"another") }));
    assert_eq!(bundle_refused(&by_keys(&[("a.pub", &owner.pem())]), &bundle), Reason::EnvelopeSignatures(2));
    bundle["dsseEnvelope"]["signatures"] = json!([]);
    assert_eq!(bundle_refused(&usual(), &bundle), Reason::EnvelopeSignatures(0));
}

#[test]
fn b12_bundle_with_another_payload_type_is_refused() {
    let owner = Owner::new(Kind::P256);
    let payload = statement(A).to_string().into_bytes();
    let signature = owner.sign(&encoding("application/json", &payload));
    let mut bundle = around(&payload, &signature, &json!({ "publicKey": { "hint": "" } }));
    bundle["dsseEnvelope"]["payloadType"] = json!("application/json");
    let policy = by_keys(&[("a.pub", &owner.pem())]);
    assert_eq!(bundle_refused(&policy, &bundle), Reason::PayloadType("application/json".to_owned()));
    // The type is signed, too.
    bundle["dsseEnvelope"]["payloadType"] = json!(PAYLOAD_TYPE);
    assert_reason!(bundle_refused(&policy, &bundle), Reason::NoKeyMatches(_));
}

#[test]
fn b13_bundle_with_key_is_refused_where_an_identity_is_asked_for() {
    let bundle = sign_with(&Owner::new(Kind::P256), A);
    assert_eq!(bundle_refused(&usual(), &bundle), Reason::KeyForIdentities);
}

#[test]
fn b14_bundle_with_certificate_is_refused_even_by_its_own_key() {
    let signer = signer();
    let policy = by_keys(&[("leaf.pub", &signer.key_pem())]);
    assert_eq!(bundle_refused(&policy, &sign(sigstore(), &signer, A)), Reason::CertificateForKeys);
}

#[test]
fn bundle_with_an_edited_time_or_place_is_refused() {
    for (field, value) in [("integratedTime", NOW + 1), ("logIndex", 7)] {
        let mut bundle = good();
        entry(&mut bundle)[field] = json!(value.to_string());
        assert_reason!(bundle_refused(&usual(), &bundle), Reason::LogPromise(_));
    }
}

#[test]
fn bundle_logged_outside_of_its_certificate_is_refused() {
    for time in [NOW - 61, NOW + 541] {
        let signer = signer();
        let mut bundle = sign(sigstore(), &signer, A);
        let body = base64_decoded(entry(&mut bundle)["canonicalizedBody"].as_str().unwrap());
        *entry(&mut bundle) = sigstore().signatures.entry(("dsse", "0.0.1"), &body, Some(time));
        assert_reason!(bundle_refused(&usual(), &bundle), Reason::OutsideCertificate { .. });
    }
}

#[test]
fn bundle_in_a_strange_log_is_refused() {
    let other = oci_testkit::sigstore::Instance::new();
    let signer = signer();
    assert_reason!(bundle_refused(&usual(), &sign(&other, &signer, A)), Reason::UnknownLog(_));
    let mut stamped = sign_stamped(&other, &signer, A);
    let made = base64_decoded(stamped["dsseEnvelope"]["signatures"][0]["sig"].as_str().unwrap());
    stamped["verificationMaterial"]["timestampVerificationData"] =
        stamps(&[sigstore().stamper.stamp(&made, NOW)]);
    assert_reason!(bundle_refused(&usual(), &stamped), Reason::Checkpoint(_));
}

#[test]
fn statement_must_name_exactly_the_artifact() {
    let owner = Owner::new(Kind::Ed25519);
    let policy = by_keys(&[("a.pub", &owner.pem())]);
    let signed = |statement: &Value| {
        let payload = statement.to_string().into_bytes();
        let signature = owner.sign(&encoding(PAYLOAD_TYPE, &payload));
        around(&payload, &signature, &json!({ "publicKey": { "hint": "" } }))
    };
    accepted(&policy, &bundles(&[signed(&statement(A))]));

    let mut json = statement(A);
    json["subject"] = json!([json["subject"][0], json["subject"][0]]);
    assert_eq!(bundle_refused(&policy, &signed(&json)), Reason::Subjects(2));
    json["subject"] = json!([]);
    assert_eq!(bundle_refused(&policy, &signed(&json)), Reason::Subjects(0));

    let mut json = statement(A);
    json["subject"][0]["digest"]["sha512"] = json!("b".repeat(128));
    assert_reason!(bundle_refused(&policy, &signed(&json)), Reason::OtherArtifact(_));
    json["subject"][0]["digest"] = json!({});
    assert_eq!(bundle_refused(&policy, &signed(&json)), Reason::OtherArtifact(String::new()));
    json["subject"][0]["digest"] = json!({ "sha1": "a".repeat(64) });
    assert_reason!(bundle_refused(&policy, &signed(&json)), Reason::OtherArtifact(_));
    json["subject"][0]["digest"] = json!({ "sha256": "A".repeat(64) });
    assert_reason!(bundle_refused(&policy, &signed(&json)), Reason::OtherArtifact(_));

    let mut json = statement(A);
    json["_type"] = json!("https://in-toto.io/Statement/v0.1");
    assert_reason!(bundle_refused(&policy, &signed(&json)), Reason::StatementType(_));

    let text = statement(A).to_string().replace(r#""subject":"#, r#""subject":[],"subject":"#);
    let signature = owner.sign(&encoding(PAYLOAD_TYPE, text.as_bytes()));
    let double = around(text.as_bytes(), &signature, &json!({ "publicKey": { "hint": "" } }));
    assert_reason!(bundle_refused(&policy, &double), Reason::DoubleKey { part: Part::Statement, .. });
}

#[test]
fn artifact_may_have_a_longer_digest() {
    let (digest, other) = (format!("sha512:{}", "a".repeat(128)), format!("sha512:{}", "b".repeat(128)));
    let owner = Owner::new(Kind::P256);
    let keys = by_keys(&[("a.pub", &owner.pem())]);
    let judge = |policy: &oci_verify::Policy, bundle: Value, digest: &str| {
        let digest = oci_artifact::name::Digest::parse(digest).unwrap();
        oci_verify::verify(policy, &digest, &bundles(&[bundle]), crate::desk::now())
    };
    let signer = signer();
    for (policy, bundle) in
        [(&keys, sign_with(&owner, &digest)), (&usual(), sign(sigstore(), &signer, &digest))]
    {
        assert!(matches!(judge(policy, bundle.clone(), &digest), Verdict::Verified(_)));
        for wrong in [other.as_str(), A] {
            assert!(matches!(judge(policy, bundle.clone(), wrong), Verdict::Rejected(_)));
        }
    }
}

#[test]
fn statement_may_have_notes_of_the_signer() {
    let mut json = statement(A);
    json["subject"][0]["annotations"] = json!({ "build": "17" });
    json["subject"][0]["name"] = json!("registry.example/org/app");
    accepted(&usual(), &bundles(&[sign_payload(sigstore(), &signer(), json.to_string().as_bytes())]));
}

#[test]
fn older_bundles_are_refused_by_name() {
    for version in ["0.1", "0.2"] {
        let name = format!("application/vnd.dev.sigstore.bundle+json;version={version}");
        let mut bundle = good();
        bundle["mediaType"] = json!(name);
        assert_eq!(bundle_refused(&usual(), &bundle), Reason::BundleVersion(name));
    }
    let mut bundle = good();
    bundle["mediaType"] = json!("application/vnd.dev.sigstore.bundle.v0.4+json");
    assert_reason!(bundle_refused(&usual(), &bundle), Reason::BundleVersion(_));
    bundle.as_object_mut().unwrap().remove("mediaType");
    assert_eq!(bundle_refused(&usual(), &bundle), Reason::BundleVersion(String::new()));
    bundle["mediaType"] = json!("application/vnd.dev.sigstore.bundle+json;version=0.3");
    accepted(&usual(), &bundles(&[bundle]));
}

#[test]
fn bundle_of_another_layer_type_is_refused() {
    let text = good().to_string();
    let name = "application/vnd.dev.sigstore.bundle+json;version=0.3";
    let layer = blob(name, text.as_bytes());
    let material =
        oci_verify::Material { bundles: oci_verify::Found::Here(vec![layer]), ..Default::default() };
    assert_eq!(refused(&usual(), &material), Reason::MediaType(name.to_owned()));
}

#[test]
fn bundle_that_signs_a_file_is_refused() {
    let mut bundle = good();
    let envelope = bundle.as_object_mut().unwrap().remove("dsseEnvelope").unwrap();
    bundle["messageSignature"] = json!({ "signature": base64(b"x") });
    assert_eq!(bundle_refused(&usual(), &bundle), Reason::MessageSignature);
    // Nor may there be both: readers would take one or the other.
    bundle["dsseEnvelope"] = envelope;
    assert_eq!(bundle_refused(&usual(), &bundle), Reason::MessageSignature);
}

#[test]
fn bundle_with_a_chain_is_refused() {
    let signer = signer();
    let mut bundle = sign(sigstore(), &signer, A);
    let material = bundle["verificationMaterial"].as_object_mut().unwrap();
    material.remove("certificate");
    material.insert(
        "x509CertificateChain".to_owned(),
        json!({ "certificates": [{ "rawBytes": base64(&signer.der) }] }),
    );
    assert_eq!(bundle_refused(&usual(), &bundle), Reason::ChainInBundle);
}

#[test]
fn bundle_with_two_signers_is_refused() {
    let mut bundle = good();
    bundle["verificationMaterial"]["publicKey"] = json!({ "hint": "" });
    assert_reason!(bundle_refused(&usual(), &bundle), Reason::Malformed { part: Part::Bundle, .. });
}

pub(crate) fn base64_decoded(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}
