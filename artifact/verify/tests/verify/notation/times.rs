//! When: certificates that hold, authorities that say so, timestamps.

use jiff::Timestamp;
use oci_testkit::sigstore::NOW;
use oci_verify::{NotationPolicy, NotationReason, Reason, TimestampFault, Verdict};
use rcgen::{CertificateParams, date_time_ymd};
use serde_json::{Value, json};

use super::{
    accepted, both_refused,
    draft::Draft,
    judge_at, notation_refused,
    pki::{Chain, Kind, TIMESTAMPING, extended_usage, issue, plan_with},
    read,
    stamper::{BASELINE, DATA, Stamper, Token, crl},
    strict, trusting,
};
use crate::desk::{assert_reason, now};

/// A chain whose certificate at some place is changed.
fn chain_with(index: usize, change: impl FnOnce(&mut CertificateParams)) -> Chain {
    issue(plan_with(index, change), Kind::P256)
}

fn expire(params: &mut CertificateParams) {
    // Before it is verified, and after it is signed: NOW + 1,800.
    params.not_after =
        date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(u64::try_from(NOW + 1_800).unwrap());
}

#[test]
fn certificates_hold_now_where_nobody_says_when() {
    for index in 0..3 {
        let expired = chain_with(index, expire);
        let reason = notation_refused(&trusting(&expired), &Draft::of(&expired));
        assert_reason!(reason, NotationReason::Outside { at, until, .. } if at == now() && until < at);
        let early = chain_with(index, |params| params.not_before = date_time_ymd(2040, 1, 1));
        let reason = notation_refused(&trusting(&early), &Draft::of(&early));
        assert_reason!(reason, NotationReason::Outside { at, from, .. } if at == now() && from > at);
    }
}

#[test]
fn authority_that_says_when_is_believed() {
    let chain = chain_with(0, expire);
    let policy = trusting(&chain);
    let verified = accepted(&policy, &Draft::of_authority(&chain, NOW).cose());
    assert_eq!(verified.when, Some(Timestamp::from_second(NOW).unwrap()));
    assert!(!verified.how.timestamped);
    let late = Draft::of_authority(&chain, NOW + 1_801);
    assert_reason!(notation_refused(&policy, &late), NotationReason::Outside { .. });
    let future = Draft::of_authority(&chain, NOW + 3_601);
    assert_reason!(both_refused(&policy, &future), Reason::Future { .. });
}

/// A policy that asks for timestamps, always or once a certificate expired.
fn stamped(chain: &Chain, stamper: &Stamper, when: &str) -> NotationPolicy {
    let mut document = strict();
    document["trustPolicies"][0]["trustStores"] = json!(["ca:a", "tsa:a"]);
    document["trustPolicies"][0]["signatureVerification"]["verifyTimestamp"] = Value::from(when);
    read(&document, &[&chain.root_pem(), &stamper.root_pem()])
}

/// Why the timestamp of a stamper does not count.
#[track_caller]
fn stamp_refused(stamper: &Stamper, token: &Token) -> NotationReason {
    let chain = Chain::usual();
    let stamp = |signature: &[u8]| stamper.stamp(signature, token);
    let draft = Draft::of(&chain).with(|draft| draft.stamp = Some(&stamp));
    notation_refused(&stamped(&chain, stamper, "always"), &draft)
}

/// What is wrong with a timestamp.
#[track_caller]
fn fault(change: impl FnOnce(&mut Token)) -> TimestampFault {
    let stamper = Stamper::new();
    let mut token = Token::new(&stamper);
    change(&mut token);
    match stamp_refused(&stamper, &token) {
        NotationReason::Timestamp(fault) => fault,
        other => panic!("{other}"),
    }
}

#[test]
fn timestamp_proves_that_a_certificate_held() {
    let chain = chain_with(0, expire);
    for stamper in [Stamper::new(), Stamper::new().with_root()] {
        let stamp = |signature: &[u8]| stamper.stamp(signature, &Token::new(&stamper));
        for when in ["always", "afterCertExpiry"] {
            for blob in Draft::of(&chain).with(|draft| draft.stamp = Some(&stamp)).both() {
                let verified = accepted(&stamped(&chain, &stamper, when), &blob);
                assert_eq!(verified.when, Some(Timestamp::from_second(NOW).unwrap()));
                assert!(verified.how.timestamped);
            }
        }
    }
}

#[test]
fn timestamp_is_asked_for_where_the_policy_says_so() {
    let (chain, expired, stamper) = (Chain::usual(), chain_with(1, expire), Stamper::new());
    let missing = NotationReason::NoTimestamp;
    assert_eq!(notation_refused(&stamped(&chain, &stamper, "always"), &Draft::of(&chain)), missing);
    let late = stamped(&expired, &stamper, "afterCertExpiry");
    assert_eq!(notation_refused(&late, &Draft::of(&expired)), missing);
    accepted(&stamped(&chain, &stamper, "afterCertExpiry"), &Draft::of(&chain).jws());
    // Without a store of timestamps one that comes along is not looked at.
    let junk = |_: &[u8]| b"junk".to_vec();
    accepted(&trusting(&chain), &Draft::of(&chain).with(|draft| draft.stamp = Some(&junk)).jws());
}

