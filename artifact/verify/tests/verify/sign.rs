//! What is signed here counts here; keys that are broken, foreign or hostile sign nothing.

use std::collections::BTreeMap;

use oci_artifact::{
    limits::PRIVATE_KEY_BYTES,
    manifest::{Descriptor, Document, OCI_MANIFEST},
    name::{Digest, Reference, Repository},
};
use oci_testkit::{
    planted::{KEY_PASSWORD, WRONG_PASSWORD, assert_clean},
    sigstore::{Kind, Owner, base64, pem},
};
use oci_verify::{
    BUNDLE_TYPE, By, Format, Found, LEGACY_TYPE, Legacy, Material, Reason, legacy_tag,
    sign::{Attachment, KeyPair, Notes, Payload, PrivateKey, SealedKey, SigningError, SigningKey},
};

use crate::desk::{A, accepted, blob, by_keys, now, refused};

const KINDS: [Kind; 4] = [Kind::P256, Kind::P384, Kind::Ed25519, Kind::Rsa];

fn plain(text: &str) -> SigningKey {
    match PrivateKey::read(text.as_bytes()).unwrap() {
        PrivateKey::Plain(key) => key,
        PrivateKey::Sealed(_) => panic!("it is encrypted"),
    }
}

fn sealed(text: &str) -> SealedKey {
    match PrivateKey::read(text.as_bytes()).unwrap() {
        PrivateKey::Sealed(key) => key,
        PrivateKey::Plain(_) => panic!("it is not encrypted"),
    }
}

fn unreadable(text: &str) -> SigningError {
    PrivateKey::read(text.as_bytes()).unwrap_err()
}

fn repository() -> Repository {
    Reference::parse_url("oci://registry.example/org/app").unwrap().into_repository().unwrap()
}

fn artifact() -> Descriptor {
    Descriptor::new(OCI_MANIFEST, Digest::parse(A).unwrap(), 7)
}

fn attached(key: &SigningKey, notes: &Notes) -> Material {
    let made = Attachment::sign(key, &artifact(), notes, now()).unwrap();
    Material { bundles: Found::Here(vec![blob(BUNDLE_TYPE, &made.bundle)]), ..Material::default() }
}

fn payload(key: &SigningKey, notes: &Notes) -> Payload {
    Payload::sign(key, &repository(), &Digest::parse(A).unwrap(), notes).unwrap()
}

#[test]
fn signed_here_counts_here() {
    let notes = BTreeMap::from([("by".to_owned(), "\"us\" <&> \u{2028}".to_owned())]);
    for kind in KINDS {
        let owner = Owner::new(kind);
        let key = plain(&owner.private_pem());
        assert_eq!(key.public_pem(), owner.pem(), "{kind:?}");
        let policy = by_keys(&[("a.pub", &owner.pem())]);
        for notes in [&Notes::new(), &notes] {
            let verified = accepted(&policy, &attached(&key, notes));
            assert_eq!(verified.how.format, Format::Bundle);
            assert!(matches!(verified.by, By::Key { .. }));
            let Payload { layer, bytes } = payload(&key, notes);
            let legacy = Legacy { payload: blob(LEGACY_TYPE, &bytes), annotations: layer.annotations };
            let material = Material { legacy: Found::Here(vec![legacy]), ..Material::default() };
            assert_eq!(accepted(&policy, &material).how.format, Format::Legacy);
        }
        let other = by_keys(&[("b.pub", &Owner::new(kind).pem())]);
        assert!(matches!(refused(&other, &attached(&key, &notes)), Reason::NoKeyMatches(_)));
    }
}

#[test]
fn attachment_is_a_referrer_of_the_artifact() {
    let key = plain(&Owner::new(Kind::P256).private_pem());
    let made = Attachment::sign(&key, &artifact(), &Notes::new(), now()).unwrap();
    let Document::Manifest(manifest) = Document::parse(&made.manifest, None).unwrap() else { panic!() };
    assert_eq!(manifest.artifact_type.as_deref(), Some(BUNDLE_TYPE));
    assert_eq!(manifest.subject, Some(artifact()));
    assert_eq!(manifest.layers, [made.layer]);
    assert_eq!(manifest.config.digest, Digest::of(b"{}"));
    assert_eq!(manifest.annotations["org.opencontainers.image.created"], "2025-06-15T16:06:40Z");
    assert_eq!(made.descriptor.digest, Digest::of(&made.manifest));
    assert_eq!(made.descriptor.artifact_type.as_deref(), Some(BUNDLE_TYPE));
}

