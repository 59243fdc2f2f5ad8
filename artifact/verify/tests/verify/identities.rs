//! Who signed: I1 to I13, with patterns as Flux's users write them.

use oci_testkit::sigstore::{Certified, ISSUER, Request, San, bundle::sign, legacy};
use oci_verify::{Identities, Part, Policy, Reason, Verdict};

use crate::desk::{
    A, accepted, assert_reason, bundle_refused, bundles, by_identity, judge, keyless, legacies,
    legacy_refused, signer_with, sigstore,
};

const ISSUER_PATTERN: &str = r"^https://token\.actions\.githubusercontent\.com$";
const SUBJECT_PATTERN: &str =
    r"^https://github\.com/org/app/\.github/workflows/release\.yml@refs/heads/main$";

fn of(subject: &str) -> Certified {
    signer_with(|request| request.san = San::Uri(subject.to_owned()))
}

fn from(issuer: &str) -> Certified {
    signer_with(|request| request.issuer = Some(issuer.to_owned()))
}

/// That both formats come to the same.
#[track_caller]
fn counts(policy: &Policy, signer: &Certified) -> bool {
    let bundle = judge(policy, &bundles(&[sign(sigstore(), signer, A)]));
    let old = judge(policy, &legacies(vec![legacy::sign(sigstore(), signer, A)]));
    let verified = |verdict: &Verdict| matches!(verdict, Verdict::Verified(_));
    assert_eq!(verified(&bundle), verified(&old), "bundle: {bundle}; legacy: {old}");
    for verdict in [bundle, old] {
        if let Verdict::Rejected(rejected) = verdict {
            assert_reason!(rejected.refused[0].reason.clone(), Reason::Identity { .. });
        }
    }
    !matches!(judge(policy, &bundles(&[sign(sigstore(), signer, A)])), Verdict::Rejected(_))
}

fn anchored() -> Policy {
    by_identity(&[(ISSUER_PATTERN, SUBJECT_PATTERN)])
}

#[test]
fn i01_i02_prefix_of_an_organisation_needs_its_end() {
    let evil = of("https://github.com/org-evil/app/.github/workflows/release.yml@refs/heads/main");
    assert!(counts(&by_identity(&[(ISSUER_PATTERN, r"^https://github\.com/org")]), &evil));
    assert!(!counts(&by_identity(&[(ISSUER_PATTERN, r"^https://github\.com/org/")]), &evil));
}

#[test]
fn i03_i04_pattern_inside_another_url_needs_a_beginning() {
    let evil =
        of("https://evil.example/https://github.com/org/app/.github/workflows/release.yml@refs/heads/main");
    assert!(counts(&by_identity(&[(ISSUER_PATTERN, r"https://github\.com/org/app/")]), &evil));
    assert!(!counts(&by_identity(&[(ISSUER_PATTERN, r"^https://github\.com/org/app/")]), &evil));
}

#[test]
fn i05_dot_needs_a_backslash() {
    let evil = of("https://githubxcom/org/app/.github/workflows/release.yml@refs/heads/main");
    assert!(counts(&by_identity(&[(ISSUER_PATTERN, "^https://github.com/org/app/")]), &evil));
    assert!(!counts(&anchored(), &evil));
}

#[test]
fn i06_i07_branch_needs_its_end() {
    let evil = of("https://github.com/org/app/.github/workflows/release.yml@refs/heads/main-evil");
    let open = SUBJECT_PATTERN.trim_end_matches('$');
    assert!(counts(&by_identity(&[(ISSUER_PATTERN, open)]), &evil));
    assert!(!counts(&anchored(), &evil));
}

#[test]
fn i08_i09_issuer_needs_its_end() {
    let evil = from("https://token.actions.githubusercontent.com.evil.example");
    let open = ISSUER_PATTERN.trim_end_matches('$');
    assert!(counts(&by_identity(&[(open, SUBJECT_PATTERN)]), &evil));
    assert!(!counts(&anchored(), &evil));
}

#[test]
fn i10_mail_address_is_no_workflow() {
    let person = signer_with(|request| request.san = San::Email("me@example.com".to_owned()));
    assert!(!counts(&anchored(), &person));
    assert!(counts(&by_identity(&[(ISSUER_PATTERN, r"^me@example\.com$")]), &person));
}

