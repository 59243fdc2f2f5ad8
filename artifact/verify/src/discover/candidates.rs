//! Which referrers are worth a look, and in which order.

use oci_artifact::{limits::SIGNATURES, manifest::Descriptor};

use super::Wanted;

/// The beginning of the media types of bundles of all versions.
pub(super) const BUNDLES: &str = "application/vnd.dev.sigstore.bundle";
/// The type of Notation's signatures.
pub(super) const NOTATION: &str = "application/vnd.cncf.notary.signature";
/// What a bundle is about, as its manifest says it: a hint.
const PREDICATE: &str = "dev.sigstore.bundle.predicateType";
/// The predicate of a signature.
const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
/// What some registries and clients list in place of an artifact's type: the type of its config.
const UNTOLD: [&str; 3] =
    ["", "application/vnd.oci.empty.v1+json", "application/vnd.oci.image.config.v1+json"];

/// Referrers that may be signatures: the likely ones, those whose list does not say, and the unlikely ones. Of each no
/// more are kept than are ever looked at.
pub(super) struct Candidates {
    wanted: Wanted,
    kept: [Vec<Descriptor>; 3],
    dropped: usize,
}

impl Candidates {
    pub(super) fn new(wanted: Wanted) -> Self {
        Self { wanted, kept: Default::default(), dropped: 0 }
    }

    pub(super) fn add(&mut self, descriptor: Descriptor) {
        let Some(list) = rank(self.wanted, &descriptor).and_then(|rank| self.kept.get_mut(rank)) else {
            return;
        };
        if list.len() < SIGNATURES {
            list.push(descriptor);
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// Those that were kept, the likely ones first, and how many there were beyond them.
    pub(super) fn finish(self) -> (Vec<Descriptor>, usize) {
        (self.kept.into_iter().flatten().collect(), self.dropped)
    }
}

fn rank(wanted: Wanted, descriptor: &Descriptor) -> Option<usize> {
    let kind = descriptor.artifact_type.as_deref().unwrap_or_default();
    if UNTOLD.contains(&kind) {
        return Some(1);
    }
    match wanted {
        Wanted::Cosign if kind.starts_with(BUNDLES) => {
            let signature = descriptor.annotations.get(PREDICATE).is_none_or(|kind| kind == SIGNATURE);
            Some(if signature { 0 } else { 2 })
        }
        Wanted::Notation if kind == NOTATION => Some(0),
        Wanted::Cosign | Wanted::Notation => None,
    }
}

/// Whether a media type is that of signatures beside an artifact: Cosign's bundles of any version, or Notation's.
pub fn is_signature(media_type: &str) -> bool {
    media_type.starts_with(BUNDLES) || media_type == NOTATION
}
