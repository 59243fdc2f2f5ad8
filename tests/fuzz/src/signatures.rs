//! Signatures of Cosign, keys, certificates and trust roots. What was signed cannot be changed: nothing else is verified.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use oci_artifact::name::Digest;
use oci_verify::{
    BUNDLE_TYPE, Blob, Found, Identities, Keys, LEGACY_TYPE, Legacy, Material, Policy, TrustRoot, Verdict,
    sign::PrivateKey, verify,
};
use serde::Deserialize;
use serde_json::Value;

use crate::{file, is_line, notation};

/// The artifact that the seeds are about.
pub(crate) const ARTIFACT: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// An hour after they were signed.
const NOW: i64 = 1_750_003_600;

/// A bundle with a timestamp.
static STAMPED: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_slice(&file("seeds/bundles/stamped.json")).unwrap());

/// By a key, and by anybody whom the authority certified.
static POLICIES: LazyLock<[Policy; 2]> = LazyLock::new(|| {
    let root = TrustRoot::parse(&file("trust/trusted_root.json")).unwrap();
    [
        Policy::Keys(Keys::read([("a.pub", file("trust/a.pub").as_slice())])),
        Policy::Keyless { identities: Identities::Anybody, root: Arc::new(root) },
    ]
});

/// What was signed in the bundles, and in the legacy signatures.
static SIGNED: LazyLock<[Vec<Vec<u8>>; 2]> = LazyLock::new(|| {
    let bundles = ["key", "keyless", "stamped"].map(|name| {
        payload(&serde_json::from_slice(&file(&format!("seeds/bundles/{name}.json"))).unwrap()).unwrap()
    });
    let legacies = ["key", "keyless"].map(|name| {
        let stored: Stored = serde_json::from_slice(&file(&format!("seeds/legacy/{name}.json"))).unwrap();
        stored.payload().unwrap()
    });
    [bundles.to_vec(), legacies.to_vec()]
});

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// What a bundle says is signed.
fn payload(bundle: &Value) -> Option<Vec<u8>> {
    STANDARD.decode(bundle.get("dsseEnvelope")?.get("payload")?.as_str()?).ok()
}

pub(crate) fn blob(media_type: &str, bytes: &[u8]) -> Blob {
    Blob { media_type: media_type.to_owned(), digest: Digest::of(bytes), bytes: bytes.to_vec() }
}

/// Whether one of the policies is fulfilled.
fn counts(material: &Material) -> bool {
    let artifact = Digest::parse(ARTIFACT).unwrap();
    let verdicts = POLICIES.each_ref().map(|policy| verify(policy, &artifact, material, now()));
    verdicts.iter().any(has_verdict)
}

/// Whether it is a signature. Whatever it is, it is judged.
pub(crate) fn has_verdict(verdict: &Verdict) -> bool {
    is_line(&verdict.to_string().replace('\n', " "));
    assert!(matches!(verdict, Verdict::Verified(_) | Verdict::Rejected(_)), "{verdict}");
    matches!(verdict, Verdict::Verified(_))
}

fn is_bundle(bytes: &[u8]) -> bool {
    let layer = blob(BUNDLE_TYPE, bytes);
    counts(&Material { bundles: Found::Here(vec![layer]), ..Material::default() })
}

/// A bundle.
pub(crate) fn bundles(bytes: &[u8]) {
    if is_bundle(bytes) {
        let signed = payload(&serde_json::from_slice(bytes).unwrap());
        assert!(signed.is_some_and(|signed| SIGNED[0].contains(&signed)), "nobody signed this");
    }
}

/// A legacy signature in a file.
#[derive(Deserialize)]
struct Stored {
    payload: String,
    annotations: BTreeMap<String, String>,
}

impl Stored {
    fn payload(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.payload).ok()
    }
}

/// A legacy signature: its payload and its annotations.
pub(crate) fn legacy(bytes: &[u8]) {
    let Ok(stored) = serde_json::from_slice::<Stored>(bytes) else { return };
    let Some(signed) = stored.payload() else { return };
    let signature = Legacy { payload: blob(LEGACY_TYPE, &signed), annotations: stored.annotations };
    if counts(&Material { legacy: Found::Here(vec![signature]), ..Material::default() }) {
        assert!(SIGNED[1].contains(&signed), "nobody signed this");
    }
}

/// A timestamp, in a bundle and in an envelope of Notation.
pub(crate) fn stamps(bytes: &[u8]) {
    let mut bundle = STAMPED.clone();
    bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0]["signedTimestamp"] =
        Value::from(STANDARD.encode(bytes));
    is_bundle(bundle.to_string().as_bytes());
    notation::stamped(bytes);
}

/// A certificate: the signer's in a bundle and in an envelope, and one that is trusted.
pub(crate) fn certificates(bytes: &[u8]) {
    let mut bundle = STAMPED.clone();
    let place = &mut bundle["verificationMaterial"]["certificate"]["rawBytes"];
    let same = *place == STANDARD.encode(bytes);
    *place = Value::from(STANDARD.encode(bytes));
    assert!(!is_bundle(bundle.to_string().as_bytes()) || same, "another certificate");
    notation::certified(bytes);
    notation::trusting(bytes).faults().iter().for_each(|fault| is_line(&fault.error.to_string()));
}

/// Keys, public and private. Sealed ones stay so: opening one takes a tenth of a second, on purpose.
pub(crate) fn keys(bytes: &[u8]) {
    let keys = Keys::named([("a", bytes)]);
    assert!(keys.names().count() + keys.faults().len() > 0);
    keys.faults().iter().for_each(|fault| is_line(&fault.to_string()));
    match PrivateKey::read(bytes) {
        Ok(PrivateKey::Plain(key)) => {
            let public = key.public_pem();
            assert_eq!(Keys::named([("a", public.as_bytes())]).names().count(), 1);
        }
        Ok(PrivateKey::Sealed(_)) => {}
        Err(error) => is_line(&error.to_string()),
    }
}

/// A trust root.
pub(crate) fn trust_roots(bytes: &[u8]) {
    if let Err(error) = TrustRoot::parse(bytes) {
        is_line(&error.to_string());
    }
}
