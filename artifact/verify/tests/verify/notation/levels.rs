//! Levels: what is enforced, what is told only, and what is not looked at.

use oci_artifact::limits::SIGNATURES;
use oci_testkit::sigstore::NOW;
use oci_verify::{Check, Ignored, LetPass, NotationReason, Reason, Verdict};
use rcgen::CrlDistributionPoint;
use serde_json::json;

use super::{
    accepted,
    draft::Draft,
    judge, level, notation_refused,
    pki::{Chain, Kind, extension, issue, plan_with},
    read, refused, strict, trusting,
};
use crate::desk::{B, assert_reason, blob};

fn checks(let_pass: &[LetPass]) -> Vec<Check> {
    let_pass.iter().map(|one| one.check).collect()
}

#[track_caller]
fn ignored(verdict: Verdict) -> Ignored {
    match verdict {
        Verdict::Ignored(ignored) => ignored,
        other => panic!("{other}"),
    }
}

#[test]
fn expired_signature_counts_where_that_is_told_only() {
    let chain = Chain::usual();
    // Verified at NOW + 3600.
    let draft = Draft::of(&chain).expires(NOW + 3_600);
    let expiry = NotationReason::Expired(jiff::Timestamp::from_second(NOW + 3_600).unwrap());
    assert_eq!(notation_refused(&trusting(&chain), &draft), expiry);
    for name in ["permissive", "audit"] {
        let verified = accepted(&read(&level(name), &[&chain.root_pem()]), &draft.jws());
        let told = LetPass { check: Check::Expiry, reason: expiry.clone().into() };
        assert_eq!(verified.let_pass, [told]);
    }
    accepted(&trusting(&chain), &Draft::of(&chain).expires(NOW + 3_601).cose());
    let mut document = level("permissive");
    document["trustPolicies"][0]["signatureVerification"]["override"] = json!({ "expiry": "enforce" });
    assert_eq!(notation_refused(&read(&document, &[&chain.root_pem()]), &draft), expiry);
}

#[test]
fn certificate_that_says_where_revocation_is_told_is_refused_where_that_is_enforced() {
    let ocsp = {
        // Access by OCSP at `http:`.
        let mut content = vec![0x30, 0x13, 0x30, 0x11, 6, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 0x86, 5];
        content.extend(b"http:");
        move || extension(&[1, 3, 6, 1, 5, 5, 7, 1, 1], content.clone(), false)
    };
    let crl = || CrlDistributionPoint { uris: vec!["http://a.example/crl".to_owned()] };
    let plans = [
        (plan_with(0, |leaf| leaf.custom_extensions.push(ocsp())), "OCSP", "CN=ci,O=Example,ST=WA,C=US"),
        (plan_with(1, |authority| authority.custom_extensions.push(ocsp())), "OCSP", "CN=intermediate"),
        (plan_with(0, |leaf| leaf.crl_distribution_points.push(crl())), "CRL", "CN=ci,O=Example,ST=WA,C=US"),
        (plan_with(1, |authority| authority.crl_distribution_points.push(crl())), "CRL", "CN=intermediate"),
        (
            plan_with(0, |leaf| {
                leaf.custom_extensions.push(extension(&[1, 3, 6, 1, 5, 5, 7, 1, 1], vec![5, 0], false));
            }),
            "OCSP",
            "CN=ci,O=Example,ST=WA,C=US",
        ),
    ];
    for (plan, source_kind, certificate) in plans {
        let chain = issue(plan, Kind::P256);
        let reason = NotationReason::Revocation { certificate: certificate.to_owned(), source_kind };
        assert_eq!(notation_refused(&trusting(&chain), &Draft::of(&chain)), reason);
        let permissive = read(&level("permissive"), &[&chain.root_pem()]);
        let told = LetPass { check: Check::Revocation, reason: reason.into() };
        assert_eq!(accepted(&permissive, &Draft::of(&chain).jws()).let_pass, [told]);
        let mut document = strict();
        document["trustPolicies"][0]["signatureVerification"]["override"] = json!({ "revocation": "skip" });
        let skipping = read(&document, &[&chain.root_pem()]);
        assert_eq!(accepted(&skipping, &Draft::of(&chain).jws()).let_pass, []);
    }
    // A root is never revoked.
    let chain = issue(plan_with(2, |root| root.custom_extensions.push(ocsp())), Kind::P256);
    accepted(&trusting(&chain), &Draft::of(&chain).jws());
}

