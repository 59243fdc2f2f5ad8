//! Chains: each rule about them, broken.

use oci_verify::{NotationReason, Part, Reason};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyUsagePurpose,
    KeyUsagePurpose::{ContentCommitment, CrlSign, DigitalSignature, KeyAgreement, KeyEncipherment},
    NameConstraints,
};

use super::{
    accepted, both_refused,
    draft::Draft,
    notation_refused,
    pki::{
        Chain, Kind, Plan, TIMESTAMPING, authority, extended_usage, extension, issue, leaf, plan, plan_with,
    },
    trusting,
};
use crate::desk::assert_reason;

/// Why a chain as planned does not count.
#[track_caller]
fn chain_refused(plan: Plan) -> NotationReason {
    let chain = issue(plan, Kind::P256);
    notation_refused(&trusting(&chain), &Draft::of(&chain))
}

/// Why a certificate is not fit for its use.
#[track_caller]
fn usage_refused(index: usize, change: impl FnOnce(&mut CertificateParams)) -> String {
    match chain_refused(plan_with(index, change)) {
        NotationReason::Usage { certificate, fault } => format!("{certificate}: {fault}"),
        other => panic!("{other}"),
    }
}

/// Why a chain does not count whose certificates are changed.
#[track_caller]
fn changed(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> NotationReason {
    let chain = Chain::usual();
    let draft = Draft::of(&chain).with(|draft| change(&mut draft.certificates));
    notation_refused(&trusting(&chain), &draft)
}

const LEAF: &str = "CN=ci,O=Example,ST=WA,C=US";

#[test]
fn chain_is_there_and_complete() {
    assert_eq!(changed(Vec::clear), NotationReason::ChainLength(0));
    assert_eq!(changed(|chain| drop(chain.pop())), NotationReason::NoRoot("CN=intermediate".to_owned()));
    assert_eq!(changed(|chain| chain.truncate(1)), NotationReason::NoRoot(LEAF.to_owned()));
}

#[test]
fn certificate_names_one_algorithm() {
    let chain = Chain::usual();
    let mut draft = Draft::of(&chain);
    // ECDSA with SHA-256, behind what is signed; with SHA-384.
    let name = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    let der = &mut draft.certificates[0];
    let place = der.windows(name.len()).rposition(|window| window == name).unwrap();
    der[place + name.len() - 1] = 3;
    let reason = both_refused(&trusting(&chain), &draft);
    let told = matches!(&reason, Reason::Malformed { part: Part::Certificate, fault } if fault.contains("two algorithms"));
    assert!(told, "{reason}");
}

#[test]
fn chain_is_in_order() {
    let missing = NotationReason::NotIssued { certificate: LEAF.to_owned(), issuer: "CN=root".to_owned() };
    assert_eq!(changed(|chain| drop(chain.remove(1))), missing);
    assert_eq!(changed(|chain| chain.swap(1, 2)), missing);
}

#[test]
fn certificate_is_signed_by_its_issuer() {
    // The same names and other keys.
    let other = Chain::usual();
    let expected =
        NotationReason::NotIssued { certificate: LEAF.to_owned(), issuer: "CN=intermediate".to_owned() };
    assert_eq!(changed(|chain| chain[1..].clone_from_slice(&other.der[1..])), expected);
    let forged = changed(|chain| {
        let last = chain[2].len() - 1;
        chain[2][last] ^= 1;
    });
    assert_reason!(forged, NotationReason::NotIssued { .. } | NotationReason::NoRoot(_));
}

#[test]
fn certificate_is_issued_by_the_name_of_its_issuer() {
    // The same key under another name.
    let (params, key) = (authority("root"), rcgen::KeyPair::generate().unwrap());
    let root = params.self_signed(&key).unwrap().der().to_vec();
    let (leaf_key, issuer) =
        (rcgen::KeyPair::generate().unwrap(), rcgen::Issuer::new(authority("toor"), key));
    let signed = leaf().signed_by(&leaf_key, &issuer).unwrap().der().to_vec();
    let chain = Chain { der: vec![signed, root], kind: Kind::P256, key: leaf_key };
    let reason = notation_refused(&trusting(&chain), &Draft::of(&chain));
    assert_eq!(
        reason,
        NotationReason::NotIssued { certificate: LEAF.to_owned(), issuer: "CN=root".to_owned() }
    );
}

#[test]
fn chain_has_nothing_behind_its_root() {
    let behind = |chain: &mut Vec<Vec<u8>>| chain.push(chain[2].clone());
    assert_eq!(changed(behind), NotationReason::BehindRoot("CN=root".to_owned()));
    let alone = issue(vec![leaf()], Kind::P256);
    let draft = Draft::of(&alone).with(|draft| draft.certificates.push(Chain::usual().der[2].clone()));
    let reason = notation_refused(&trusting(&alone), &draft);
    assert_eq!(reason, NotationReason::BehindRoot(LEAF.to_owned()));
}

#[test]
fn chain_is_bounded() {
    let long = |authorities: usize| {
        let mut plan = vec![leaf()];
        plan.extend((0..authorities).map(|number| authority(&format!("authority {number}"))));
        issue(plan, Kind::P256)
    };
    let chain = long(9);
    for blob in Draft::of(&chain).both() {
        accepted(&trusting(&chain), &blob);
    }
    let chain = long(10);
    assert_eq!(notation_refused(&trusting(&chain), &Draft::of(&chain)), NotationReason::ChainLength(11));
}

#[test]
fn certificates_are_read_strictly() {
    let chain = Chain::usual();
    let draft = Draft::of(&chain).with(|draft| draft.certificates[1].push(0));
    let reason = both_refused(&trusting(&chain), &draft);
    assert_reason!(reason, Reason::Malformed { part: Part::Certificate, .. });
}

#[test]
fn signer_is_no_authority() {
    let fault = "is an authority's, which signs certificates only";
    let ca = |params: &mut CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    assert_eq!(usage_refused(0, ca), format!("{LEAF}: {fault}"));
    let mut params = leaf();
    ca(&mut params);
    params.key_usages.push(KeyUsagePurpose::KeyCertSign);
    assert_eq!(chain_refused(vec![params]), NotationReason::Usage { certificate: LEAF.to_owned(), fault });
    // To say that it is none is fine.
    let chain = issue(plan_with(0, |leaf| leaf.is_ca = IsCa::ExplicitNoCa), Kind::P256);
    accepted(&trusting(&chain), &Draft::of(&chain).jws());
}

#[test]
fn key_usage_of_the_signer_is_digital_signature_alone() {
    let with = |usages: &[KeyUsagePurpose]| {
        let usages = usages.to_vec();
        usage_refused(0, |leaf| leaf.key_usages = usages)
    };
    assert_eq!(with(&[]), format!("{LEAF}: has no key usage"));
    assert_eq!(
        with(&[ContentCommitment]),
        format!("{LEAF}: is not for signatures: its key usage has no digital signature")
    );
    for other in [KeyAgreement, KeyEncipherment, CrlSign] {
        assert_eq!(
            with(&[DigitalSignature, other]),
            format!("{LEAF}: has a key usage beside digital signature")
        );
    }
    let usages = vec![DigitalSignature, ContentCommitment];
    let chain = issue(plan_with(0, |leaf| leaf.key_usages = usages), Kind::P256);
    accepted(&trusting(&chain), &Draft::of(&chain).jws());
}

#[test]
fn key_usage_is_critical() {
    let usage = |bits: u8, critical| extension(&[2, 5, 29, 15], vec![3, 2, 0, bits], critical);
    let uncritical = usage_refused(0, |leaf| {
        leaf.key_usages.clear();
        leaf.custom_extensions.push(usage(0x80, false));
    });
    assert_eq!(uncritical, format!("{LEAF}: has a key usage that is not critical"));
    let uncritical = usage_refused(1, |authority| {
        authority.key_usages.clear();
        authority.custom_extensions.push(usage(0x04, false));
    });
    assert_eq!(uncritical, "CN=intermediate: has a key usage that is not critical");
}

#[test]
fn extended_key_usage_is_not_for_something_else() {
    for usage in [1, 2, 4, TIMESTAMPING, 9] {
        // Beside code signing, which is fine.
        let fault = usage_refused(0, |leaf| leaf.custom_extensions.push(extended_usage(&[3, usage], true)));
        assert_eq!(fault, format!("{LEAF}: has an extended key usage for something else than artifacts"));
    }
    for usage in [ExtendedKeyUsagePurpose::CodeSigning, ExtendedKeyUsagePurpose::Any] {
        let chain = issue(plan_with(0, |leaf| leaf.extended_key_usages = vec![usage]), Kind::P256);
        accepted(&trusting(&chain), &Draft::of(&chain).jws());
    }
}

#[test]
fn issuers_are_authorities() {
    for index in [1, 2] {
        let fault = usage_refused(index, |params| params.is_ca = IsCa::NoCa);
        assert!(fault.ends_with(": is not an authority's"), "{fault}");
        let fault = usage_refused(index, |params| params.is_ca = IsCa::ExplicitNoCa);
        assert!(fault.ends_with(": is not an authority's"), "{fault}");
        let fault = usage_refused(index, |params| params.key_usages = vec![KeyUsagePurpose::CrlSign]);
        assert!(fault.ends_with("its key usage has no certificate signing"), "{fault}");
        let fault = usage_refused(index, |params| params.key_usages.clear());
        assert!(fault.ends_with(": has no key usage"), "{fault}");
    }
}

#[test]
fn path_is_as_long_as_every_issuer_allows() {
    let limit = |index: usize, most| {
        plan_with(index, |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(most)))
    };
    let refused = chain_refused(limit(2, 0));
    let fault = "allows fewer authorities below it";
    assert_eq!(refused, NotationReason::Usage { certificate: "CN=root".to_owned(), fault });
    for plan in [limit(2, 1), limit(1, 0)] {
        let chain = issue(plan, Kind::P256);
        accepted(&trusting(&chain), &Draft::of(&chain).jws());
    }
}

