//! Who signed: trusted certificates, identities, scopes.

use oci_artifact::name::Repository;
use oci_testkit::sigstore::NOW;
use oci_verify::{
    About, Format, Found, Material, Missed, NotationReason, Reason, Refusal, SubjectError, Verdict,
    verify_notation,
};
use rcgen::DnType;
use serde_json::{Value, json};

use super::{
    accepted, artifact,
    draft::Draft,
    judge, level, notation_refused,
    pki::{Chain, Kind, SIGNER, issue, plan_with},
    read, strict, trusting,
};
use crate::desk::{A, now};

#[test]
fn any_certificate_of_the_chain_may_be_the_trusted_one() {
    let chain = Chain::usual();
    for der in &chain.der {
        let policy = read(&strict(), &[&oci_testkit::sigstore::pem("CERTIFICATE", der)]);
        accepted(&policy, &Draft::of(&chain).jws());
    }
}

#[test]
fn another_authority_is_not_trusted() {
    let (chain, other) = (Chain::usual(), Chain::usual());
    let reason = notation_refused(&trusting(&other), &Draft::of(&chain));
    assert_eq!(reason, NotationReason::Untrusted("CN=root".to_owned()));
}

#[test]
fn policy_without_certificates_trusts_nobody() {
    let chain = Chain::usual();
    let reason = Reason::Notation(NotationReason::NoCertificates);
    let without = vec![Refusal { about: About::Policy, reason }];
    for name in ["strict", "permissive", "audit"] {
        for blobs in [vec![], vec![Draft::of(&chain).jws()]] {
            let Verdict::Rejected(rejected) = judge(&read(&level(name), &[]), &blobs) else {
                panic!("{name}")
            };
            assert_eq!(rejected.refused, without, "{name}");
        }
    }
    // One that cannot be read is none.
    let Verdict::Rejected(rejected) = judge(&read(&strict(), &["junk"]), &[]) else { panic!() };
    let about: Vec<_> = rejected.refused.iter().map(|refusal| &refusal.about).collect();
    assert_eq!(about, [&About::Certificate("000.crt".to_owned()), &About::Policy]);
}

#[test]
fn statement_needs_a_store_of_the_kind() {
    let chain = Chain::usual();
    let with = |stores: Value| {
        let mut document = strict();
        document["trustPolicies"][0]["trustStores"] = stores;
        read(&document, &[&chain.root_pem()])
    };
    let refusal = |kind| NotationReason::NoStore { statement: "all".to_owned(), kind };
    let authority = Draft::of_authority(&chain, NOW);
    for stores in [json!(["signingAuthority:a"]), json!(["tsa:a"])] {
        assert_eq!(notation_refused(&with(stores), &Draft::of(&chain)), refusal("ca"));
    }
    assert_eq!(notation_refused(&with(json!(["ca:a", "tsa:a"])), &authority), refusal("signingAuthority"));
    accepted(&with(json!(["ca:a"])), &Draft::of(&chain).jws());
    accepted(&with(json!(["signingAuthority:a"])), &authority.jws());
}

/// The reason under some trusted identities.
fn identities(chain: &Chain, list: Value) -> Option<NotationReason> {
    let mut document = strict();
    document["trustPolicies"][0]["trustedIdentities"] = list;
    let policy = read(&document, &[&chain.root_pem()]);
    match judge(&policy, &[Draft::of(chain).jws()]) {
        Verdict::Verified(_) => None,
        _ => Some(notation_refused(&policy, &Draft::of(chain))),
    }
}

#[test]
fn signer_is_one_of_the_trusted_identities() {
    let chain = Chain::usual();
    let subject = |text: &str| format!("x509.subject: {text}");
    let other = NotationReason::Identity("CN=ci,O=Example,ST=WA,C=US".to_owned());
    assert_eq!(identities(&chain, json!([subject(SIGNER)])), None);
    assert_eq!(identities(&chain, json!([subject("C=US, S=WA, O=Example")])), None);
    assert_eq!(identities(&chain, json!([subject("C=DE,ST=BE,O=x"), subject(SIGNER)])), None);
    for wrong in ["C=US,ST=WA,O=Example,CN=CI", "C=US,ST=WA,O=Example,L=x", "C=DE,ST=WA,O=Example"] {
        assert_eq!(identities(&chain, json!([subject(wrong)])), Some(other.clone()), "{wrong}");
    }
    // Identities of plugins name nobody here.
    assert_eq!(identities(&chain, json!(["com.example.plugin:x"])), Some(other));
}

