//! How much is looked at, and what is said about the rest.

use oci_artifact::limits::{SIGNATURE_BYTES, SIGNATURES};
use oci_testkit::sigstore::{
    Kind, Owner,
    bundle::{sign, sign_with},
    legacy,
};
use oci_verify::{BUNDLE_TYPE, Found, LEGACY_TYPE, Legacy, Material, Part, Reason, Verdict};
use serde_json::json;

use crate::desk::{
    A, accepted, assert_reason, blob, bundle_refused, bundles, by_keys, found, judge, legacies, refused,
    signer, sigstore, usual,
};

fn filler(number: usize) -> oci_verify::Blob {
    blob(BUNDLE_TYPE, format!("{{\"junk\":{number}}}").as_bytes())
}

#[test]
fn the_last_signature_that_is_looked_at_counts_and_the_next_does_not() {
    let owner = Owner::new(Kind::P256);
    let policy = by_keys(&[("a.pub", &owner.pem())]);
    let good = blob(BUNDLE_TYPE, sign_with(&owner, A).to_string().as_bytes());
    let after = |count: usize| {
        let all = (0..count).map(filler).chain([good.clone()]).collect();
        Material { bundles: Found::Here(all), ..Material::default() }
    };
    let verified = accepted(&policy, &after(SIGNATURES - 1));
    assert_eq!(verified.refused.len(), SIGNATURES - 1);
    let Verdict::Rejected(rejected) = judge(&policy, &after(SIGNATURES)) else { panic!() };
    assert_eq!((rejected.refused.len(), rejected.unseen), (SIGNATURES, 1));
    assert!(rejected.to_string().ends_with("; 1 more signatures were not looked at"), "{rejected}");
}

#[test]
fn both_formats_share_the_limit() {
    let owner = Owner::new(Kind::P256);
    let policy = by_keys(&[("a.pub", &owner.pem())]);
    let mut material = legacies(vec![legacy::sign_with(&owner, A)]);
    material.bundles = Found::Here((0..SIGNATURES).map(filler).collect());
    let Verdict::Rejected(rejected) = judge(&policy, &material) else { panic!() };
    assert_eq!(rejected.unseen, 1);
}

#[test]
fn signatures_that_were_not_fetched_are_told() {
    let material = Material { more: 1_000, ..Material::default() };
    let Verdict::Rejected(rejected) = judge(&usual(), &material) else { panic!() };
    assert_eq!(rejected.unseen, 1_000);
}

#[test]
fn bundle_may_have_as_many_bytes_as_the_limit() {
    let owner = Owner::new(Kind::P256);
    let policy = by_keys(&[("a.pub", &owner.pem())]);
    let text = sign_with(&owner, A).to_string();
    let of = |bytes: usize| {
        let padded = format!("{text}{}", " ".repeat(bytes - text.len()));
        Material { bundles: Found::Here(vec![blob(BUNDLE_TYPE, padded.as_bytes())]), ..Material::default() }
    };
    accepted(&policy, &of(SIGNATURE_BYTES));
    let limit = Reason::TooLarge { part: Part::Signature, limit: SIGNATURE_BYTES };
    assert_eq!(refused(&policy, &of(SIGNATURE_BYTES + 1)), limit);
}

#[test]
fn annotations_count_as_bytes_of_a_legacy_signature() {
    let owner = Owner::new(Kind::P256);
    let policy = by_keys(&[("a.pub", &owner.pem())]);
    let of = |bytes: usize| {
        let mut signature: Legacy = found(legacy::sign_with(&owner, A));
        let used: usize = signature.annotations.iter().map(|(name, value)| name.len() + value.len()).sum();
        let free = bytes - used - signature.payload.bytes.len() - 1;
        signature.annotations.insert("x".to_owned(), "y".repeat(free));
        Material { legacy: Found::Here(vec![signature]), ..Material::default() }
    };
    accepted(&policy, &of(SIGNATURE_BYTES));
    assert_reason!(refused(&policy, &of(SIGNATURE_BYTES + 1)), Reason::TooLarge { .. });
}

#[test]
fn log_entries_and_timestamps_are_counted() {
    let mut bundle = sign(sigstore(), &signer(), A);
    let entries = bundle["verificationMaterial"]["tlogEntries"].as_array_mut().unwrap();
    let entry = entries[0].clone();
    entries.resize(8, entry.clone());
    accepted(&usual(), &bundles(&[bundle.clone()]));
    bundle["verificationMaterial"]["tlogEntries"].as_array_mut().unwrap().push(entry);
    assert_eq!(bundle_refused(&usual(), &bundle), Reason::TooLarge { part: Part::LogEntry, limit: 8 });

    let mut bundle = sign(sigstore(), &signer(), A);
    let stamp = json!({ "signedTimestamp": "AAAA" });
    bundle["verificationMaterial"]["timestampVerificationData"] =
        json!({ "rfc3161Timestamps": vec![stamp; 9] });
    assert_eq!(bundle_refused(&usual(), &bundle), Reason::TooLarge { part: Part::Timestamp, limit: 8 });
}

#[test]
fn first_signature_that_counts_ends_the_search() {
    let owner = Owner::new(Kind::P256);
    let policy = by_keys(&[("a.pub", &owner.pem())]);
    let good = sign_with(&owner, A);
    let verified = accepted(&policy, &bundles(&[good.clone(), json!({}), good]));
    assert_eq!(verified.refused, []);
}

/// Whatever comes, the answer is a verdict: no panic, and never that it is verified.
#[test]
fn mutilated_signatures_never_count() {
    let owner = Owner::new(Kind::P256);
    let keys = by_keys(&[("a.pub", &owner.pem())]);
    let keyed = sign_with(&owner, A).to_string().into_bytes();
    let certified = sign(sigstore(), &signer(), A).to_string().into_bytes();
    for (policy, bytes) in [(&keys, &keyed), (&usual(), &certified)] {
        for cut in (0..bytes.len()).step_by(37) {
            let material = Material {
                bundles: Found::Here(vec![blob(BUNDLE_TYPE, &bytes[..cut])]),
                ..Material::default()
            };
            assert!(matches!(judge(policy, &material), Verdict::Rejected(_)), "{cut}");
        }
    }
    let payload = legacy::sign_with(&owner, A);
    for cut in 0..payload.payload.len() {
        let mut signature = payload.clone();
        signature.payload.truncate(cut);
        assert!(matches!(judge(&keys, &legacies(vec![signature])), Verdict::Rejected(_)), "{cut}");
    }
    assert_eq!(found(payload).payload.media_type, LEGACY_TYPE);
}
