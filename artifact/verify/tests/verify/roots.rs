//! Trust roots: what one must have, what follows from what it has, and timestamps.

use oci_testkit::sigstore::{
    Certified, Instance, NOW, Token, base64,
    bundle::{PAYLOAD_TYPE, around, encoding, sign, sign_stamped, stamps, statement},
    legacy::{self, BUNDLE, TIMESTAMP},
};
use oci_verify::{Identities, Log, Part, Policy, Reason, TrustRoot, TrustRootError, Verdict};
use serde_json::{Value, json};

use crate::desk::{
    A, accepted, assert_reason, bundle_refused, bundles, judge_at, keyless, legacies, legacy_refused, now,
    signer, signer_with, sigstore,
};

fn error(json: &Value) -> TrustRootError {
    TrustRoot::parse(json.to_string().as_bytes()).unwrap_err()
}

fn without(parts: &[&str]) -> Value {
    let mut root = sigstore().trusted_root();
    for part in parts {
        root[part] = json!([]);
    }
    root
}

fn policy(root: &Value) -> Policy {
    keyless(Identities::Anybody, root)
}

/// A bundle that is in no log, with these timestamps over its signature.
fn stamped(signer: &Certified, tokens: impl FnOnce(&[u8]) -> Vec<Vec<u8>>) -> Value {
    let payload = statement(A).to_string().into_bytes();
    let signature = signer.sign(&encoding(PAYLOAD_TYPE, &payload));
    let mut material = json!({ "certificate": { "rawBytes": base64(&signer.der) }, "tlogEntries": [] });
    material["timestampVerificationData"] = stamps(&tokens(&signature));
    around(&payload, &signature, &material)
}

#[test]
fn root_of_the_public_sigstore_is_parsed_once() {
    let (one, two) = (TrustRoot::public().unwrap(), TrustRoot::public().unwrap());
    assert!(std::sync::Arc::ptr_eq(&one, &two));
    assert_eq!(one.digest().hex().len(), 64);
}

#[test]
fn root_without_certificate_authority_is_refused() {
    assert_eq!(error(&without(&["certificateAuthorities"])), TrustRootError::NoAuthority);
}

#[test]
fn root_without_any_source_of_time_is_refused() {
    assert_eq!(error(&without(&["tlogs", "timestampAuthorities"])), TrustRootError::NoTime);
}

