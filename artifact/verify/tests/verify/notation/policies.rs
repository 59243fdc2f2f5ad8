//! Trust policies and certificates: what cannot be used is said precisely.

use oci_artifact::{
    Classify as _,
    limits::{CERTIFICATE_BYTES, TRUST_POLICY_BYTES, TRUST_STATEMENTS, TRUSTED_CERTIFICATES},
};
use oci_testkit::sigstore::pem;
use oci_verify::{About, CertificateError, NotationPolicy, TrustPolicyError, Verdict};
use serde_json::{Value, json};

use super::{accepted, draft::Draft, judge, pki::Chain, read, strict, trusting};

/// Why a trust policy cannot be used.
#[track_caller]
fn fault(document: &Value) -> String {
    text_fault(&document.to_string())
}

#[track_caller]
fn text_fault(text: &str) -> String {
    let error = NotationPolicy::read([("trustpolicy.json", text.as_bytes())]).unwrap_err();
    assert!(error.hint().is_some());
    error.to_string().trim_start_matches("trust policy: ").to_owned()
}

/// Why a statement cannot be used of which a field is changed.
#[track_caller]
fn statement(field: &str, value: Value) -> String {
    let mut document = strict();
    document["trustPolicies"][0][field] = value;
    fault(&document).trim_start_matches("statement `all`: ").to_owned()
}

#[test]
fn trust_policy_is_there_and_readable() {
    assert_eq!(NotationPolicy::read([("a.crt", &b""[..])]).unwrap_err(), TrustPolicyError::Missing);
    assert!(text_fault("{").starts_with("the file cannot be read: EOF"), "{}", text_fault("{"));
    assert_eq!(
        text_fault("{\"version\":\"1.0\",\"version\":\"1.0\"}"),
        "the file names the key `version` twice"
    );
    let large = format!("{}{}", strict(), " ".repeat(TRUST_POLICY_BYTES));
    assert_eq!(text_fault(&large), "it is larger than 1048576 bytes");
    for (from, to) in
        [("\"version\"", "\"Version\""), ("trustStores", "truststores"), ("\"level\"", "\"Level\"")]
    {
        let fault = text_fault(&strict().to_string().replace(from, to));
        assert!(fault.contains("unknown field"), "{fault}");
    }
}

#[test]
fn trust_policy_has_a_version_and_statements() {
    assert_eq!(fault(&json!({ "version": "1.1" })), "version `1.1` is not supported; `1.0` is");
    assert_eq!(fault(&json!({})), "version `` is not supported; `1.0` is");
    assert_eq!(fault(&json!({ "version": "1.0", "trustPolicies": [] })), "it has no statement");
    let mut document = strict();
    document["trustPolicies"] = vec![document["trustPolicies"][0].clone(); TRUST_STATEMENTS + 1].into();
    assert_eq!(fault(&document), "it has more than 256 statements");
}

#[test]
fn statements_are_told_apart() {
    let mut document = strict();
    let first = document["trustPolicies"][0].clone();
    document["trustPolicies"].as_array_mut().unwrap().push(first);
    assert_eq!(fault(&document), "two statements have the name `all`");
    document["trustPolicies"][1]["name"] = json!("other");
    assert_eq!(fault(&document), "two statements are about `*`");
    document["trustPolicies"][0]["registryScopes"] = json!(["a.example/b"]);
    document["trustPolicies"][1]["registryScopes"] = json!(["c.example/d", "A.example/b"]);
    assert_eq!(fault(&document), "two statements are about `a.example/b`");
    document["trustPolicies"][1]["name"] = json!("");
    assert_eq!(fault(&document), "a statement has no name");
}