#[test]
fn subject_that_is_no_name_of_notation_matches_no_identity() {
    let list = json!([format!("x509.subject:{SIGNER}")]);
    let reason = |change: &dyn Fn(&mut rcgen::CertificateParams)| {
        identities(&issue(plan_with(0, change), Kind::P256), list.clone())
    };
    let missing = reason(&|leaf| assert!(leaf.distinguished_name.remove(DnType::OrganizationName)));
    assert_eq!(missing, Some(SubjectError::Mandatory("O").into()));
    let unknown = reason(&|leaf| {
        leaf.distinguished_name.push(DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1]), "a@b");
    });
    assert_eq!(unknown, Some(SubjectError::Unknown("1.2.840.113549.1.9.1".to_owned()).into()));
    let unreadable = reason(&|leaf| {
        let name = rcgen::DnValue::BmpString("ci".try_into().unwrap());
        leaf.distinguished_name.push(DnType::CommonName, name);
    });
    assert_eq!(unreadable, Some(SubjectError::Unreadable("CN").into()));
    // Whoever takes anybody does not look.
    let chain = issue(
        plan_with(0, |leaf| assert!(leaf.distinguished_name.remove(DnType::OrganizationName))),
        Kind::P256,
    );
    assert_eq!(identities(&chain, json!(["*"])), None);
}

/// A policy with a strict statement for some scopes and one that skips for others.
fn scoped(strict_scopes: &[&str], skipped: &str, chain: &Chain) -> oci_verify::NotationPolicy {
    let mut document = strict();
    document["trustPolicies"][0]["registryScopes"] = json!(strict_scopes);
    let skip = json!({ "name": "others", "registryScopes": [skipped], "signatureVerification": { "level": "skip" } });
    document["trustPolicies"].as_array_mut().unwrap().push(skip);
    read(&document, &[&chain.root_pem()])
}

#[test]
fn statement_that_names_the_repository_comes_before_the_one_about_all() {
    let chain = Chain::usual();
    let about = |policy: &oci_verify::NotationPolicy, name: &str| {
        let repository = Repository::parse(name).unwrap();
        let material = Material::default();
        verify_notation(policy, &repository, &artifact(), &material, now())
    };
    let policy = scoped(&["registry.example/org/app", "docker.io/org/app"], "*", &chain);
    assert_eq!(about(&policy, "registry.example/org/app"), Verdict::NotSigned);
    // Docker Hub has two names.
    assert_eq!(about(&policy, "index.docker.io/org/app"), Verdict::NotSigned);
    for other in ["registry.example/org/app/sub", "registry.example/org", "registry.example:5000/org/app"] {
        assert!(matches!(about(&policy, other), Verdict::Ignored(_)), "{other}");
    }
    let policy = scoped(&["*"], "registry.example/org/app", &chain);
    assert!(matches!(about(&policy, "registry.example/org/app"), Verdict::Ignored(_)));
    assert_eq!(about(&policy, "registry.example/org/other"), Verdict::NotSigned);
}

#[test]
fn repository_without_a_statement_is_refused() {
    let chain = Chain::usual();
    let policy = scoped(&["a.example/b"], "a.example/c", &chain);
    let Verdict::Rejected(rejected) = judge(&policy, &[Draft::of(&chain).jws()]) else { panic!() };
    let [refusal] = rejected.refused.as_slice() else { panic!("{rejected}") };
    assert_eq!(refusal.about, About::Policy);
    let reason = NotationReason::NoStatement("registry.example/org/app".to_owned());
    assert_eq!(refusal.reason, Reason::Notation(reason));
}

#[test]
fn outage_is_not_nothing_found() {
    let chain = Chain::usual();
    let (policy, repository) = (trusting(&chain), Repository::parse("a.example/b").unwrap());
    let signatures = Found::Unreachable { why: "503".to_owned(), after: None };
    let material = Material { notation: signatures, ..Material::default() };
    let verdict = verify_notation(&policy, &repository, &artifact(), &material, now());
    assert!(matches!(&verdict, Verdict::Unavailable(unavailable) if unavailable.why == ["503"]), "{verdict}");
    let material = Material { more: 3, ..Material::default() };
    let verdict = verify_notation(&policy, &repository, &artifact(), &material, now());
    assert!(matches!(&verdict, Verdict::Rejected(rejected) if rejected.unseen == 3), "{verdict}");
    // What could not be fetched, and what is attached in a wrong way, beside a signature that does not count.
    let missed = vec![Missed { why: "429".to_owned(), after: Some(std::time::Duration::from_secs(9)) }];
    let about = About::Signature { format: Format::Notation, digest: A.parse().unwrap() };
    let refused = vec![Refusal { about, reason: Reason::Index }];
    let of = |missed: &[Missed], blobs: Vec<_>| {
        let (missed, refused) = (missed.to_vec(), refused.clone());
        let material = Material { missed, refused, notation: Found::Here(blobs), ..Material::default() };
        verify_notation(&policy, &repository, &artifact(), &material, now())
    };
    let other = Draft::of(&Chain::usual()).jws();
    let Verdict::Unavailable(unavailable) = of(&missed, vec![other.clone()]) else { panic!() };
    assert_eq!((unavailable.why, unavailable.after), (vec!["429".to_owned()], missed[0].after));
    assert_eq!(unavailable.rejected.refused.len(), 2);
    let Verdict::Rejected(rejected) = of(&[], vec![other]) else { panic!() };
    assert_eq!((rejected.refused.len(), &rejected.refused[1]), (2, &refused[0]));
    assert!(matches!(of(&[], vec![]), Verdict::Rejected(_)));
    assert!(matches!(of(&missed, vec![Draft::of(&chain).jws()]), Verdict::Verified(_)));
}