#[test]
fn i11_certificate_that_names_a_host_or_something_else_names_nobody() {
    let anybody = keyless(Identities::Anybody, &sigstore().trusted_root());
    for san in [San::Dns("example.com".to_owned()), San::Other("me".to_owned())] {
        let signer = signer_with(|request| request.san = san);
        for policy in [&anchored(), &anybody] {
            assert_reason!(bundle_refused(policy, &sign(sigstore(), &signer, A)), Reason::NoIdentity(_));
            assert_reason!(
                legacy_refused(policy, legacy::sign(sigstore(), &signer, A)),
                Reason::NoIdentity(_)
            );
        }
    }
}

#[test]
fn i12_one_of_several_identities_is_enough_in_both_formats() {
    let policy = by_identity(&[("^https://a$", "^b$"), (ISSUER_PATTERN, SUBJECT_PATTERN), ("^c$", "^d$")]);
    assert!(counts(&policy, &signer_with(|_| ())));
}

#[test]
fn i13_issuer_of_one_identity_does_not_go_with_the_subject_of_another() {
    let policy = by_identity(&[(ISSUER_PATTERN, "^nobody$"), ("^https://other$", SUBJECT_PATTERN)]);
    assert!(!counts(&policy, &signer_with(|_| ())));
}

#[test]
fn empty_list_of_identities_admits_nobody() {
    let policy = by_identity(&[]);
    let verdict = judge(&policy, &bundles(&[sign(sigstore(), &signer_with(|_| ()), A)]));
    let Verdict::Rejected(rejected) = verdict else { panic!("{verdict}") };
    assert_eq!(rejected.refused[0].reason, Reason::NoIdentities);
}

#[test]
fn anybody_has_to_be_said() {
    let policy = keyless(Identities::Anybody, &sigstore().trusted_root());
    accepted(&policy, &bundles(&[sign(sigstore(), &of("https://whoever.example"), A)]));
}

#[test]
fn issuer_of_former_days_is_read_where_there_is_no_other() {
    let old = signer_with(|request| request.issuer = None);
    assert!(counts(&anchored(), &old));
    // Today's extension is the one that counts.
    let both = signer_with(|request| {
        request.issuer = Some("https://evil.example".to_owned());
        request.old_issuer = Some(ISSUER.to_owned());
    });
    assert!(!counts(&anchored(), &both));
    let none = signer_with(|request| (request.issuer, request.old_issuer) = (None, None));
    assert_eq!(bundle_refused(&anchored(), &sign(sigstore(), &none, A)), Reason::NoIdentity("issuer"));
}

#[test]
fn identity_of_other_characters_is_refused() {
    let anybody = keyless(Identities::Anybody, &sigstore().trusted_root());
    for issuer in ["https://tokén.example", "https://a\u{0}b", "https://a\nb", "https://\u{202e}b"] {
        let bundle = sign(sigstore(), &from(issuer), A);
        assert_eq!(bundle_refused(&anybody, &bundle), Reason::IdentityCharacters("issuer"), "{issuer:?}");
    }
    let spoilt = of("https://github.com/org/app\u{7}");
    assert_reason!(bundle_refused(&anybody, &sign(sigstore(), &spoilt, A)), Reason::IdentityCharacters(_));
}

#[test]
fn pattern_has_gos_meaning() {
    // In Rust's syntax the first would be an intersection that matches nothing.
    let and = "^https://a[a&&b]c$";
    for subject in ["https://aac", "https://a&c"] {
        assert!(counts(&by_identity(&[(ISSUER_PATTERN, and)]), &of(subject)));
    }
    assert!(counts(&by_identity(&[(ISSUER_PATTERN, r"^\Qhttps://a.b/\E$")]), &of("https://a.b/")));
    assert!(!counts(&by_identity(&[(ISSUER_PATTERN, r"^\Qhttps://a.b/\E$")]), &of("https://axb/")));
    let lines = by_identity(&[(ISSUER_PATTERN, r"(?m)^https://a$")]);
    assert!(counts(&lines, &of("https://a")));
    assert!(!counts(&lines, &of("https://ab")));
}

#[test]
fn certificate_that_is_none_is_refused() {
    let mut bundle = sign(sigstore(), &sigstore().certify(&Request::default()), A);
    bundle["verificationMaterial"]["certificate"]["rawBytes"] = serde_json::json!("AAAA");
    assert_reason!(bundle_refused(&anchored(), &bundle), Reason::Malformed { part: Part::Certificate, .. });
}