#[test]
fn level_is_one_of_four() {
    let verification = |value: Value| statement("signatureVerification", value);
    assert_eq!(verification(json!({})), "`signatureVerification.level` is missing");
    assert_eq!(
        verification(json!({ "level": "Strict" })),
        "level `Strict` is none of strict, permissive, audit, skip"
    );
    assert_eq!(
        verification(json!({ "level": "strict", "verifyTimestamp": "never" })),
        "`verifyTimestamp` is `never`, not `always` or `afterCertExpiry`"
    );
    assert_eq!(
        verification(json!({ "level": "skip", "override": { "expiry": "log" } })),
        "the level `skip` has nothing to override"
    );
    let change = |check: &str, action: &str| {
        let mut changed = serde_json::Map::new();
        changed.insert(check.to_owned(), json!(action));
        verification(json!({ "level": "strict", "override": changed }))
    };
    assert_eq!(change("integrity", "log"), "override: `integrity` cannot be overridden");
    assert_eq!(change("authenticity", "skip"), "override: `authenticity` cannot be skipped");
    assert_eq!(change("expiry", "skip"), "override: `expiry` cannot be skipped");
    assert_eq!(change("authenticTimestamp", "skip"), "override: `authenticTimestamp` cannot be skipped");
    assert_eq!(change("other", "log"), "override: `other` is no check");
    assert_eq!(change("expiry", "warn"), "override: `expiry` has an action other than enforce, log, skip");
}

#[test]
fn stores_have_a_type_and_a_name() {
    assert_eq!(statement("trustStores", json!([])), "it has no trust store");
    for wrong in ["ca", "ca:", "ca:a/b", "ca:a b", "CA:a", "other:a"] {
        let fault = statement("trustStores", json!([wrong]));
        assert!(fault.starts_with(&format!("trust store `{wrong}` is not")), "{fault}");
    }
    let many = vec!["ca:a"; TRUST_STATEMENTS + 1];
    assert_eq!(statement("trustStores", json!(many)), "it has more than 256 stores");
}

#[test]
fn identities_are_names_that_do_not_overlap() {
    let identities = |list: Value| statement("trustedIdentities", list);
    assert_eq!(identities(json!([])), "it has no trusted identity");
    let name = "x509.subject:C=US,ST=WA,O=a";
    assert_eq!(identities(json!(["*", name])), "the trusted identity `*` cannot stand beside others");
    for wrong in ["", "somebody"] {
        let fault = identities(json!([wrong]));
        assert_eq!(fault, format!("trusted identity `{wrong}` is neither `*` nor `x509.subject:NAME`"));
    }
    assert_eq!(
        identities(json!(["x509.subject:C=US,O=a"])),
        "trusted identity `x509.subject:C=US,O=a`: it has no attribute `ST`; `C`, `ST` and `O` are mandatory"
    );
    let longer = "x509.subject:C=US,ST=WA,O=a,CN=b";
    for [one, two] in [[name, longer], [longer, name], [name, name]] {
        let fault = identities(json!([one, "plugin:x", two]));
        assert_eq!(fault, format!("trusted identities `{one}` and `{two}` overlap"));
    }
    let many = vec!["plugin:x"; TRUST_STATEMENTS + 1];
    assert_eq!(identities(json!(many)), "it has more than 256 identities");
}

#[test]
fn scopes_are_repositories() {
    let scopes = |list: Value| statement("registryScopes", list);
    assert_eq!(scopes(json!([])), "it has no registry scope");
    assert_eq!(scopes(json!(["*", "a.example/b"])), "the registry scope `*` cannot stand beside others");
    for wrong in
        ["a.example", "a.example/*", "a.example/b:v1", "https://a.example/b", "a.example/b@sha256:0", ""]
    {
        let fault = scopes(json!([wrong]));
        assert!(fault.starts_with(&format!("registry scope `{wrong}` is neither")), "{fault}");
    }
    assert_eq!(scopes(json!(["a.example/b", "a.example/b"])), "registry scope `a.example/b` is there twice");
    let many = vec!["a.example/b"; TRUST_STATEMENTS + 1];
    assert_eq!(scopes(json!(many)), "it has more than 256 scopes");
}