#[test]
fn legacy_signature_is_added_once() {
    let (one, two) = (Owner::new(Kind::P256), Owner::new(Kind::P256));
    let (one, two) = (plain(&one.private_pem()), plain(&two.private_pem()));
    let place = legacy_tag(&Digest::parse(A).unwrap()).unwrap();
    let read = |bytes: &[u8]| Document::parse(bytes, None).unwrap();
    let first = payload(&one, &Notes::new()).added_to(&one, None, &place).unwrap().unwrap();
    let there = read(&first.manifest);
    assert!(payload(&one, &Notes::new()).added_to(&one, Some(&there), &place).unwrap().is_none());
    let second = payload(&two, &Notes::new()).added_to(&two, Some(&there), &place).unwrap().unwrap();
    let Document::Manifest(both) = read(&second.manifest) else { panic!() };
    assert_eq!(both.layers.len(), 2);
    assert_eq!(both.config.digest, Digest::of(&second.config_bytes));
    let index = read(br#"{"schemaVersion":2,"manifests":[]}"#);
    let error = payload(&one, &Notes::new()).added_to(&one, Some(&index), &place).unwrap_err();
    assert!(matches!(error, SigningError::Occupied { .. }), "{error}");
}

#[test]
fn generated_key_needs_its_password() {
    let pair = KeyPair::generate(KEY_PASSWORD.as_bytes()).unwrap();
    let key = sealed(&pair.private_pem).open(KEY_PASSWORD.as_bytes()).unwrap();
    assert_eq!(key.kind(), "ECDSA P-256");
    assert_eq!(key.public_pem(), pair.public_pem);
    for password in [WRONG_PASSWORD, ""] {
        let error = sealed(&pair.private_pem).open(password.as_bytes()).unwrap_err();
        assert_eq!(error, SigningError::Password);
    }
    assert_clean("a key's Debug", format!("{pair:?} {key:?} {:?}", sealed(&pair.private_pem)).as_bytes());
    let other = KeyPair::generate(b"").unwrap();
    assert_ne!(other.public_pem, pair.public_pem);
    sealed(&other.private_pem).open(b"").unwrap();
}

#[test]
fn plain_keys_of_openssl_are_read() {
    for kind in [Kind::P256, Kind::P384] {
        let owner = Owner::new(kind);
        let text = format!("{}{}", pem("EC PARAMETERS", b"x"), owner.sec1_pem().unwrap());
        assert_eq!(plain(&text).public_pem(), owner.pem());
    }
}

#[test]
fn unusable_private_keys_are_told_apart() {
    use SigningError as E;
    let owner = Owner::new(Kind::P256);
    assert_eq!(unreadable(""), E::NoPem);
    assert_eq!(unreadable(&"x".repeat(PRIVATE_KEY_BYTES + 1)), E::TooLarge);
    assert_eq!(unreadable(&"x".repeat(PRIVATE_KEY_BYTES)), E::NoPem);
    assert_eq!(unreadable(&owner.pem()), E::PublicKey);
    assert_eq!(unreadable(&pem("CERTIFICATE", b"x")), E::Label("CERTIFICATE".to_owned()));
    assert_eq!(unreadable(&pem("ENCRYPTED PRIVATE KEY", b"x")), E::Foreign);
    let openssl =
        "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END EC PRIVATE KEY-----\n";
    assert_eq!(unreadable(openssl), E::Foreign);
    assert!(matches!(unreadable(&pem("DSA PRIVATE KEY", b"x")), E::Label(_)));
    for label in ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"] {
        assert!(matches!(unreadable(&pem(label, b"x")), E::Malformed(_)), "{label}");
    }
    let p521 = Owner::new(Kind::P521);
    for text in [p521.private_pem(), p521.sec1_pem().unwrap()] {
        assert_eq!(unreadable(&text).to_string(), "ECDSA keys on the curve P-521 are not supported");
    }
}

#[test]
fn envelope_is_read_strictly() {
    let envelope = |n: &str, more: &str| {
        format!(
            r#"{{"kdf":{{"name":"scrypt","params":{{"N":{n},"r":8,"p":1}},"salt":""}},
            "cipher":{{"name":"nacl/secretbox","nonce":"{}"}},"ciphertext":"AAAA"{more}}}"#,
            base64(&[0; 24])
        )
    };
    let read = |json: &str| PrivateKey::read(pem("ENCRYPTED COSIGN PRIVATE KEY", json.as_bytes()).as_bytes());
    for cost in ["32768", "65536", "131072"] {
        let Ok(PrivateKey::Sealed(key)) = read(&envelope(cost, "")) else { panic!("{cost}") };
        assert_eq!(key.open(b"").unwrap_err(), SigningError::Password);
    }
    for (json, why) in [
        (envelope("16384", ""), "scrypt parameters"),
        (envelope("1073741824", ""), "scrypt parameters"),
        (envelope("65537", ""), "scrypt parameters"),
        (envelope("65536", "").replace("\"r\":8", "\"r\":9"), "scrypt parameters"),
        (envelope("65536", "").replace("\"p\":1", "\"p\":2"), "scrypt parameters"),
        (envelope("65536", "").replace("scrypt", "pbkdf2"), "scrypt and nacl/secretbox"),
        (envelope("65536", "").replace(r#""ciphertext":"AAAA""#, r#""ciphertext":"A""#), "base64"),
        (envelope("65536", "").replace(&base64(&[0; 24]), "AAAA"), "nonce"),
        (envelope("65536", ",\"ciphertext\":\"\""), "twice"),
        ("{}".to_owned(), "cannot be read"),
        ("[".repeat(9_000), "cannot be read"),
    ] {
        let error = read(&json).unwrap_err().to_string();
        assert!(error.contains(why), "{why}: {error}");
    }
}
