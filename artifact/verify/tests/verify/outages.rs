//! That nothing counts by accident: no signature, no answer, and one format never vouches for the other.

use std::time::Duration;

use oci_testkit::sigstore::{Kind, Owner, bundle::sign, bundle::sign_with, legacy};
use oci_verify::{Format, Found, Material, Verdict};

use crate::desk::{A, B, accepted, bundles, by_keys, judge, legacies, signer, sigstore, usual};

fn unreachable<T>(seconds: Option<u64>) -> Found<T> {
    Found::Unreachable { why: "429 TOOMANYREQUESTS".to_owned(), after: seconds.map(Duration::from_secs) }
}

#[test]
fn nothing_found_is_not_signed() {
    assert_eq!(judge(&usual(), &Material::default()), Verdict::NotSigned);
    assert_eq!(
        judge(&by_keys(&[("a.pub", &Owner::new(Kind::P256).pem())]), &Material::default()),
        Verdict::NotSigned
    );
}

#[test]
fn nobody_could_look_is_not_nothing_found() {
    let both =
        Material { bundles: unreachable(Some(3)), legacy: unreachable(Some(30)), ..Material::default() };
    let Verdict::Unavailable(unavailable) = judge(&usual(), &both) else { panic!() };
    assert_eq!((unavailable.why.len(), unavailable.after), (2, Some(Duration::from_secs(30))));
    let one = Material { legacy: unreachable(None), ..Material::default() };
    assert!(matches!(judge(&usual(), &one), Verdict::Unavailable(_)));
    let other = Material { bundles: unreachable(None), ..Material::default() };
    assert!(matches!(judge(&usual(), &other), Verdict::Unavailable(_)));
}

#[test]
fn signature_counts_while_the_other_format_cannot_be_looked_up() {
    let mut material = bundles(&[sign(sigstore(), &signer(), A)]);
    material.legacy = unreachable(None);
    assert_eq!(accepted(&usual(), &material).how.format, Format::Bundle);
}

#[test]
fn signature_that_does_not_count_leaves_the_question_open_while_another_may_be_there() {
    let mut material = bundles(&[sign(sigstore(), &signer(), B)]);
    material.legacy = unreachable(None);
    let Verdict::Unavailable(unavailable) = judge(&usual(), &material) else { panic!() };
    assert_eq!(unavailable.rejected.refused.len(), 1);
}

#[test]
fn policy_that_allows_nobody_does_not_wait_for_an_answer() {
    let material = Material { bundles: unreachable(None), ..Material::default() };
    assert!(matches!(judge(&by_keys(&[]), &material), Verdict::Rejected(_)));
}

#[test]
fn failed_bundle_is_not_rescued_by_a_legacy_signature_of_somebody_else() {
    let mut material = legacies(vec![legacy::sign_with(&Owner::new(Kind::P256), A)]);
    material.bundles = bundles(&[sign_with(&Owner::new(Kind::P256), A)]).bundles;
    let Verdict::Rejected(rejected) = judge(&by_keys(&[("a.pub", &Owner::new(Kind::P256).pem())]), &material)
    else {
        panic!()
    };
    assert_eq!(rejected.refused.len(), 2);
}

#[test]
fn legacy_signature_beside_a_failed_bundle_counts_by_itself() {
    let owner = Owner::new(Kind::P256);
    let mut material = legacies(vec![legacy::sign_with(&owner, A)]);
    material.bundles =
        bundles(&[sign(sigstore(), &signer(), A), sign_with(&Owner::new(Kind::P256), A)]).bundles;
    let verified = accepted(&by_keys(&[("a.pub", &owner.pem())]), &material);
    assert_eq!((verified.how.format, verified.refused.len()), (Format::Legacy, 2));
}
