//! What a registry has beside an artifact: the one place that asks.
//!
//! ```text
//! referrers API, else the tag `sha256-<hex>`  ──► a manifest each ──► its layer: a bundle, an envelope of Notation
//! the tag `sha256-<hex>.sig`                  ──► a manifest      ──► its layers: legacy signatures
//! ```
//!
//! Only a 404 means that there is nothing. Everything else that goes wrong is told as what could not be looked at, and
//! does not keep the rest from being looked at. A list is a hint: what counts is the manifest that its digest leads to.

mod candidates;
mod legacy;
mod referrers;

pub use candidates::is_signature;
use jiff::Timestamp;
use oci_artifact::{
    Class, Classify as _,
    limits::{SIGNATURE_BYTES, SIGNATURES},
    manifest::Descriptor,
    name::Digest,
};
use oci_registry::{Error, RepositoryClient};

use crate::{
    About, Blob, Format, Found, Material, Missed, Part, Policy, Reason, Refusal, Verdict, reason::excerpt,
    verify,
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
    Search::new(client, artifact, &mut |_| false).run(wanted).await.0
}

/// Whether the policy has a signature of the artifact in a registry. Fetches no more than it takes to find one: a bundle
/// takes three requests, and legacy signatures are looked for only where no bundle counts.
pub async fn judge(client: &RepositoryClient, policy: &Policy, artifact: &Digest, now: Timestamp) -> Verdict {
    ask(client, policy, artifact, now).await.verdict
}

/// What [`ask`] came to.
#[derive(Debug)]
pub struct Asked {
    /// The same as of [`judge`].
    pub verdict: Verdict,
    /// Whether the registry could be asked; nothing where it was not.
    pub answer: Option<Result<(), Error>>,
}

/// [`judge`], for who must know whether the registry answers.
pub async fn ask(client: &RepositoryClient, policy: &Policy, artifact: &Digest, now: Timestamp) -> Asked {
    // A policy that nobody can fulfil needs no signatures to say so.
    let without = verify(policy, artifact, &Material::default(), now);
    if without != Verdict::NotSigned {
        return Asked { verdict: without, answer: None };
    }
    let mut counts = |one: &Material| matches!(verify(policy, artifact, one, now), Verdict::Verified(_));
    let (found, failed) = Search::new(client, artifact, &mut counts).run(Wanted::Cosign).await;
    Asked { verdict: verify(policy, artifact, &found, now), answer: Some(failed.map_or(Ok(()), Err)) }
}

/// A search under way.
struct Search<'a> {
    client: &'a RepositoryClient,
    artifact: &'a Digest,
    /// Whether this one signature is all that was looked for.
    enough: &'a mut (dyn FnMut(&Material) -> bool + Send),
    found: Material,
    /// How many more may be fetched.
    left: usize,
    /// Why the last list of signatures was not to be had.
    failed: Option<Error>,
}

impl<'a> Search<'a> {
    fn new(
        client: &'a RepositoryClient,
        artifact: &'a Digest,
        enough: &'a mut (dyn FnMut(&Material) -> bool + Send),
    ) -> Self {
        Self { client, artifact, enough, found: Material::default(), left: SIGNATURES, failed: None }
    }

    /// What was found, and why the last list was not to be had.
    async fn run(mut self, wanted: Wanted) -> (Material, Option<Error>) {
        let done = self.by_referrers(wanted).await;
        if !done && wanted == Wanted::Cosign {
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

/// Why something could not be looked at, and how long to wait.
fn told(error: &Error) -> (String, Option<std::time::Duration>) {
    let after = match error.class() {
        Class::Retry { after } => after,
        Class::Terminal | Class::Denied | Class::Conflict => None,
    };
    (excerpt(&error.to_string()), after)
}
