//! Sigstore bundles of version 0.3 around an envelope (DSSE) around a statement (in-toto): what Cosign 3 writes.
//!
//! Specification: `sigstore_bundle.proto` of protobuf-specs, DSSE 1.0, in-toto Statement 1, and Cosign's predicate type.
//! Older bundles are refused, as Cosign refuses them: theirs may have a log's promise alone.

mod statement;

pub(crate) use statement::{PAYLOAD_TYPE, PREDICATE_TYPE, STATEMENT_TYPE};

use jiff::Timestamp;
use oci_artifact::name::Digest;
use serde::{Deserialize, de::IgnoredAny};

use crate::{
    BUNDLE_TYPE, Blob, By, Format, How, Keys, Log, Part, Policy, Reason,
    engine::{Accepted, by_identity},
    json,
    reason::excerpt,
    sigstore::{Signed, Signer},
};

/// Spellings of the version that is verified.
const MEDIA_TYPES: [&str; 2] = [BUNDLE_TYPE, "application/vnd.dev.sigstore.bundle+json;version=0.3"];

/// The fields that decide what the rest means.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outline {
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    dsse_envelope: Option<Envelope>,
    #[serde(default)]
    message_signature: Option<IgnoredAny>,
    #[serde(default)]
    verification_material: Option<Material>,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    signatures: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Material {
    #[serde(default)]
    certificate: Option<IgnoredAny>,
    #[serde(default)]
    x509_certificate_chain: Option<IgnoredAny>,
    #[serde(default)]
    public_key: Option<IgnoredAny>,
}

/// Verifies a bundle as the signature of an artifact.
pub(crate) fn verify(
    policy: &Policy,
    artifact: &Digest,
    blob: &Blob,
    now: Timestamp,
) -> Result<Accepted, Reason> {
    if blob.media_type != BUNDLE_TYPE {
        return Err(Reason::MediaType(excerpt(&blob.media_type)));
    }
    let signed = open(&blob.bytes)?;
    let (payload_type, payload) = signed.payload()?;
    statement::check(payload_type, payload, artifact)?;
    match policy {
        Policy::Keys(keys) => by_key(keys, &signed),
        Policy::Keyless { identities, root } => {
            check_signer(&signed, Reason::KeyForIdentities, |signer| {
                matches!(signer, Signer::Certificate(_))
            })?;
            let evidence = root.root().verify_statement(&signed, artifact, now)?;
            by_identity(identities, Format::Bundle, evidence)
        }
    }
}

/// Reads a bundle of the shape that signatures of artifacts have.
fn open(bytes: &[u8]) -> Result<Signed, Reason> {
    let outline: Outline = json::read(bytes, Part::Bundle)?;
    if !MEDIA_TYPES.contains(&outline.media_type.as_str()) {
        return Err(Reason::BundleVersion(excerpt(&outline.media_type)));
    }
    let Some(envelope) = outline.dsse_envelope.filter(|_| outline.message_signature.is_none()) else {
        return Err(Reason::MessageSignature);
    };
    if envelope.signatures.len() != 1 {
        return Err(Reason::EnvelopeSignatures(envelope.signatures.len()));
    }
    let material = outline.verification_material.ok_or(Reason::Missing(Part::Certificate))?;
    let signers = [material.certificate, material.x509_certificate_chain, material.public_key];
    if signers.into_iter().flatten().count() != 1 {
        return Err(Reason::malformed(Part::Bundle, &"it has not exactly one signer"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| Reason::malformed(Part::Bundle, &error))?;
    Signed::from_json(text)
}

fn check_signer(signed: &Signed, other: Reason, wanted: fn(&Signer<'_>) -> bool) -> Result<(), Reason> {
    match signed.signer()? {
        Signer::Chain => Err(Reason::ChainInBundle),
        found if wanted(&found) => Ok(()),
        _ => Err(other),
    }
}

/// The log is not asked for, as in Flux: whoever has the key can sign.
fn by_key(keys: &Keys, signed: &Signed) -> Result<Accepted, Reason> {
    check_signer(signed, Reason::CertificateForKeys, |signer| matches!(signer, Signer::Key))?;
    let (message, signature) = signed.signature()?;
    let (name, algorithm) =
        keys.made(&message, signature).ok_or_else(|| Reason::NoKeyMatches(keys.described()))?;
    let how =
        How { format: Format::Bundle, log: Log::Unasked, certificate_logged: false, timestamped: false };
    Ok(Accepted { by: By::Key { name: name.to_owned(), algorithm }, when: None, how })
}
