//! The `notation` program signs, in both kinds of envelopes and with the keys that it takes, and we verify what we fetch.

use std::io::Read as _;

use oci_artifact::{
    archive::Control,
    manifest::{Descriptor, Document},
    name::{Digest, Repository, Tag, Target},
};
use oci_registry::{Access, Client, Options};
use oci_testkit::sigstore::notation::certificate;
use oci_verify::{
    Blob, By, Format, Found, Material, NotationPolicy, NotationReason, Reason, Verdict, verify_notation,
};
use rcgen::{
    BasicConstraints, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384,
    PKCS_ECDSA_P521_SHA512, PKCS_RSA_SHA256, RsaKeySize,
};
use serde_json::json;

use crate::bench::{Bench, distribution, olareg};

const SIGNATURE: &str = "application/vnd.cncf.notary.signature";

/// Gives the program a key with a certificate, and returns the root's.
fn configure(bench: &Bench, key: &KeyPair) -> String {
    let mut root = certificate("Acme, Inc.", "root");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let root_key = KeyPair::generate().unwrap();
    let root_pem = root.self_signed(&root_key).unwrap().pem();
    let mut leaf = certificate("Acme, Inc.", "ci");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let leaf = leaf.signed_by(key, &Issuer::new(root, root_key)).unwrap().pem();
    bench.write("key.pem", &key.serialize_pem());
    bench.write("chain.pem", &format!("{leaf}{root_pem}"));
    let keys = json!({ "default": "ci", "keys": [{
        "name": "ci", "keyPath": bench.path("key.pem"), "certPath": bench.path("chain.pem"),
    }]});
    bench.write("home/.config/notation/signingkeys.json", &keys.to_string());
    root_pem
}

/// A strict policy about one repository and one signer.
fn policy(root: &str, repository: &Repository) -> NotationPolicy {
    let document = json!({ "version": "1.0", "trustPolicies": [{
        "name": "apps",
        "registryScopes": [repository.to_string()],
        "signatureVerification": { "level": "strict" },
        "trustStores": ["ca:acme"],
        "trustedIdentities": ["x509.subject: C=US, ST=WA, O=Acme\\, Inc."],
    }]})
    .to_string();
    NotationPolicy::read([("trustpolicy.json", document.as_bytes()), ("root.crt", root.as_bytes())]).unwrap()
}

/// The descriptor of an artifact, and the layers of its signatures.
fn fetch(repository: &Repository, tag: &str) -> (Descriptor, Vec<Blob>) {
    let options = Options { insecure: true, ..Options::default() };
    let client = Client::new(options).repository(repository, Access::Pull);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let manifest = client.manifest(&Target::Tag(Tag::parse(tag).unwrap())).await.unwrap();
        let size = u64::try_from(manifest.bytes.len()).unwrap();
        let artifact = Descriptor::new(&manifest.media_type, manifest.digest.clone(), size);
        let mut found = Vec::new();
        for referrer in client.referrers(&artifact.digest).await.unwrap() {
            let fetched = client.manifest(&Target::Digest(referrer.digest)).await.unwrap();
            let Document::Manifest(signature) = fetched.document else { panic!() };
            assert!(signature.artifact_type.as_deref().unwrap_or(&signature.config.media_type) == SIGNATURE);
            assert_eq!(signature.subject.as_ref().unwrap().digest, artifact.digest);
            let layer = signature.layers.first().unwrap();
            let file = tempfile::tempfile().unwrap();
            let mut file = client.blob_to_file(layer, file, &Control::default()).await.unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            found.push(Blob { media_type: layer.media_type.clone(), digest: layer.digest.clone(), bytes });
        }
        (artifact, found)
    })
}

/// Within the certificates' time, and after any time at which the program may have signed.
fn verdict(
    policy: &NotationPolicy,
    repository: &Repository,
    artifact: &Descriptor,
    blobs: &[Blob],
) -> Verdict {
    let material = Material { notation: Found::Here(blobs.to_vec()), ..Material::default() };
    verify_notation(policy, repository, artifact, &material, "2044-01-01T00:00:00Z".parse().unwrap())
}

fn only_reason(verdict: Verdict) -> Reason {
    match verdict {
        Verdict::Rejected(rejected) if rejected.refused.len() == 1 => rejected.refused[0].reason.clone(),
        other => panic!("{other}"),
    }
}