#[test]
fn timestamp_is_about_this_signature() {
    let (chain, stamper) = (Chain::usual(), Stamper::new());
    let stamp = |_: &[u8]| stamper.stamp(b"another", &Token::new(&stamper));
    let draft = Draft::of(&chain).with(|draft| draft.stamp = Some(&stamp));
    let reason = notation_refused(&stamped(&chain, &stamper, "always"), &draft);
    assert_eq!(reason, NotationReason::Timestamp(TimestampFault::Imprint));
}

#[test]
fn timestamp_is_whole() {
    assert_eq!(fault(|token| token.changed_after = true), TimestampFault::Digest);
    assert_eq!(fault(|token| token.version = 2), TimestampFault::Version);
    assert_eq!(fault(|token| token.cms_version = 4), TimestampFault::Version);
    assert_reason_of(
        &fault(|token| token.content_type = DATA.to_vec()),
        "is about something else than a time",
    );
    assert_eq!(fault(|token| token.sha1 = true), TimestampFault::Algorithm("1.3.14.3.2.26".to_owned()));
    assert_eq!(fault(|token| token.signers = 0), TimestampFault::Signers(0));
    assert_eq!(fault(|token| token.signers = 2), TimestampFault::Signers(2));
    assert_reason_of(&fault(|token| token.time = "2025061515064Z"), "cannot be read: its time is none");
    assert_reason_of(&fault(|token| token.accuracy = Some(vec![4, 0])), "cannot be read: its time is none");
}

#[test]
fn timestamp_brings_at_most_ten_certificates() {
    let (chain, stamper) = (Chain::usual(), Stamper::new());
    let token = Token { certificates: 10, ..Token::new(&stamper) };
    let stamp = |signature: &[u8]| stamper.stamp(signature, &token);
    let draft = Draft::of(&chain).with(|draft| draft.stamp = Some(&stamp));
    accepted(&stamped(&chain, &stamper, "always"), &draft.jws());
    assert_reason_of(
        &fault(|token| token.certificates = 11),
        "cannot be read: it holds too many certificates",
    );
}

#[test]
fn timestamp_is_a_signed_time() {
    let fault = |from: &[u8], to: &[u8]| {
        let (chain, stamper) = (Chain::usual(), Stamper::new());
        let stamp = |signature: &[u8]| {
            let mut token = stamper.stamp(signature, &Token::new(&stamper));
            // The last one: the content's type is an attribute as well, which is signed.
            let place = token.windows(from.len()).rposition(|window| window == from).unwrap();
            token[place..place + from.len()].copy_from_slice(to);
            token
        };
        let draft = Draft::of(&chain).with(|draft| draft.stamp = Some(&stamp));
        match notation_refused(&stamped(&chain, &stamper, "always"), &draft) {
            NotationReason::Timestamp(fault) => fault,
            other => panic!("{other}"),
        }
    };
    let pkcs7 = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    let data = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
    assert_reason_of(&fault(&pkcs7, &data), "is about something else than a time");
    let info = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 0x10, 1, 4];
    let other = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 0x10, 1, 5];
    assert_eq!(fault(&info, &other), TimestampFault::Digest);
}

fn assert_reason_of(fault: &TimestampFault, begin: &str) {
    assert!(fault.to_string().starts_with(begin), "{fault}");
}

#[test]
fn timestamp_is_made_by_the_certificate_that_it_names() {
    assert_eq!(fault(|token| token.names = None), TimestampFault::NoSigningCertificate);
    assert_eq!(fault(|token| token.names = Some(vec![1])), TimestampFault::SigningCertificate);
    assert_eq!(fault(|token| token.serial = 8), TimestampFault::SigningCertificate);
    // The certificate of one, the key of another.
    let (stamper, mut other) = (Stamper::new(), Stamper::new());
    other.leaf.clone_from(&stamper.leaf);
    let chain = Chain::usual();
    let stamp = |signature: &[u8]| other.stamp(signature, &Token::new(&stamper));
    let draft = Draft::of(&chain).with(|draft| draft.stamp = Some(&stamp));
    let reason = notation_refused(&stamped(&chain, &stamper, "always"), &draft);
    assert_eq!(reason, NotationReason::Timestamp(TimestampFault::Signature));
}

#[test]
fn timestamp_leads_to_a_trusted_root() {
    let (chain, stamper, other) = (Chain::usual(), Stamper::new().with_root(), Stamper::new());
    let stamp = |signature: &[u8]| stamper.stamp(signature, &Token::new(&stamper));
    let draft = Draft::of(&chain).with(|draft| draft.stamp = Some(&stamp));
    let reason = notation_refused(&stamped(&chain, &other, "always"), &draft);
    let untrusted = TimestampFault::Untrusted("CN=stamping".to_owned());
    assert_eq!(reason, NotationReason::Timestamp(untrusted));
}

