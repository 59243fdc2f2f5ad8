//! Cosign's old format: a payload in a layer, and everything else in the annotations of its descriptor.
//!
//! Specification: Cosign's `SIGNATURE_SPEC.md` and the "simple signing" of containers/image. For a signature with a
//! certificate the bundle that it stands for is rebuilt, so that one verifier judges both formats.

mod log;
mod payload;

pub(crate) use payload::KIND;

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use oci_artifact::{
    limits::INTERMEDIATES,
    name::{Digest, Tag},
};

use crate::{
    By, Format, How, Keys, LEGACY_TYPE, Legacy, Log, Part, Policy, Reason, TrustRoot, annotation,
    engine::{Accepted, by_identity},
    pem,
    reason::excerpt,
    sigstore::{LegacyParts, Signed},
};

/// The tag of an artifact's signatures. Digests longer than a tag have none.
pub fn tag_of(artifact: &Digest) -> Option<Tag> {
    Tag::parse(&format!("{}-{}.sig", artifact.algorithm().name(), artifact.hex())).ok()
}

/// Verifies a legacy signature of an artifact.
pub(crate) fn verify(
    policy: &Policy,
    artifact: &Digest,
    legacy: &Legacy,
    now: Timestamp,
) -> Result<Accepted, Reason> {
    if legacy.payload.media_type != LEGACY_TYPE {
        return Err(Reason::MediaType(excerpt(&legacy.payload.media_type)));
    }
    let payload = legacy.payload.bytes.as_slice();
    payload::check(payload, artifact)?;
    let signature =
        legacy.annotations.get(annotation::SIGNATURE).ok_or(Reason::Missing(Part::SignatureValue))?;
    let signature = base64(signature, Part::SignatureValue)?;
    match policy {
        Policy::Keys(keys) => by_key(keys, payload, &signature),
        Policy::Keyless { identities, root } => {
            let signed = rebuild(root, &legacy.annotations, payload, signature)?;
            let evidence = root.root().verify_payload(&signed, payload, now)?;
            by_identity(identities, Format::Legacy, evidence)
        }
    }
}

fn by_key(keys: &Keys, payload: &[u8], signature: &[u8]) -> Result<Accepted, Reason> {
    let (name, algorithm) =
        keys.made(payload, signature).ok_or_else(|| Reason::NoKeyMatches(keys.described()))?;
    let how =
        How { format: Format::Legacy, log: Log::Unasked, certificate_logged: false, timestamped: false };
    Ok(Accepted { by: By::Key { name: name.to_owned(), algorithm }, when: None, how })
}

/// A timestamp is looked at where the trust root has no log: where it has one, Flux does not ask for it either.
fn rebuild(
    root: &TrustRoot,
    annotations: &BTreeMap<String, String>,
    payload: &[u8],
    signature: Vec<u8>,
) -> Result<Signed, Reason> {
    let get = |name| annotations.get(name).filter(|text| !text.is_empty()).map(String::as_str);
    let certificate = get(annotation::CERTIFICATE).ok_or(Reason::KeyForIdentities)?;
    let certificate = certificates(certificate, Part::Certificate, 1)?.pop();
    let timestamp = get(annotation::TIMESTAMP).filter(|_| !root.root().has_logs());
    Signed::from_legacy(LegacyParts {
        certificate: certificate.ok_or(Reason::Missing(Part::Certificate))?,
        intermediates: certificates(get(annotation::CHAIN).unwrap_or_default(), Part::Chain, INTERMEDIATES)?,
        payload_sha256: sha256(payload),
        signature,
        entry: get(annotation::BUNDLE).map(log::entry).transpose()?,
        timestamp: timestamp.map(log::timestamp).transpose()?,
    })
}

/// The certificates of a PEM text.
fn certificates(text: &str, part: Part, limit: usize) -> Result<Vec<Vec<u8>>, Reason> {
    let mut found = Vec::new();
    for block in pem::blocks(text) {
        let der = block.bytes.filter(|_| block.label == "CERTIFICATE");
        found.push(der.ok_or_else(|| Reason::malformed(part, &"a PEM block is no certificate"))?);
        if found.len() > limit {
            return Err(Reason::TooLarge { part, limit });
        }
    }
    Ok(found)
}

fn base64(text: &str, part: Part) -> Result<Vec<u8>, Reason> {
    STANDARD.decode(text.trim()).map_err(|error| Reason::malformed(part, &error))
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    // Digests are hex by construction.
    hex::decode(Digest::of(bytes).hex()).unwrap_or_default()
}