/// The Secret's certificates: how many can be used is seen by what is said of the others.
fn certificate_faults(entries: &[(&str, &[u8])]) -> Vec<(String, CertificateError)> {
    let document = strict().to_string();
    let mut all = vec![("trustpolicy.json", document.as_bytes())];
    all.extend(entries);
    let policy = NotationPolicy::read(all).unwrap();
    policy.faults().iter().map(|fault| (fault.name.clone(), fault.error.clone())).collect()
}

#[test]
fn certificates_are_pem_or_der_in_entries_with_the_right_endings() {
    let chain = Chain::usual();
    let document = strict().to_string();
    let policy = |name: &str, bytes: &[u8]| {
        NotationPolicy::read([("trustpolicy.json", document.as_bytes()), (name, bytes)]).unwrap()
    };
    let root = chain.der.last().unwrap();
    let two = [Chain::usual().der[2].clone(), root.clone()].concat();
    for (name, bytes) in
        [("a.crt", root), ("a.pem", root), ("a.crt", &two), ("a.pem", &chain.root_pem().into_bytes())]
    {
        accepted(&policy(name, bytes), &Draft::of(&chain).jws());
    }
    assert!(matches!(judge(&policy("a.cer", root), &[Draft::of(&chain).jws()]), Verdict::Rejected(_)));
}

#[test]
fn certificate_that_cannot_be_used_is_told_and_stops_no_other() {
    let chain = Chain::usual();
    let (root, key) = (chain.root_pem(), pem("PUBLIC KEY", b"x"));
    let many = [root.clone(), root.clone(), root.clone()].concat();
    let large = vec![b' '; CERTIFICATE_BYTES + 1];
    let faults = certificate_faults(&[
        ("1.crt", b""),
        ("2.crt", b"junk"),
        ("3.pem", key.as_bytes()),
        ("4.pem", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"),
        ("5.crt", many.as_bytes()),
        ("6.crt", &large),
        ("7.crt", root.as_bytes()),
    ]);
    let found: Vec<_> = faults.iter().map(|(name, error)| (name.as_str(), error.reason())).collect();
    assert_eq!(
        found,
        [
            ("1.crt", "CertificateMalformed"),
            ("2.crt", "CertificateMalformed"),
            ("3.pem", "CertificateMalformed"),
            ("4.pem", "CertificateMalformed"),
            ("5.crt", "CertificateUnread"),
            ("6.crt", "CertificateTooLarge"),
        ]
    );
    assert_eq!(faults[2].1, CertificateError::Label("PUBLIC KEY".to_owned()));
    assert_eq!((&faults[3].1, &faults[4].1), (&CertificateError::Broken, &CertificateError::Unread(2)));
    let policy = read(&strict(), &["junk", &root]);
    let verified = accepted(&policy, &Draft::of(&chain).jws());
    assert_eq!(verified.refused.len(), 1);
    assert_eq!(verified.refused[0].about, About::Certificate("000.crt".to_owned()));
}

#[test]
fn only_the_first_block_of_an_entry_is_trusted() {
    let (chain, other) = (Chain::usual(), Chain::usual());
    let policy = read(&strict(), &[&format!("{}{}", other.root_pem(), chain.root_pem())]);
    assert!(matches!(judge(&policy, &[Draft::of(&chain).jws()]), Verdict::Rejected(_)));
    accepted(&policy, &Draft::of(&other).jws());
}

#[test]
fn certificates_are_counted() {
    let chain = Chain::usual();
    let root = chain.root_pem();
    let names: Vec<String> = (0..=TRUSTED_CERTIFICATES).map(|number| format!("{number:03}.crt")).collect();
    let entries: Vec<_> = names.iter().map(|name| (name.as_str(), root.as_bytes())).collect();
    assert_eq!(certificate_faults(&entries[1..]), []);
    assert_eq!(
        certificate_faults(&entries),
        [(names[TRUSTED_CERTIFICATES].clone(), CertificateError::TooMany)]
    );
    let der = chain.der[2].repeat(TRUSTED_CERTIFICATES + 1);
    assert_eq!(certificate_faults(&[("a.crt", &der)]), [("a.crt".to_owned(), CertificateError::TooMany)]);
    drop(trusting(&chain));
}
