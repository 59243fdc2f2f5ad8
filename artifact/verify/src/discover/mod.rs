//! What a registry has beside an artifact: the one place that asks.
//!
//! ```text
//! referrers API, else the tag `sha256-<hex>`  ──► a manifest each ──► its layer: a bundle, an envelope of Notation
//! for Notation that tag as well               ──► likewise
//! the tag `sha256-<hex>.sig`                  ──► a manifest      ──► its layers: legacy signatures
//! ```
//!
//! Only a 404 means that there is nothing. Everything else that goes wrong is told as what could not be looked at, and
//! does not keep the rest from being looked at. A list is a hint: what counts is the manifest that its digest leads to.

mod candidates;
mod judge;
mod legacy;
mod referrers;

use std::collections::BTreeSet;

pub use candidates::is_signature;
pub use judge::{AnyPolicy, Artifact, Asked, ask, judge};
use oci_artifact::{
    Class, Classify as _,
    limits::{SIGNATURE_BYTES, SIGNATURES},
    manifest::Descriptor,
    name::Digest,
};
use oci_registry::{Error, RepositoryClient};

use crate::{
    About, Blob, Format, Found, Material, Missed, Part, Reason, Refusal, Rejected, Unavailable, Verdict,
    reason::excerpt,
};

/// Whose signatures are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Cosign's: bundles and legacy signatures.
    Cosign,
    /// Notation's envelopes.
    Notation,
}

/// Everything that a registry has, up to [`SIGNATURES`]; how many there are beyond them is told.
pub async fn discover(client: &RepositoryClient, artifact: &Digest, wanted: Wanted) -> Material {
    search(client, artifact, wanted, &mut |_| false).await.0
}

/// The same, up to the first signature that is `enough`, each given by itself; and why the last list was not to be had.
async fn search(
    client: &RepositoryClient,
    artifact: &Digest,
    wanted: Wanted,
    enough: &mut (dyn FnMut(&Material) -> bool + Send),
) -> (Material, Option<Error>) {
    let (left, seen, failed) = (SIGNATURES, BTreeSet::new(), None);
    Search { client, artifact, wanted, enough, found: Material::default(), left, seen, failed }.run().await
}

/// A search under way.
struct Search<'a> {
    client: &'a RepositoryClient,
    artifact: &'a Digest,
    wanted: Wanted,
    /// Whether this one signature is all that was looked for.
    enough: &'a mut (dyn FnMut(&Material) -> bool + Send),
    found: Material,
    /// How many more may be fetched.
    left: usize,
    /// Referrers that were looked at.
    seen: BTreeSet<Digest>,
    /// Why the last list of signatures was not to be had.
    failed: Option<Error>,
}

impl Search<'_> {
    async fn run(mut self) -> (Material, Option<Error>) {
        let done = self.by_referrers().await;
        if !done && self.wanted == Wanted::Cosign {
            self.failed = None;
            self.by_tag().await;
        }
        (self.found, self.failed)
    }

    /// Takes one from what may still be fetched; counts it as unseen where there is none.
    fn may_fetch(&mut self) -> bool {
        let Some(left) = self.left.checked_sub(1) else {
            self.found.more = self.found.more.saturating_add(1);
            return false;
        };
        self.left = left;
        true
    }

    /// A signature's layer; `None` if there is none to be had, which is noted.
    async fn layer(&mut self, layer: &Descriptor, format: Format) -> Option<Blob> {
        let limit = SIGNATURE_BYTES;
        if layer.size > limit as u64 {
            self.refuse(format, &layer.digest, Reason::TooLarge { part: Part::Signature, limit });
            return None;
        }
        match self.client.blob(layer, limit as u64).await {
            Ok(bytes) => Some(Blob {
                media_type: layer.media_type.clone(),
                digest: layer.digest.clone(),
                bytes: bytes.to_vec(),
            }),
            Err(error) => self.miss(&error),
        }
    }

    fn refuse(&mut self, format: Format, digest: &Digest, reason: Reason) {
        let about = About::Signature { format, digest: digest.clone() };
        self.found.refused.push(Refusal { about, reason });
    }

    /// Notes what could not be fetched; what is not there is nothing.
    fn miss<T>(&mut self, error: &Error) -> Option<T> {
        if !error.is_not_found() {
            let (why, after) = told(error);
            self.found.missed.push(Missed { why, after });
        }
        None
    }
}

/// Adds one more to what was found.
fn push<T>(found: &mut Found<T>, one: T) {
    match found {
        Found::Here(all) => all.push(one),
        Found::Unreachable { .. } => *found = Found::Here(vec![one]),
    }
}

fn unreachable<T>(error: &Error) -> Found<T> {
    let (why, after) = told(error);
    Found::Unreachable { why, after }
}

/// What is known where not even the artifact could be looked at.
fn unavailable(error: &Error) -> Verdict {
    let (why, after) = told(error);
    let rejected = Rejected { refused: Vec::new(), unseen: 0 };
    Verdict::Unavailable(Unavailable { why: vec![why], after, rejected })
}

/// Why something could not be looked at, and how long to wait.
fn told(error: &Error) -> (String, Option<std::time::Duration>) {
    let after = match error.class() {
        Class::Retry { after } => after,
        Class::Terminal | Class::Denied | Class::Conflict => None,
    };
    (excerpt(&error.to_string()), after)
}
