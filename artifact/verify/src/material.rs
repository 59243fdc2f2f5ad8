//! What was found beside an artifact, as it was fetched. All of it is hostile.

use std::{collections::BTreeMap, time::Duration};

use oci_artifact::name::Digest;

use crate::{Refusal, Rejected, Unavailable, Verdict};

/// The media type of a bundle's layer. Older bundles have others and are no signatures of ours.
pub const BUNDLE_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// The media type of a legacy signature's layer.
pub const LEGACY_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// Annotations of a legacy signature's layer.
pub mod annotation {
    /// The signature over the payload, base64.
    pub const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
    /// The signer's certificate, PEM.
    pub const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
    /// The certificates above it, PEM.
    pub const CHAIN: &str = "dev.sigstore.cosign/chain";
    /// The log's promise, JSON.
    pub const BUNDLE: &str = "dev.sigstore.cosign/bundle";
    /// An authority's timestamp over the signature, JSON.
    pub const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";
}

/// A layer that was fetched.
#[derive(Clone, Debug)]
pub struct Blob {
    /// The media type by its descriptor.
    pub media_type: String,
    /// The digest by its descriptor.
    pub digest: Digest,
    /// What came.
    pub bytes: Vec<u8>,
}

/// A signature of Cosign's old format: a payload, and everything else in the annotations of its layer.
#[derive(Clone, Debug)]
pub struct Legacy {
    /// The payload.
    pub payload: Blob,
    /// The annotations of its descriptor.
    pub annotations: BTreeMap<String, String>,
}

/// What looking came to. That there is nothing and that nobody could look are different things.
#[derive(Clone, Debug)]
pub enum Found<T> {
    /// These are there.
    Here(Vec<T>),
    /// It could not be found out.
    Unreachable {
        /// Why, for people.
        why: String,
        /// How long the registry asked to wait.
        after: Option<Duration>,
    },
}

impl<T> Default for Found<T> {
    fn default() -> Self {
        Self::Here(Vec::new())
    }
}

/// Something that is there and could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Why, for people.
    pub why: String,
    /// How long the registry asked to wait.
    pub after: Option<Duration>,
}

/// Everything that was found.
#[derive(Clone, Debug, Default)]
pub struct Material {
    /// Bundles, by the referrers of the artifact.
    pub bundles: Found<Blob>,
    /// Legacy signatures, by the tag `sha256-….sig`.
    pub legacy: Found<Legacy>,
    /// Envelopes of Notation, by the referrers of the artifact.
    pub notation: Found<Blob>,
    /// What is there as a signature and cannot be one by the way it is attached.
    pub refused: Vec<Refusal>,
    /// What is there and could not be fetched.
    pub missed: Vec<Missed>,
    /// Signatures that are there and were not even fetched.
    pub more: usize,
}

/// What could not be looked at.
#[derive(Default)]
pub(crate) struct Outages {
    why: Vec<String>,
    after: Option<Duration>,
}

impl Outages {
    /// What is there; notes it if nobody could look.
    pub(crate) fn here<'a, T>(&mut self, found: &'a Found<T>) -> &'a [T] {
        match found {
            Found::Here(found) => found,
            Found::Unreachable { why, after } => {
                self.note(why, *after);
                &[]
            }
        }
    }

    /// Notes what could not be fetched.
    pub(crate) fn missed(&mut self, missed: &[Missed]) {
        for Missed { why, after } in missed {
            self.note(why, *after);
        }
    }

    fn note(&mut self, why: &str, after: Option<Duration>) {
        self.why.push(why.to_owned());
        self.after = self.after.max(after);
    }

    /// What it comes to where no signature counts, or `nothing` is there. Without an answer neither is known.
    pub(crate) fn verdict(self, nothing: bool, rejected: Rejected) -> Verdict {
        let Self { why, after } = self;
        if !why.is_empty() {
            return Verdict::Unavailable(Unavailable { why, after, rejected });
        }
        if nothing { Verdict::NotSigned } else { Verdict::Rejected(rejected) }
    }
}
