//! What people read.

use oci_artifact::{Class, Classify as _};
use oci_testkit::sigstore::{Kind, Owner, bundle::sign, bundle::sign_with};
use oci_verify::{Material, Reason, TrustRootError, Verdict};

use crate::desk::{A, bundles, by_identity, by_keys, judge, signer, sigstore, usual};

#[test]
fn verdicts_say_who_or_why() {
    assert_eq!(judge(&usual(), &Material::default()).to_string(), "no signature was found");
    let bundle = sign(sigstore(), &signer(), A);
    assert_eq!(
        judge(&usual(), &bundles(std::slice::from_ref(&bundle))).to_string(),
        "signed by https://github.com/org/app/.github/workflows/release.yml@refs/heads/main of \
         https://token.actions.githubusercontent.com"
    );
    let verdict = judge(&by_identity(&[("^a$", "^b$")]), &bundles(&[bundle]));
    let Verdict::Rejected(rejected) = &verdict else { panic!() };
    let oci_verify::About::Signature { digest, .. } = &rejected.refused[0].about else { panic!() };
    assert_eq!(
        verdict.to_string(),
        format!(
            "no signature counts: bundle {}: https://github.com/org/app/.github/workflows/release.yml@refs/heads/main of \
             https://token.actions.githubusercontent.com signed it, who is not among the allowed",
            digest.short()
        )
    );
    let owner = Owner::new(Kind::P256);
    let verdict =
        judge(&by_keys(&[("bad.pub", "x"), ("good.pub", &owner.pem())]), &bundles(&[sign_with(&owner, A)]));
    assert_eq!(verdict.to_string(), "signed by key `good.pub` (ECDSA P-256, SHA-256)");
    let verdict = judge(&by_keys(&[("bad.pub", "x")]), &bundles(&[sign_with(&owner, A)]));
    assert_eq!(
        verdict.to_string(),
        "no signature counts: key `bad.pub`: it has no PEM block; policy: no public key can be used"
    );
}

#[test]
fn foreign_text_in_reasons_is_bounded_and_escaped() {
    let owner = Owner::new(Kind::P256);
    let mut bundle = sign_with(&owner, A);
    bundle["mediaType"] = serde_json::json!(format!("\u{1b}[31m\n{}", "x".repeat(10_000)));
    let verdict = judge(&by_keys(&[("a.pub", &owner.pem())]), &bundles(&[bundle])).to_string();
    assert!(verdict.len() < 400 && verdict.chars().all(|c| !c.is_control()), "{verdict}");
}

#[test]
fn reasons_are_terminal_and_say_what_to_do() {
    assert_eq!(Reason::NoTime.class(), Class::Terminal);
    assert_eq!(TrustRootError::NoTime.class(), Class::Terminal);
    assert!(TrustRootError::NoTime.hint().unwrap().contains("trusted-root create"));
    for reason in [Reason::NoKeys, Reason::NoIdentities, Reason::NoLogEntry, Reason::KeyForIdentities] {
        assert!(reason.hint().is_some(), "{reason}");
    }
}

#[test]
fn text_has_the_first_reasons_and_counts_the_others() {
    let other = Owner::new(Kind::P256);
    let many = vec![sign_with(&other, A); 20];
    let text = judge(&by_keys(&[("a.pub", &Owner::new(Kind::P256).pem())]), &bundles(&many)).to_string();
    assert_eq!(text.matches("made by none").count(), 8, "{text}");
    assert!(text.ends_with("; and 12 more"), "{text}");
    assert!(text.len() < 1_024, "{text}");
}
