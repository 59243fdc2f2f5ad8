//! Bytes that are changed at random, always in the same way: whatever comes, the answer is a verdict.

use oci_verify::{NOTATION_COSE_TYPE, NOTATION_JWS_TYPE, NotationPolicy, Verdict};
use serde_json::json;

use super::{
    draft::Draft,
    judge, level,
    pki::Chain,
    read,
    stamper::{Stamper, Token},
    strict, trusting,
};
use crate::{desk::blob, hostile::Numbers};

#[test]
fn spoilt_envelopes_have_a_verdict() {
    let mut numbers = Numbers(0x5eed);
    let (chain, stamper) = (Chain::usual(), Stamper::new());
    let stamp = |signature: &[u8]| stamper.stamp(signature, &Token::new(&stamper));
    let draft = Draft::of(&chain).with(|draft| draft.stamp = Some(&stamp));
    let mut document = strict();
    document["trustPolicies"][0]["trustStores"] = json!(["ca:a", "tsa:a"]);
    let policy = read(&document, &[&chain.root_pem(), &stamper.root_pem()]);
    for (media_type, good) in
        [(NOTATION_JWS_TYPE, draft.jws().bytes), (NOTATION_COSE_TYPE, draft.cose().bytes)]
    {
        assert!(matches!(judge(&policy, &[blob(media_type, &good)]), Verdict::Verified(_)));
        for _ in 0..500 {
            let verdict = judge(&policy, &[blob(media_type, &numbers.spoil(&good))]);
            assert!(matches!(verdict, Verdict::Verified(_) | Verdict::Rejected(_)), "{verdict}");
        }
        for cut in (0..good.len()).step_by(31) {
            let verdict = judge(&policy, &[blob(media_type, &good[..cut])]);
            assert!(matches!(verdict, Verdict::Rejected(_)), "{cut}: {verdict}");
        }
    }
}

#[test]
fn spoilt_timestamps_have_a_verdict() {
    let mut numbers = Numbers(0xfeed);
    let (chain, stamper) = (Chain::usual(), Stamper::new().with_root());
    let mut document = level("permissive");
    document["trustPolicies"][0]["trustStores"] = json!(["ca:a", "tsa:a"]);
    let policy = read(&document, &[&chain.root_pem(), &stamper.root_pem()]);
    for _ in 0..500 {
        let seed = numbers.next(1 << 30);
        let stamp = |signature: &[u8]| {
            let token = stamper.stamp(signature, &Token::new(&stamper));
            Numbers(u64::try_from(seed).unwrap() + 1).spoil(&token)
        };
        let verdict = judge(&policy, &[Draft::of(&chain).with(|draft| draft.stamp = Some(&stamp)).cose()]);
        assert!(matches!(verdict, Verdict::Verified(_)), "{verdict}");
    }
}

#[test]
fn spoilt_policies_are_read_or_refused() {
    let mut numbers = Numbers(0xbeef);
    let chain = Chain::usual();
    let (document, root) = (strict().to_string().into_bytes(), chain.root_pem().into_bytes());
    for _ in 0..500 {
        let (document, root) = (numbers.spoil(&document), numbers.spoil(&root));
        drop(NotationPolicy::read([("trustpolicy.json", document.as_slice()), ("a.crt", &root)]));
    }
    let der = chain.der[2].clone();
    for _ in 0..500 {
        let spoilt = numbers.spoil(&der);
        let document = strict().to_string();
        drop(NotationPolicy::read([("trustpolicy.json", document.as_bytes()), ("a.crt", spoilt.as_slice())]));
    }
    drop(trusting(&chain));
}

#[test]
fn nested_cbor_is_bounded() {
    let policy = trusting(&Chain::usual());
    for byte in [0x81, 0xa1, 0xc1, 0xd8, 0x9f, 0xbf, 0x5b] {
        let mut bytes = vec![0xd2, 0x84, 0x40, 0xa1, 0x01];
        bytes.extend(std::iter::repeat_n(byte, 100_000));
        assert!(matches!(judge(&policy, &[blob(NOTATION_COSE_TYPE, &bytes)]), Verdict::Rejected(_)));
    }
}