#[test]
fn critical_extensions_are_understood() {
    let constraints = NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("example".to_owned())],
        excluded_subtrees: Vec::new(),
    };
    let refused = chain_refused(plan_with(2, |root| root.name_constraints = Some(constraints)));
    let names = NotationReason::Extension { certificate: "CN=root".to_owned(), oid: "2.5.29.30".to_owned() };
    assert_eq!(refused, names);
    let unknown = |critical| {
        plan_with(0, |leaf| {
            leaf.custom_extensions.push(extension(&[1, 3, 6, 1, 4, 1, 9999, 1], vec![5, 0], critical));
        })
    };
    let leaf =
        NotationReason::Extension { certificate: LEAF.to_owned(), oid: "1.3.6.1.4.1.9999.1".to_owned() };
    assert_eq!(chain_refused(unknown(true)), leaf);
    let chain = issue(unknown(false), Kind::P256);
    accepted(&trusting(&chain), &Draft::of(&chain).jws());
}

#[test]
fn extension_that_is_there_twice_is_refused() {
    let twice = usage_refused(0, |leaf| {
        leaf.custom_extensions.push(extension(&[2, 5, 29, 15], vec![3, 2, 0, 0x80], true));
    });
    assert_eq!(twice, format!("{LEAF}: has an extension that cannot be read, or has it twice"));
}

#[test]
fn authorities_may_have_any_key() {
    for kind in [Kind::Rsa2048, Kind::P521] {
        // Issued by one authority with such a key.
        let root = issue(vec![authority("root")], kind);
        let issuer = rcgen::Issuer::new(authority("root"), root.key);
        let key = rcgen::KeyPair::generate().unwrap();
        let signed = leaf().signed_by(&key, &issuer).unwrap().der().to_vec();
        let chain = Chain { der: vec![signed, root.der[0].clone()], kind: Kind::P256, key };
        accepted(&trusting(&chain), &Draft::of(&chain).jws());
    }
    assert_eq!(plan().len(), 3);
}
