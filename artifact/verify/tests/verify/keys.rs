//! Public keys: K1 to K5, every kind, and what a Secret's entry may turn out to be.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use oci_artifact::Classify as _;
use oci_testkit::sigstore::{
    Kind, Owner,
    bundle::sign_with,
    legacy::{self, Legacy, SIGNATURE},
};
use oci_verify::{About, By, KeyError, Keys, Reason, Verdict};
use serde_json::Value;

use crate::desk::{
    A, B, accepted, all_refused, assert_reason, bundle_refused, bundles, by_keys, judge, legacies,
    legacy_refused, signer, sigstore, usual,
};

fn fault(pem: &str) -> KeyError {
    let keys = Keys::read([("a.pub", pem.as_bytes())]);
    assert_eq!(keys.names().count(), 0, "{pem}");
    keys.faults()[0].error.clone()
}

#[test]
fn k01_legacy_of_another_key_is_refused() {
    let policy = by_keys(&[("a.pub", &Owner::new(Kind::P256).pem())]);
    let signature = legacy::sign_with(&Owner::new(Kind::P256), A);
    assert_eq!(
        legacy_refused(&policy, signature),
        Reason::NoKeyMatches(vec!["`a.pub` (ECDSA P-256)".to_owned()])
    );
}

#[test]
fn k02_signature_of_another_artifact_is_refused_in_both_formats() {
    let owner = Owner::new(Kind::P256);
    let policy = by_keys(&[("a.pub", &owner.pem())]);
    assert_eq!(legacy_refused(&policy, legacy::sign_with(&owner, B)), Reason::OtherArtifact(B.to_owned()));
    assert_eq!(bundle_refused(&policy, &sign_with(&owner, B)), Reason::OtherArtifact(B.to_owned()));
    // Nor does it help to write the wanted digest over it.
    let mut signature = legacy::sign_with(&owner, B);
    signature.payload = legacy::payload(A).to_string().into_bytes();
    assert_reason!(legacy_refused(&policy, signature), Reason::NoKeyMatches(_));
}

#[test]
fn k03_policy_without_keys_verifies_nothing() {
    let owner = Owner::new(Kind::P256);
    for policy in [by_keys(&[]), by_keys(&[("cosign.key", &owner.pem()), ("pub", &owner.pem())])] {
        assert_eq!(all_refused(&policy, &legacies(vec![legacy::sign_with(&owner, A)])), [Reason::NoKeys]);
        assert_eq!(all_refused(&policy, &legacies(vec![])), [Reason::NoKeys]);
    }
}

#[test]
fn k04_signature_by_key_is_refused_where_an_identity_is_asked_for() {
    let signature = legacy::sign_with(&Owner::new(Kind::P256), A);
    assert_eq!(legacy_refused(&usual(), signature), Reason::KeyForIdentities);
}

#[test]
fn k05_signature_by_identity_is_refused_where_a_key_is_asked_for() {
    let policy = by_keys(&[("a.pub", &Owner::new(Kind::P256).pem())]);
    let signature = legacy::sign(sigstore(), &signer(), A);
    assert_reason!(legacy_refused(&policy, signature), Reason::NoKeyMatches(_));
}

#[test]
fn every_kind_of_key_verifies_in_both_formats() {
    let kinds = [
        (Kind::P256, "ECDSA P-256, SHA-256"),
        (Kind::P384, "ECDSA P-384, SHA-384"),
        (Kind::Ed25519, "Ed25519"),
        (Kind::Rsa, "RSA PKCS#1, SHA-256"),
        (Kind::RsaSha512, "RSA PKCS#1, SHA-512"),
        (Kind::RsaPss, "RSA PSS, SHA-256"),
    ];
    for (kind, algorithm) in kinds {
        let owner = Owner::new(kind);
        let policy = by_keys(&[("a.pub", &owner.pem())]);
        let by = By::Key { name: "a.pub".to_owned(), algorithm };
        assert_eq!(accepted(&policy, &legacies(vec![legacy::sign_with(&owner, A)])).by, by);
        assert_eq!(accepted(&policy, &bundles(&[sign_with(&owner, A)])).by, by);
    }
}