/// Pushes two artifacts.
fn push(bench: &Bench, host: &str) {
    for tag in ["v1", "v2"] {
        bench.write("layer.txt", tag);
        bench.oras(&["push", "--plain-http", &format!("{host}/app:{tag}"), "layer.txt:text/plain"]);
    }
}

/// By the referrers API where there is one: left to itself the program writes the tag that stands for it in any case.
fn sign(bench: &Bench, kind: &str, more: &[&str]) {
    let args = ["sign", "--insecure-registry", "--force-referrers-tag=false", "--signature-format", kind];
    bench.notation(&[&args[..], more].concat());
}

/// The first is signed with the key, in both kinds of envelopes; ours counts both and nothing else.
fn signed_by_notation_counts(host: &str, key: &KeyPair) {
    let bench = Bench::new();
    let (repository, root) = (Repository::parse(&format!("{host}/app")).unwrap(), configure(&bench, key));
    push(&bench, host);
    let policy = policy(&root, &repository);
    let (other, none) = fetch(&repository, "v2");
    assert_eq!(verdict(&policy, &repository, &other, &none), Verdict::NotSigned);
    for kind in ["jws", "cose"] {
        let name = format!("{host}/app:v1");
        sign(&bench, kind, &[&name]);
    }
    let (artifact, blobs) = fetch(&repository, "v1");
    let mut formats = Vec::new();
    for blob in &blobs {
        let verdict_of =
            |artifact, blob: &Blob| verdict(&policy, &repository, artifact, std::slice::from_ref(blob));
        let Verdict::Verified(verified) = verdict_of(&artifact, blob) else {
            panic!("{}", verdict_of(&artifact, blob));
        };
        formats.push(verified.how.format);
        assert!(matches!(&verified.by, By::Certificate { subject, .. } if subject.contains("CN=ci")));
        assert_eq!((verified.let_pass.len(), verified.refused.len()), (0, 0));
        assert!(matches!(only_reason(verdict_of(&other, blob)), Reason::OtherArtifact(_)));
        let mut spoilt = blob.clone();
        let last = spoilt.bytes.len() - 8;
        spoilt.bytes[last] ^= 1;
        spoilt.digest = Digest::of(&spoilt.bytes);
        assert!(matches!(verdict_of(&artifact, &spoilt), Verdict::Rejected(_)));
    }
    formats.sort_unstable();
    assert_eq!(formats, [Format::NotationJws, Format::NotationCose]);
}

#[test]
fn ecdsa_signatures_of_notation_count() {
    let registry = distribution();
    for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_ECDSA_P521_SHA512] {
        let registry_host = registry.host();
        let host = format!("{registry_host}/{}", format!("{algorithm:?}").to_lowercase());
        signed_by_notation_counts(&host, &KeyPair::generate_for(algorithm).unwrap());
    }
}

#[test]
fn rsa_signatures_of_notation_count() {
    let registry = olareg();
    for (name, size) in
        [("rsa-2048", RsaKeySize::_2048), ("rsa-3072", RsaKeySize::_3072), ("rsa-4096", RsaKeySize::_4096)]
    {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, size).unwrap();
        signed_by_notation_counts(&format!("{}/{name}", registry.host()), &key);
    }
}

#[test]
fn limit_and_attributes_of_notation_are_understood() {
    let (bench, registry) = (Bench::new(), olareg());
    let host = registry.host();
    let repository = Repository::parse(&format!("{host}/app")).unwrap();
    let root = configure(&bench, &KeyPair::generate().unwrap());
    push(&bench, &host);
    let more = ["--user-metadata", "build=7", "--expiry", "24h"];
    for kind in ["jws", "cose"] {
        let name = format!("{host}/app:v1");
        sign(&bench, kind, &[&more[..], &[&name]].concat());
    }
    let (artifact, blobs) = fetch(&repository, "v1");
    assert_eq!(blobs.len(), 2);
    for blob in &blobs {
        let verdict =
            verdict(&policy(&root, &repository), &repository, &artifact, std::slice::from_ref(blob));
        assert!(matches!(only_reason(verdict), Reason::Notation(NotationReason::Expired(_))));
    }
}