#[test]
fn audit_ignores_signatures_of_strangers_and_tells_it() {
    let (chain, other) = (Chain::usual(), Chain::usual());
    let audit = read(&level("audit"), &[&other.root_pem()]);
    let ignored = ignored(judge(&audit, &[Draft::of(&chain).jws()]));
    assert_eq!(ignored.statement, "all");
    assert_eq!(checks(&ignored.let_pass), [Check::Authenticity]);
    assert_reason!(ignored.let_pass[0].reason.clone(), Reason::Notation(NotationReason::Untrusted(_)));
    assert_eq!(
        Verdict::Ignored(ignored).to_string(),
        "not verified: the trust policy's statement `all` lets pass: authenticity: none of its certificates is trusted; \
         its root is `CN=root`"
    );
    // One of somebody trusted is verified, wherever it stands.
    let both = [Draft::of(&chain).jws(), Draft::of(&other).cose()];
    assert!(matches!(judge(&audit, &both), Verdict::Verified(_)));
    let permissive = read(&level("permissive"), &[&other.root_pem()]);
    assert_reason!(
        refused(&permissive, &Draft::of(&chain).jws()),
        Reason::Notation(NotationReason::Untrusted(_))
    );
}

#[test]
fn integrity_is_enforced_at_every_level() {
    let chain = Chain::usual();
    let audit = read(&level("audit"), &[&chain.root_pem()]);
    let draft = Draft::of(&chain).with(|draft| draft.payload["targetArtifact"]["digest"] = json!(B));
    assert_reason!(refused(&audit, &draft.jws()), Reason::OtherArtifact(_));
    let other = Chain::usual();
    let draft = Draft::of(&other).with(|draft| draft.certificates = chain.der.clone());
    assert_reason!(refused(&audit, &draft.cose()), Reason::Signature(_));
    assert_eq!(judge(&audit, &[]), Verdict::NotSigned);
}

#[test]
fn all_that_is_let_pass_is_told() {
    let (chain, other) = (
        issue(plan_with(0, |leaf| leaf.not_after = rcgen::date_time_ymd(2021, 1, 1)), Kind::P256),
        Chain::usual(),
    );
    let audit = read(&level("audit"), &[&other.root_pem()]);
    let ignored = ignored(judge(&audit, &[Draft::of(&chain).expires(NOW + 1).jws()]));
    assert_eq!(checks(&ignored.let_pass), [Check::Authenticity, Check::Expiry, Check::AuthenticTimestamp]);
}

#[test]
fn skip_looks_at_nothing() {
    let mut document = level("skip");
    // As Flux has it stores and identities mean nothing then.
    let policy = read(&document, &[]);
    for blobs in [vec![], vec![blob("application/jose+json", b"junk")]] {
        let ignored = ignored(judge(&policy, &blobs));
        assert_eq!((ignored.statement.as_str(), ignored.let_pass.len()), ("all", 0));
    }
    assert_eq!(
        judge(&policy, &[]).to_string(),
        "not verified: the trust policy's statement `all` skips verification"
    );
    document["trustPolicies"][0]["trustStores"] = json!([]);
    document["trustPolicies"][0]["trustedIdentities"] = json!([]);
    ignored(judge(&read(&document, &[]), &[]));
}

#[test]
fn what_is_let_pass_is_in_the_text() {
    let chain = Chain::usual();
    let permissive = read(&level("permissive"), &[&chain.root_pem()]);
    let verdict = judge(&permissive, &[Draft::of(&chain).expires(NOW + 1).jws()]).to_string();
    let digest = oci_artifact::name::Digest::of(&chain.der[0]);
    assert_eq!(
        verdict,
        format!(
            "signed by CN=ci,O=Example,ST=WA,C=US (certificate {}); let pass: expiry: it expired at 2025-06-15T15:06:41Z",
            digest.short()
        )
    );
}

#[test]
fn the_last_signature_that_is_looked_at_counts_and_the_next_does_not() {
    let chain = Chain::usual();
    let policy = trusting(&chain);
    let after = |count: usize| {
        let junk = |number: usize| blob("application/cose", &number.to_be_bytes());
        let all: Vec<_> = (0..count).map(junk).chain([Draft::of(&chain).jws()]).collect();
        judge(&policy, &all)
    };
    let Verdict::Verified(verified) = after(SIGNATURES - 1) else { panic!() };
    assert_eq!(verified.refused.len(), SIGNATURES - 1);
    let Verdict::Rejected(rejected) = after(SIGNATURES) else { panic!() };
    assert_eq!((rejected.refused.len(), rejected.unseen), (SIGNATURES, 1));
}
