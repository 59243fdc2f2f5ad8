//! The payload that was signed: which image it is about.

use oci_artifact::name::Digest;
use serde::{Deserialize, de::IgnoredAny};

use crate::{Part, Reason, json, reason::excerpt};

/// What `critical.type` must be. There is one other kind, an attestation's, and it is no payload of this format.
pub(crate) const KIND: &str = "cosign container image signature";

/// Unknown fields of what is critical would be conditions that we do not know.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    critical: Critical,
    #[serde(default, rename = "optional")]
    _optional: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Critical {
    image: Image,
    #[serde(rename = "type")]
    kind: String,
    /// The name under which it was signed: an artifact may be copied, so it is ignored, as the specification has it.
    #[serde(default, rename = "identity")]
    _identity: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

/// Refuses a payload that is not about exactly this artifact.
pub(super) fn check(bytes: &[u8], artifact: &Digest) -> Result<(), Reason> {
    let payload: Payload = json::read(bytes, Part::Payload)?;
    if payload.critical.kind != KIND {
        return Err(Reason::PayloadKind(excerpt(&payload.critical.kind)));
    }
    if payload.critical.image.digest != artifact.to_string() {
        return Err(Reason::OtherArtifact(excerpt(&payload.critical.image.digest)));
    }
    Ok(())
}
