//! What is judged: one signature of each kind, as it was fetched, by a policy that was read before.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use oci_artifact::{
    manifest::{Descriptor, OCI_MANIFEST},
    name::{Digest, IdentityPattern, Pattern, Repository},
};
use oci_verify::{
    BUNDLE_TYPE, Blob, Found, Identities, Keys, LEGACY_TYPE, Legacy, Material, NOTATION_COSE_TYPE,
    NOTATION_JWS_TYPE, NotationPolicy, Policy, TrustRoot, Verdict, verify, verify_notation,
};
use serde_json::Value;

const ARTIFACT: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// An hour after everything was signed.
const NOW: i64 = 1_750_003_600;

/// Something to measure.
type Case = (&'static str, Box<dyn Fn()>);

/// A file of the fuzz targets.
fn file(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(name)).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn blob(media_type: &str, bytes: Vec<u8>) -> Blob {
    Blob { media_type: media_type.to_owned(), digest: Digest::of(&bytes), bytes }
}

fn bundle(name: &str) -> Material {
    let layer = blob(BUNDLE_TYPE, file(&format!("seeds/bundles/{name}.json")));
    Material { bundles: Found::Here(vec![layer]), ..Material::default() }
}

fn legacy(name: &str) -> Material {
    let stored: Value = serde_json::from_slice(&file(&format!("seeds/legacy/{name}.json"))).unwrap();
    let annotations: BTreeMap<String, String> =
        serde_json::from_value(stored["annotations"].clone()).unwrap();
    let payload = blob(LEGACY_TYPE, STANDARD.decode(stored["payload"].as_str().unwrap()).unwrap());
    Material { legacy: Found::Here(vec![Legacy { payload, annotations }]), ..Material::default() }
}

fn by_key() -> Policy {
    Policy::Keys(Keys::read([("a.pub", file("trust/a.pub").as_slice())]))
}

fn by_identity() -> Policy {
    let root = TrustRoot::parse(&file("trust/trusted_root.json")).unwrap();
    let identity = IdentityPattern {
        issuer: Pattern::parse(r"^https://token\.actions\.githubusercontent\.com$").unwrap(),
        subject: Pattern::parse(r"^https://github\.com/org/app/.*$").unwrap(),
    };
    Policy::Keyless { identities: Identities::OneOf(vec![identity]), root: Arc::new(root) }
}

fn judged(name: &'static str, policy: Policy, material: Material) -> Case {
    let artifact = Digest::parse(ARTIFACT).unwrap();
    let work = move || {
        let verdict = verify(&policy, &artifact, &material, now());
        assert!(matches!(verdict, Verdict::Verified(_)), "{verdict}");
    };
    (name, Box::new(work))
}

fn notation(name: &'static str, media_type: &str, envelope: &str) -> Case {
    let document = file("seeds/notation_policies/permissive.json");
    let (root, stamper) = (file("trust/root.crt"), file("trust/tsa.crt"));
    let entries: [(&str, &[u8]); 3] =
        [("trustpolicy.json", &document), ("a.crt", &root), ("b.crt", &stamper)];
    let policy = NotationPolicy::read(entries).unwrap();
    let repository = Repository::parse("registry.example/org/app").unwrap();
    let artifact = Descriptor::new(OCI_MANIFEST, Digest::parse(ARTIFACT).unwrap(), 528);
    let signatures = Found::Here(vec![blob(media_type, file(envelope))]);
    let material = Material { notation: signatures, ..Material::default() };
    let work = move || {
        let verdict = verify_notation(&policy, &repository, &artifact, &material, now());
        assert!(matches!(verdict, Verdict::Verified(_)), "{verdict}");
    };
    (name, Box::new(work))
}

/// Everything that is measured.
pub(crate) fn all() -> Vec<Case> {
    let (root, key) = (file("trust/trusted_root.json"), file("trust/a.pub"));
    vec![
        judged("key, bundle", by_key(), bundle("key")),
        judged("key, legacy", by_key(), legacy("key")),
        judged("keyless, bundle", by_identity(), bundle("keyless")),
        judged("keyless, with timestamp", by_identity(), bundle("stamped")),
        judged("keyless, legacy", by_identity(), legacy("keyless")),
        notation("Notation, JWS", NOTATION_JWS_TYPE, "seeds/notation_jws/plain.json"),
        notation("Notation, JWS, timestamp", NOTATION_JWS_TYPE, "seeds/notation_jws/stamped.json"),
        notation("Notation, COSE", NOTATION_COSE_TYPE, "seeds/notation_cose/plain.cbor"),
        notation("Notation, COSE, timestamp", NOTATION_COSE_TYPE, "seeds/notation_cose/stamped.cbor"),
        (
            "reading a key",
            Box::new(move || assert!(Keys::read([("a.pub", key.as_slice())]).faults().is_empty())),
        ),
        ("reading a trust root", Box::new(move || drop(TrustRoot::parse(&root).unwrap()))),
    ]
}