/// Signatures by OpenSSL; the payload is about [`A`].
#[test]
fn signatures_of_openssl_verify_by_every_kind_and_hash() {
    let recorded: Value = serde_json::from_str(include_str!("../data/openssl.json")).unwrap();
    let payload = STANDARD.decode(recorded["payload"].as_str().unwrap()).unwrap();
    let all = recorded["signatures"].as_array().unwrap();
    assert_eq!(all.len(), 11);
    for one in all {
        let text = |name: &str| one[name].as_str().unwrap().to_owned();
        let annotations = BTreeMap::from([(SIGNATURE.to_owned(), text("signature"))]);
        let material = legacies(vec![Legacy { payload: payload.clone(), annotations }]);
        let verified = accepted(&by_keys(&[("a.pub", &text("key"))]), &material);
        let By::Key { algorithm, .. } = verified.by else { panic!("{verified:?}") };
        assert_eq!(algorithm, text("algorithm"));
        // The others' keys do not do.
        let others: Vec<_> = all.iter().filter(|other| *other != one).map(|other| &other["key"]).collect();
        let others: Vec<_> = others.iter().map(|key| ("b.pub", key.as_str().unwrap())).collect();
        assert!(matches!(judge(&by_keys(&others), &material), Verdict::Rejected(_)));
    }
}

#[test]
fn kinds_that_are_not_verified_are_refused_by_name() {
    let p521 = Owner::new(Kind::P521).pem();
    assert_eq!(fault(&p521), KeyError::Curve("P-521".to_owned()));
    assert_eq!(fault(&Owner::nobodys_rsa_pem(1024)), KeyError::RsaBits(1024));
    assert_eq!(fault(&Owner::nobodys_rsa_pem(16_384)), KeyError::RsaBits(16_384));
    assert_eq!(Keys::read([("a.pub", Owner::nobodys_rsa_pem(2048).as_bytes())]).faults(), []);
    for (arcs, name) in [
        (&[1, 3, 101, 113][..], "Ed448"),
        (&[1, 3, 101, 110], "X25519"),
        (&[1, 2, 840, 10040, 4, 1], "DSA"),
        (&[1, 2, 840, 113_549, 1, 1, 10], "RSA-PSS"),
        (&[2, 16, 840, 1, 101, 3, 4, 3, 17], "ML-DSA-44"),
        (&[1, 2, 3, 4], "1.2.3.4"),
    ] {
        assert_eq!(fault(&Owner::nobodys_pem(arcs)), KeyError::Kind(name.to_owned()));
    }
}

#[test]
fn prehashed_ed25519_is_refused_with_what_to_do() {
    let owner = Owner::new(Kind::Ed25519);
    let mut signature = legacy::sign_with(&owner, A);
    let digest = oci_artifact::name::Digest::of(&signature.payload);
    let made = owner.sign(digest.hex().as_bytes());
    signature.annotations.insert(SIGNATURE.to_owned(), STANDARD.encode(made));
    let reason = legacy_refused(&by_keys(&[("a.pub", &owner.pem())]), signature);
    assert!(reason.hint().unwrap().contains("Ed25519ph"), "{reason}");
}

