//! Cosign's old format with certificates: attacks A1 to A18.

use oci_testkit::sigstore::{
    BEFORE, Instance, NOW, Request, base64,
    legacy::{
        BUNDLE, CERTIFICATE, CHAIN, Legacy, SIGNATURE, TIMESTAMP, body, payload, promise, sign, sign_payload,
    },
};
use oci_verify::{By, Format, How, LEGACY_TYPE, Log, Material, Part, Reason, Verdict};
use serde_json::{Value, json};

use crate::desk::{
    A, B, accepted, assert_reason, blob, found, judge, keyless, legacies, legacy_refused, now, refused,
    signer, signer_with, sigstore, usual,
};

fn good() -> Legacy {
    sign(sigstore(), &signer(), A)
}

/// A promise that is changed after it was made.
fn edited(mut signature: Legacy, edit: impl FnOnce(&mut Value)) -> Legacy {
    let mut json: Value = serde_json::from_str(&signature.annotations[BUNDLE]).unwrap();
    edit(&mut json);
    signature.annotations.insert(BUNDLE.to_owned(), json.to_string());
    signature
}

fn set(signature: &mut Legacy, name: &str, value: String) {
    signature.annotations.insert(name.to_owned(), value);
}

#[test]
fn legacy_with_certificate_counts() {
    let verified = accepted(&usual(), &legacies(vec![good()]));
    assert!(matches!(&verified.by, By::Identity { subject, .. } if subject.ends_with("@refs/heads/main")));
    assert_eq!(verified.when.unwrap().as_second(), NOW);
    let how = How { format: Format::Legacy, log: Log::Promise, certificate_logged: true, timestamped: false };
    assert_eq!(verified.how, how);
    assert_eq!(verified.refused, []);
}

#[test]
fn a01_legacy_of_another_artifact_is_refused() {
    let signature = sign(sigstore(), &signer(), B);
    assert_eq!(legacy_refused(&usual(), signature), Reason::OtherArtifact(B.to_owned()));
}

#[test]
fn a02_legacy_with_a_garbage_signature_is_refused() {
    let mut signature = sign(sigstore(), &signer(), B);
    signature.payload = payload(A).to_string().into_bytes();
    set(&mut signature, SIGNATURE, base64(b"garbage"));
    assert_reason!(legacy_refused(&usual(), signature), Reason::Signature(_));
}

#[test]
fn a03_legacy_with_a_copied_signature_is_refused() {
    let mut signature = sign(sigstore(), &signer(), B);
    signature.payload = payload(A).to_string().into_bytes();
    assert_reason!(legacy_refused(&usual(), signature), Reason::Signature(_));
}

#[test]
fn a04_legacy_of_an_attacker_with_the_victims_certificate_is_refused() {
    let (attacker, victim) = (signer_with(|request| request.san = mail("evil@example.com")), signer());
    let mut signature = good();
    let forged = attacker.sign(&signature.payload);
    let entry = body(&signature.payload, &forged, &victim.pem()).to_string();
    set(&mut signature, SIGNATURE, base64(&forged));
    set(&mut signature, CERTIFICATE, victim.pem());
    set(&mut signature, BUNDLE, promise(&sigstore().signatures, entry.as_bytes(), NOW, 1).to_string());
    assert_reason!(legacy_refused(&usual(), signature), Reason::Signature(_));
}

#[test]
fn a05_legacy_with_the_promise_of_another_entry_is_refused() {
    let mut signature = good();
    let other = sign(sigstore(), &signer(), B);
    set(&mut signature, BUNDLE, other.annotations[BUNDLE].clone());
    assert_reason!(legacy_refused(&usual(), signature), Reason::LogEntry(_));
}

#[test]
fn a05_legacy_with_the_promise_of_another_certificate_is_refused() {
    let mut signature = good();
    let entry = {
        let made = base64_decoded(&signature.annotations[SIGNATURE]);
        body(&signature.payload, &made, &signer().pem()).to_string()
    };
    set(&mut signature, BUNDLE, promise(&sigstore().signatures, entry.as_bytes(), NOW, 1).to_string());
    assert_reason!(legacy_refused(&usual(), signature), Reason::LogEntry(_));
}

#[test]
fn a05_legacy_with_the_promise_of_another_signature_is_refused() {
    let signer = signer();
    let mut signature = sign(sigstore(), &signer, A);
    let entry = body(&signature.payload, &signer.sign(&signature.payload), &signer.pem()).to_string();
    set(&mut signature, BUNDLE, promise(&sigstore().signatures, entry.as_bytes(), NOW, 1).to_string());
    assert_reason!(legacy_refused(&usual(), signature), Reason::LogEntry(_));
}

#[test]
fn a06_legacy_with_an_expired_certificate_and_no_log_is_refused() {
    let expired = signer_with(|request| (request.from, request.until) = (BEFORE, BEFORE + 600));
    let mut signature = sign(sigstore(), &expired, A);
    signature.annotations.remove(BUNDLE);
    assert_eq!(legacy_refused(&usual(), signature), Reason::NoLogEntry);
}