#[test]
fn root_that_is_none_is_refused() {
    let parse = |text: &str| TrustRoot::parse(text.as_bytes()).unwrap_err();
    assert!(matches!(parse("nonsense"), TrustRootError::Json(Reason::Malformed { .. })));
    assert!(matches!(parse(r#"{"tlogs":[],"tlogs":[]}"#), TrustRootError::Json(Reason::DoubleKey { .. })));
    assert!(matches!(parse("{}"), TrustRootError::Unusable(_)));
    assert_eq!(parse(&" ".repeat((1 << 20) + 1)), TrustRootError::TooLarge);
    assert!(matches!(TrustRoot::parse(b"\"\xff\"").unwrap_err(), TrustRootError::Json(_)));
    let mut root = sigstore().trusted_root();
    root["mediaType"] = json!("application/vnd.dev.sigstore.signingconfig.v0.2+json");
    assert_eq!(
        error(&root),
        TrustRootError::MediaType("application/vnd.dev.sigstore.signingconfig.v0.2+json".to_owned())
    );
}

#[test]
fn root_with_a_broken_part_is_refused_as_a_whole() {
    let breaks: [fn(&mut Value); 4] = [
        |root| root["tlogs"][0]["publicKey"]["rawBytes"] = json!("AAAA"),
        |root| root["ctlogs"][0]["logId"]["keyId"] = json!("AAAA"),
        |root| root["certificateAuthorities"][0]["certChain"]["certificates"][0]["rawBytes"] = json!("AAAA"),
        |root| root["timestampAuthorities"][0]["certChain"]["certificates"] = json!([]),
    ];
    for change in breaks {
        let mut root = sigstore().trusted_root();
        change(&mut root);
        assert!(matches!(error(&root), TrustRootError::Unusable(_)));
    }
    let mut root = sigstore().trusted_root();
    let log = root["tlogs"][0].clone();
    root["tlogs"].as_array_mut().unwrap().push(log);
    assert!(matches!(error(&root), TrustRootError::Unusable(_)), "the same log twice");
}

#[test]
fn root_with_too_many_authorities_is_refused() {
    let mut root = sigstore().trusted_root();
    let authority = root["certificateAuthorities"][0].clone();
    root["certificateAuthorities"] = json!(vec![authority.clone(); 64]);
    TrustRoot::parse(root.to_string().as_bytes()).unwrap();
    root["certificateAuthorities"] = json!(vec![authority; 65]);
    assert_eq!(error(&root), TrustRootError::TooMany);
}

#[test]
fn root_without_logs_of_certificates_does_not_ask_for_them() {
    let unlogged = signer_with(|request| request.logged = false);
    let bundle = sign(sigstore(), &unlogged, A);
    let verified = accepted(&policy(&without(&["ctlogs"])), &bundles(std::slice::from_ref(&bundle)));
    assert!(!verified.how.certificate_logged);
    assert_reason!(bundle_refused(&policy(&sigstore().trusted_root()), &bundle), Reason::CertificateLog(_));
}

#[test]
fn root_without_logs_asks_for_a_timestamp() {
    let policy = policy(&without(&["tlogs"]));
    let signer = signer();
    let verified =
        accepted(&policy, &bundles(&[stamped(&signer, |s| vec![sigstore().stamper.stamp(s, NOW)])]));
    assert_eq!((verified.how.log, verified.how.timestamped), (Log::Unasked, true));
    assert_eq!(verified.when.unwrap().as_second(), NOW);
    assert_eq!(bundle_refused(&policy, &stamped(&signer, |_| vec![])), Reason::NoTime);
    // What another log says does not help.
    assert_reason!(bundle_refused(&policy, &sign(sigstore(), &signer, A)), Reason::UnknownLog(_));
}

#[test]
fn legacy_signature_is_stamped_where_the_root_has_no_logs() {
    let policy = policy(&without(&["tlogs"]));
    let mut signature = legacy::sign(sigstore(), &signer(), A);
    signature.annotations.remove(BUNDLE);
    assert_eq!(legacy_refused(&policy, signature.clone()), Reason::NoTime);
    let made = crate::bundles::base64_decoded(&signature.annotations[legacy::SIGNATURE]);
    let token =
        |bytes: &[u8]| json!({ "SignedRFC3161Timestamp": base64(&sigstore().stamper.stamp(bytes, NOW)) });
    signature.annotations.insert(TIMESTAMP.to_owned(), token(&made).to_string());
    let verified = accepted(&policy, &legacies(vec![signature.clone()]));
    assert_eq!((verified.how.log, verified.how.timestamped), (Log::Unasked, true));
    signature.annotations.insert(TIMESTAMP.to_owned(), token(b"another signature").to_string());
    assert_reason!(legacy_refused(&policy, signature.clone()), Reason::Timestamp(_));
    signature.annotations.insert(TIMESTAMP.to_owned(), "{}".to_owned());
    assert_reason!(legacy_refused(&policy, signature), Reason::Malformed { part: Part::Timestamp, .. });
}

#[test]
fn timestamp_must_be_the_authoritys_over_this_signature_at_a_time_of_the_certificate() {
    let policy = policy(&without(&["tlogs"]));
    let signer = signer();
    let stamper = &sigstore().stamper;
    let token = |time, fraction, signed| Token { time, fraction, signed };
    accepted(&policy, &bundles(&[stamped(&signer, |s| vec![stamper.token(s, token(NOW, false, true))])]));

    let forged = stamped(&signer, |s| vec![stamper.token(s, token(NOW, false, false))]);
    assert_reason!(bundle_refused(&policy, &forged), Reason::Timestamp(_));
    let other = stamped(&signer, |_| vec![stamper.stamp(b"another signature", NOW)]);
    assert_reason!(bundle_refused(&policy, &other), Reason::Timestamp(_));
    let strange = stamped(&signer, |s| vec![Instance::new().stamper.stamp(s, NOW)]);
    assert_reason!(bundle_refused(&policy, &strange), Reason::Timestamp(_));
    let garbage = stamped(&signer, |_| vec![b"garbage".to_vec()]);
    assert_reason!(bundle_refused(&policy, &garbage), Reason::Timestamp(_));
    // Sound by RFC 3161, and not read by the verifier.
    let fraction = stamped(&signer, |s| vec![stamper.token(s, token(NOW, true, true))]);
    assert_reason!(bundle_refused(&policy, &fraction), Reason::Timestamp(_));

    for time in [NOW - 61, NOW + 541] {
        let outside = stamped(&signer, |s| vec![stamper.stamp(s, time)]);
        assert_reason!(bundle_refused(&policy, &outside), Reason::OutsideCertificate { .. });
    }
    // A good timestamp does not make up for a bad one.
    let both = stamped(&signer, |s| vec![stamper.stamp(s, NOW), stamper.stamp(s, NOW + 541)]);
    assert_reason!(bundle_refused(&policy, &both), Reason::OutsideCertificate { .. });
}

#[test]
fn timestamp_of_the_future_is_refused() {
    let policy = policy(&sigstore().trusted_root());
    let material = bundles(&[sign_stamped(sigstore(), &signer(), A)]);
    let early = now() - jiff::SignedDuration::from_secs(3_601);
    let Verdict::Rejected(rejected) = judge_at(&policy, &material, early) else { panic!() };
    assert_reason!(rejected.refused[0].reason.clone(), Reason::Future { .. });
}

#[test]
fn authority_and_log_count_within_their_time_only() {
    let past = json!({ "start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z" });
    let bundle = sign(sigstore(), &signer(), A);
    let mut root = sigstore().trusted_root();
    root["certificateAuthorities"][0]["validFor"] = past.clone();
    assert_reason!(bundle_refused(&policy(&root), &bundle), Reason::NoAuthority(_));
    let mut root = sigstore().trusted_root();
    root["tlogs"][0]["publicKey"]["validFor"] = past.clone();
    assert_reason!(bundle_refused(&policy(&root), &bundle), Reason::LogPromise(_));
    let mut root = sigstore().trusted_root();
    root["ctlogs"][0]["publicKey"]["validFor"] = past.clone();
    assert_reason!(bundle_refused(&policy(&root), &bundle), Reason::CertificateLog(_));
    let mut root = sigstore().trusted_root();
    root["timestampAuthorities"][0]["validFor"] = past;
    let stamped = sign_stamped(sigstore(), &signer(), A);
    assert_reason!(bundle_refused(&policy(&root), &stamped), Reason::Timestamp(_));
}

#[test]
fn removed_authority_counts_no_more() {
    let bundle = sign(sigstore(), &signer(), A);
    let mut root = sigstore().trusted_root();
    accepted(&policy(&root), &bundles(std::slice::from_ref(&bundle)));
    root["certificateAuthorities"] = Instance::new().trusted_root()["certificateAuthorities"].clone();
    assert_reason!(bundle_refused(&policy(&root), &bundle), Reason::Chain(_));
}