#[test]
fn entry_that_is_no_public_key_is_refused_by_name() {
    let owner = Owner::new(Kind::P256);
    let private = owner.private_pem();
    assert_eq!(fault(&private), KeyError::PrivateKey);
    assert_eq!(fault(&private.replace("PRIVATE", "ENCRYPTED SIGSTORE PRIVATE")), KeyError::PrivateKey);
    assert_eq!(fault(&signer().pem()), KeyError::Certificate);
    assert_eq!(
        fault(&owner.pem().replace("PUBLIC KEY", "PGP MESSAGE")),
        KeyError::Label("PGP MESSAGE".to_owned())
    );
    assert_eq!(fault("just text"), KeyError::NoPem);
    assert_eq!(fault(""), KeyError::NoPem);
    assert_eq!(fault("-----BEGIN PUBLIC KEY-----\n*\n-----END PUBLIC KEY-----"), KeyError::Base64);
    assert_reason!(
        Reason::Key(fault("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----")),
        Reason::Key(KeyError::Malformed(_))
    );
    assert_eq!(fault(&"a".repeat((64 << 10) + 1)), KeyError::TooLarge);
    let bytes = Keys::read([("a.pub", &b"\xff\xfe"[..])]);
    assert_eq!(bytes.faults()[0].error, KeyError::NoPem);
}

#[test]
fn fault_of_a_private_key_does_not_show_it() {
    let private = Owner::new(Kind::P256).private_pem();
    let body = private.lines().nth(1).unwrap().to_owned();
    let policy = by_keys(&[("a.pub", &private)]);
    let verdict = judge(&policy, &legacies(vec![]));
    assert!(!format!("{verdict} {verdict:?} {policy:?}").contains(&body));
}

#[test]
fn broken_key_beside_a_good_one_is_told_and_does_not_stop_it() {
    let owner = Owner::new(Kind::P256);
    let policy =
        by_keys(&[("0.pub", "nonsense"), ("1.pub", &owner.pem()), ("2.pub", &Owner::new(Kind::P521).pem())]);
    let verified = accepted(&policy, &legacies(vec![legacy::sign_with(&owner, A)]));
    assert_eq!(verified.by.to_string(), "key `1.pub` (ECDSA P-256, SHA-256)");
    let about: Vec<_> = verified.refused.iter().map(|refusal| refusal.about.clone()).collect();
    assert_eq!(about, [About::Key("0.pub".to_owned()), About::Key("2.pub".to_owned())]);
    // They are told as well where nothing is verified.
    let reasons = all_refused(&policy, &legacies(vec![legacy::sign_with(&Owner::new(Kind::P256), A)]));
    assert_eq!(reasons.len(), 3);
}

#[test]
fn keys_are_tried_in_the_order_of_their_names() {
    let owner = Owner::new(Kind::P256);
    let policy = by_keys(&[
        ("z.pub", &owner.pem()),
        ("b.pub", &owner.pem()),
        ("a.pub", &Owner::new(Kind::P256).pem()),
    ]);
    let verified = accepted(&policy, &legacies(vec![legacy::sign_with(&owner, A)]));
    assert_eq!(verified.by.to_string(), "key `b.pub` (ECDSA P-256, SHA-256)");
}

#[test]
fn only_the_first_block_of_an_entry_is_a_key() {
    let (first, second) = (Owner::new(Kind::P256), Owner::new(Kind::P256));
    let policy = by_keys(&[("a.pub", &format!("{}{}", first.pem(), second.pem()))]);
    let verified = accepted(&policy, &legacies(vec![legacy::sign_with(&first, A)]));
    assert_eq!(verified.refused[0].reason, Reason::Key(KeyError::Unread(1)));
    assert!(all_refused(&policy, &legacies(vec![legacy::sign_with(&second, A)])).len() == 2);
}

#[test]
fn rsa_key_may_be_bare() {
    let owner = Owner::new(Kind::Rsa);
    let policy = by_keys(&[("a.pub", &owner.pkcs1_pem().unwrap())]);
    accepted(&policy, &legacies(vec![legacy::sign_with(&owner, A)]));
}

#[test]
fn keys_beyond_the_limit_are_told() {
    let owner = Owner::new(Kind::P256);
    let pem = owner.pem();
    let names: Vec<String> = (0..65).map(|number| format!("{number:03}.pub")).collect();
    let keys = Keys::read(names.iter().map(|name| (name.as_str(), pem.as_bytes())));
    assert_eq!(keys.names().count(), 64);
    assert_eq!(keys.faults()[0].to_string(), "public key `064.pub`: only the first 64 keys are used");
}