#[test]
fn a07_legacy_logged_after_its_certificate_ended_is_refused() {
    let signature = sign_payload(sigstore(), &signer(), payload(A).to_string().as_bytes(), NOW + 541);
    assert_reason!(legacy_refused(&usual(), signature), Reason::OutsideCertificate { .. });
    let last = sign_payload(sigstore(), &signer(), payload(A).to_string().as_bytes(), NOW + 540);
    accepted(&usual(), &legacies(vec![last]));
}

#[test]
fn a08_legacy_logged_before_its_certificate_began_is_refused() {
    let signature = sign_payload(sigstore(), &signer(), payload(A).to_string().as_bytes(), NOW - 61);
    assert_reason!(legacy_refused(&usual(), signature), Reason::OutsideCertificate { .. });
    let first = sign_payload(sigstore(), &signer(), payload(A).to_string().as_bytes(), NOW - 60);
    accepted(&usual(), &legacies(vec![first]));
}

#[test]
fn a09_legacy_with_an_edited_time_is_refused() {
    let signature = edited(good(), |json| json["Payload"]["integratedTime"] = json!(NOW + 1));
    assert_reason!(legacy_refused(&usual(), signature), Reason::LogPromise(_));
}

#[test]
fn a10_legacy_with_an_edited_place_in_the_log_is_refused() {
    let signature = edited(good(), |json| json["Payload"]["logIndex"] = json!(54_321));
    assert_reason!(legacy_refused(&usual(), signature), Reason::LogPromise(_));
}

#[test]
fn a11_legacy_whose_certificate_is_in_no_log_is_refused() {
    let unlogged = signer_with(|request| request.logged = false);
    let signature = sign(sigstore(), &unlogged, A);
    assert_reason!(legacy_refused(&usual(), signature), Reason::CertificateLog(_));
}

#[test]
fn a11_legacy_whose_certificate_is_in_a_strange_log_is_refused() {
    let mut trusted = sigstore().trusted_root();
    trusted["ctlogs"] = Instance::new().trusted_root()["ctlogs"].clone();
    let policy = keyless(oci_verify::Identities::Anybody, &trusted);
    assert_reason!(legacy_refused(&policy, good()), Reason::CertificateLog(_));
}

#[test]
fn a12_legacy_of_another_instance_is_refused() {
    let other = Instance::new();
    let signature = sign(&other, &other.certify(&Request::default()), A);
    assert_reason!(legacy_refused(&usual(), signature), Reason::UnknownLog(_));
}

#[test]
fn a12_legacy_that_names_our_log_but_is_of_another_is_refused() {
    let other = Instance::new();
    let id = edited(good(), |_| ()).annotations[BUNDLE].clone();
    let ours: Value = serde_json::from_str(&id).unwrap();
    let signature = sign(&other, &signer(), A);
    let signature = edited(signature, |json| json["Payload"]["logID"] = ours["Payload"]["logID"].clone());
    assert_reason!(legacy_refused(&usual(), signature), Reason::LogPromise(_));
}

#[test]
fn a13_legacy_of_a_strange_authority_is_refused_whatever_chain_it_brings() {
    let other = Instance::new();
    let stranger = other.certify(&Request::default());
    let signature = sign(sigstore(), &stranger, A);
    assert!(signature.annotations[CHAIN].contains("CERTIFICATE"));
    assert_reason!(legacy_refused(&usual(), signature), Reason::Chain(_));
}

#[test]
fn a14_legacy_with_a_certificate_for_something_else_is_refused() {
    let mailer = signer_with(|request| request.code_signing = false);
    assert_eq!(legacy_refused(&usual(), sign(sigstore(), &mailer, A)), Reason::ExtendedKeyUsage);
}

#[test]
fn a15_legacy_with_a_certificate_not_for_signatures_is_refused() {
    let agreeing = signer_with(|request| request.digital_signature = false);
    assert_eq!(legacy_refused(&usual(), sign(sigstore(), &agreeing, A)), Reason::KeyUsage);
}

#[test]
fn a16_legacy_of_another_kind_is_refused() {
    let mut payload = payload(A);
    payload["critical"]["type"] = json!("atomic container signature");
    let signature = sign_payload(sigstore(), &signer(), payload.to_string().as_bytes(), NOW);
    assert_eq!(
        legacy_refused(&usual(), signature),
        Reason::PayloadKind("atomic container signature".to_owned())
    );
}

