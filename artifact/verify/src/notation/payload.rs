//! What a Notation signature is about: the descriptor of one artifact.
//!
//! Specification: `signature-specification.md` of the Notary Project, "Payload".

use oci_artifact::manifest::Descriptor;
use serde::Deserialize;

use crate::{Part, Reason, json, reason::excerpt};

const PAYLOAD_TYPE: &str = "application/vnd.cncf.notary.payload.v1+json";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    target_artifact: Target,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    media_type: String,
    digest: String,
    size: u64,
}

/// Refuses a payload about another artifact: media type, digest and size must all be those of `artifact`.
pub(super) fn check(content_type: &str, payload: &[u8], artifact: &Descriptor) -> Result<(), Reason> {
    if content_type != PAYLOAD_TYPE {
        return Err(Reason::PayloadType(excerpt(content_type)));
    }
    let Payload { target_artifact: target } = json::read(payload, Part::Payload)?;
    if target.digest != artifact.digest.to_string() {
        return Err(Reason::OtherArtifact(excerpt(&target.digest)));
    }
    if target.media_type != artifact.media_type {
        return Err(Reason::OtherArtifact(format!("one of the media type {}", excerpt(&target.media_type))));
    }
    if target.size != artifact.size {
        return Err(Reason::OtherArtifact(format!("one of {} bytes", target.size)));
    }
    Ok(())
}