#[test]
fn signature_of_notation_by_another_authority_does_not_count() {
    let (bench, registry) = (Bench::new(), olareg());
    let host = registry.host();
    let repository = Repository::parse(&format!("{host}/app")).unwrap();
    let root = configure(&bench, &KeyPair::generate().unwrap());
    configure(&bench, &KeyPair::generate().unwrap());
    push(&bench, &host);
    sign(&bench, "jws", &[&format!("{host}/app:v1")]);
    let (artifact, blobs) = fetch(&repository, "v1");
    let verdict = verdict(&policy(&root, &repository), &repository, &artifact, &blobs);
    assert!(matches!(only_reason(verdict), Reason::Notation(NotationReason::Untrusted(_))));
}

/// The trust policy of [`policy`] and the root's certificate as files.
fn write_policy(bench: &Bench, root: &str, repository: &str) {
    let document = json!({ "version": "1.0", "trustPolicies": [{
        "name": "apps",
        "registryScopes": [repository],
        "signatureVerification": { "level": "strict" },
        "trustStores": ["ca:acme"],
        "trustedIdentities": ["x509.subject: C=US, ST=WA, O=Acme\\, Inc."],
    }]});
    bench.write("trustpolicy.json", &document.to_string());
    bench.write("root.crt", root);
}

/// As the program signs if nothing is said: by the tag that stands for the referrers API, whether or not there is one.
fn signed_by_notation_is_taken_at_the_desk(host: &str, flags: &[&str]) {
    const POLICY: [&str; 4] = ["--trust-policy", "trustpolicy.json", "--certificate", "root.crt"];
    for kind in ["jws", "cose"] {
        let (bench, name) = (Bench::new(), format!("{host}/{kind}"));
        let root = configure(&bench, &KeyPair::generate().unwrap());
        write_policy(&bench, &root, &name);
        let (v1, v2) = (format!("oci://{name}:v1"), format!("oci://{name}:v2"));
        let digest = bench.push(&v1, &[]);
        bench.push(&v2, &["--annotations", "other=yes"]);
        let sign = ["sign", "--insecure-registry", "--signature-format", kind];
        bench.notation(&[&sign[..], flags, &[&format!("{name}@{digest}")]].concat());
        let seen = bench.run(&[&["verify", "artifact", &v1, "-o", "json"][..], &POLICY].concat());
        assert_eq!(seen.code, Some(0), "{seen:#?}");
        let report = crate::bench::json(&seen.stdout);
        assert_eq!(crate::bench::text(&report["digest"]), digest);
        assert_eq!(report["signature"]["format"], "notation");
        assert_eq!(report["signature"]["level"], "strict");
        let subject = crate::bench::text(&report["signature"]["subject"]);
        assert!(subject.starts_with("CN=ci,O=Acme"), "{subject}");
        let pull = |url: &str| {
            let verify = ["--verify-trust-policy", "trustpolicy.json", "--verify-certificate", "root.crt"];
            bench.run(&[&["pull", "artifact", url, "-o", "out"][..], &verify].concat())
        };
        let seen = pull(&v2);
        assert_eq!(seen.code, Some(1), "{seen:#?}");
        assert!(!bench.path("out").exists());
        let seen = pull(&v1);
        assert_eq!(seen.code, Some(0), "{seen:#?}");
        // And of somebody else's authority.
        configure(&bench, &KeyPair::generate().unwrap());
        write_policy(&bench, &root, &format!("{host}/{kind}"));
        bench.notation(&[&sign[..], flags, &[&v2.replace("oci://", "")]].concat());
        let seen = bench.run(&[&["verify", "artifact", &v2, "-o", "json"][..], &POLICY].concat());
        assert_eq!(seen.code, Some(1), "{seen:#?}");
        assert_eq!(crate::bench::json(&seen.stdout)["reason"], "CertificateUntrusted");
    }
}

#[test]
fn notation_s_signature_by_its_tag_is_taken_at_the_desk() {
    let (without_api, with_api) = (distribution(), olareg());
    for host in [without_api.host(), with_api.host()] {
        signed_by_notation_is_taken_at_the_desk(&host, &[]);
    }
}

#[test]
fn notation_s_signature_by_the_referrers_api_is_taken_at_the_desk() {
    signed_by_notation_is_taken_at_the_desk(&olareg().host(), &["--force-referrers-tag=false"]);
}