#[test]
fn a17_legacy_that_names_two_artifacts_is_refused() {
    // Whichever of the two a reader takes.
    for (first, last) in [(A, B), (B, A)] {
        let key = "docker-manifest-digest";
        let two = format!(r#""{key}":"{first}","{key}":"{last}""#);
        let text = payload(A).to_string().replace(&format!(r#""{key}":"{A}""#), &two);
        let signature = sign_payload(sigstore(), &signer(), text.as_bytes(), NOW);
        let double = Reason::DoubleKey { part: Part::Payload, key: key.to_owned() };
        assert_eq!(legacy_refused(&usual(), signature), double);
    }
}

#[test]
fn a18_legacy_whose_bytes_are_not_the_layers_is_refused() {
    let mut signature = found(good());
    signature.payload.digest = blob(LEGACY_TYPE, b"other").digest;
    let material = Material { legacy: oci_verify::Found::Here(vec![signature]), ..Material::default() };
    assert_reason!(refused(&usual(), &material), Reason::BlobDigest { .. });
}

#[test]
fn legacy_payload_with_unknown_conditions_is_refused() {
    let changes: [fn(&mut Value); 4] = [
        |json| json["critical"]["expires"] = json!("2020-01-01"),
        |json| json["critical"]["image"]["platform"] = json!("linux/amd64"),
        |json| json["more"] = json!(1),
        |json| json["critical"]["image"] = json!({}),
    ];
    for change in changes {
        let mut json = payload(A);
        change(&mut json);
        let signature = sign_payload(sigstore(), &signer(), json.to_string().as_bytes(), NOW);
        assert_reason!(legacy_refused(&usual(), signature), Reason::Malformed { part: Part::Payload, .. });
    }
}

#[test]
fn legacy_payload_may_have_notes_and_another_name() {
    let mut json = payload(A);
    json["optional"] = json!({ "creator": "somebody", "timestamp": 1 });
    json["critical"]["identity"]["docker-reference"] = json!("other.example/copied");
    let signature = sign_payload(sigstore(), &signer(), json.to_string().as_bytes(), NOW);
    accepted(&usual(), &legacies(vec![signature]));
}

#[test]
fn legacy_of_another_media_type_is_refused() {
    let mut signature = found(good());
    signature.payload.media_type = "application/vnd.dsse.envelope.v1+json".to_owned();
    let material = Material { legacy: oci_verify::Found::Here(vec![signature]), ..Material::default() };
    assert_reason!(refused(&usual(), &material), Reason::MediaType(_));
}

#[test]
fn legacy_logged_in_the_future_is_refused() {
    let material = legacies(vec![good()]);
    let verdict = crate::desk::judge_at(&usual(), &material, now() - jiff::SignedDuration::from_secs(3_601));
    let Verdict::Rejected(rejected) = verdict else { panic!("{verdict}") };
    assert_reason!(rejected.refused[0].reason.clone(), Reason::Future { .. });
    let verdict = crate::desk::judge_at(&usual(), &material, now() - jiff::SignedDuration::from_secs(3_600));
    assert!(matches!(verdict, Verdict::Verified(_)));
}

#[test]
fn legacy_with_another_kind_of_entry_is_refused() {
    let entry = json!({ "apiVersion": "0.0.1", "kind": "rekord", "spec": {} }).to_string();
    let mut signature = good();
    set(&mut signature, BUNDLE, promise(&sigstore().signatures, entry.as_bytes(), NOW, 1).to_string());
    assert_reason!(legacy_refused(&usual(), signature), Reason::Unsupported(what) if what.contains("rekord 0.0.1"));
}

#[test]
fn legacy_with_broken_annotations_is_refused_by_the_part() {
    let cases = [
        (SIGNATURE, "%%%", Part::SignatureValue),
        (CERTIFICATE, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", Part::Certificate),
        (CERTIFICATE, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", Part::Certificate),
        (CHAIN, "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----", Part::Chain),
        (BUNDLE, "{}", Part::LogEntry),
        (
            BUNDLE,
            r#"{"SignedEntryTimestamp":"","Payload":{"body":"","integratedTime":1,"logIndex":1,"logID":""}}"#,
            Part::LogEntry,
        ),
    ];
    for (name, value, part) in cases {
        let mut signature = good();
        set(&mut signature, name, value.to_owned());
        match legacy_refused(&usual(), signature) {
            Reason::Malformed { part: named, .. } => assert_eq!(named, part, "{name}: {value}"),
            other => panic!("{name}: {value}: {other:?}"),
        }
    }
}

#[test]
fn legacy_entry_before_the_beginning_of_the_log_is_refused() {
    for place in ["integratedTime", "logIndex"] {
        let signature = edited(good(), |json| json["Payload"][place] = json!(i64::MIN));
        assert_reason!(legacy_refused(&usual(), signature), Reason::Malformed { part: Part::LogEntry, .. });
    }
}

#[test]
fn legacy_with_too_long_a_chain_is_refused() {
    let mut signature = good();
    let chain = signature.annotations[CHAIN].repeat(5);
    set(&mut signature, CHAIN, chain);
    assert_eq!(legacy_refused(&usual(), signature), Reason::TooLarge { part: Part::Chain, limit: 8 });
}

#[test]
fn legacy_timestamp_is_not_asked_for_where_there_is_a_log() {
    let mut signature = good();
    set(&mut signature, TIMESTAMP, "nonsense".to_owned());
    assert!(matches!(judge(&usual(), &legacies(vec![signature])), Verdict::Verified(_)));
}

fn mail(name: &str) -> oci_testkit::sigstore::San {
    oci_testkit::sigstore::San::Email(name.to_owned())
}

fn base64_decoded(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}