#[test]
fn certificates_of_a_timestamp_are_for_timestamps_alone() {
    let refused = |stamper: &Stamper| match stamp_refused(stamper, &Token::new(stamper)) {
        NotationReason::Usage { certificate, fault } => format!("{certificate}: {fault}"),
        other => panic!("{other}"),
    };
    let leaf = |change: fn(&mut CertificateParams)| refused(&Stamper::with(change, |_| ()));
    let none = leaf(|leaf| leaf.custom_extensions.clear());
    assert_eq!(none, "CN=stamping: has no extended key usage for timestamps");
    let alone = "CN=stamping: has no critical extended key usage for timestamps alone";
    assert_eq!(leaf(|leaf| leaf.custom_extensions = vec![extended_usage(&[TIMESTAMPING], false)]), alone);
    assert_eq!(leaf(|leaf| leaf.custom_extensions = vec![extended_usage(&[TIMESTAMPING, 3], true)]), alone);
    let root = Stamper::with(|_| (), |root| root.custom_extensions.push(extended_usage(&[3], false)));
    assert_eq!(refused(&root), "CN=stamping root: has no extended key usage for timestamps");
    let root = Stamper::with(|_| (), |root| root.key_usages.clear());
    assert_eq!(refused(&root), "CN=stamping root: has no key usage");
}

#[test]
fn certificates_of_a_timestamp_held_at_its_time() {
    let late = |params: &mut CertificateParams| params.not_before = date_time_ymd(2026, 1, 1);
    for stamper in [Stamper::with(late, |_| ()), Stamper::with(|_| (), late)] {
        let reason = stamp_refused(&stamper, &Token::new(&stamper));
        assert_reason!(reason, NotationReason::Outside { certificate, .. } if certificate.contains("stamping"));
    }
    let stamper = Stamper::new();
    let mut token = Token::new(&stamper);
    token.signing_time = Some("190615150640Z");
    assert_reason!(stamp_refused(&stamper, &token), NotationReason::Outside { .. });
}

#[test]
fn revocation_of_who_stamped_is_not_asked_and_so_not_believed() {
    let stamper = Stamper::with(|leaf| leaf.custom_extensions.push(crl()), |_| ());
    let reason = stamp_refused(&stamper, &Token::new(&stamper));
    assert_eq!(
        reason,
        NotationReason::Revocation { certificate: "CN=stamping".to_owned(), source_kind: "CRL" }
    );
}

#[test]
fn certificates_hold_at_every_moment_that_a_timestamp_may_mean() {
    // The signer's certificate ends at NOW + 1,800, 15:36:40.
    let (chain, stamper) = (chain_with(0, expire), Stamper::new());
    let policy = stamped(&chain, &stamper, "always");
    let verdict = |change: &dyn Fn(&mut Token)| {
        let mut token = Token::new(&stamper);
        change(&mut token);
        let stamp = |signature: &[u8]| stamper.stamp(signature, &token);
        judge_at(&policy, &[Draft::of(&chain).with(|draft| draft.stamp = Some(&stamp)).jws()], now())
    };
    let at = |time, accuracy: &'static [u8]| {
        verdict(&|token| (token.time, token.accuracy) = (time, Some(accuracy.to_vec())))
    };
    let counts = |verdict: Verdict| matches!(verdict, Verdict::Verified(_));
    assert!(counts(at("20250615153640Z", &[])));
    assert!(!counts(at("20250615153641Z", &[])));
    assert!(!counts(at("20250615153640.5Z", &[])));
    assert!(counts(at("20250615153630Z", &[2, 1, 10])));
    assert!(!counts(at("20250615153630Z", &[2, 1, 10, 0x81, 1, 1])));
    assert!(!counts(at("20250615153639.5Z", &[0x80, 2, 1, 0xf5])));
    // A policy of ETSI means a second.
    assert!(!counts(verdict(&|token| (token.time, token.policy) = ("20250615153640Z", BASELINE.to_vec()))));
    // The first moment counts as well: certificates begin in 2020.
    assert!(!counts(at("20200101000005Z", &[2, 1, 6])));
    assert!(counts(at("20200101000005Z", &[2, 1, 5])));
}

#[test]
fn timestamp_of_the_future_is_refused() {
    let (chain, stamper) = (Chain::usual(), Stamper::new());
    let mut token = Token::new(&stamper);
    token.time = "20250615160641Z";
    let stamp = |signature: &[u8]| stamper.stamp(signature, &token);
    let draft = Draft::of(&chain).with(|draft| draft.stamp = Some(&stamp));
    assert_reason!(both_refused(&stamped(&chain, &stamper, "always"), &draft), Reason::Future { .. });
}
