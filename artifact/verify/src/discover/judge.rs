//! Whether an artifact of a registry is signed as it should be: one call for every format.

use jiff::Timestamp;
use oci_artifact::{
    manifest::Descriptor,
    name::{Digest, Target},
};
use oci_registry::{Error, Fetched, RepositoryClient};

use super::{Wanted, search, unavailable};
use crate::{Material, NotationPolicy, Policy, Verdict, verify, verify_notation};

/// Whose signature counts, of whichever format.
#[derive(Clone, Debug)]
pub enum AnyPolicy {
    /// One of Cosign's.
    Cosign(Policy),
    /// One of Notation's.
    Notation(Box<NotationPolicy>),
}

impl From<Policy> for AnyPolicy {
    fn from(policy: Policy) -> Self {
        Self::Cosign(policy)
    }
}

impl From<NotationPolicy> for AnyPolicy {
    fn from(policy: NotationPolicy) -> Self {
        Self::Notation(Box::new(policy))
    }
}

/// An artifact that is asked about: its digest, and its manifest once that was fetched.
#[derive(Clone, Debug)]
pub struct Artifact {
    digest: Digest,
    manifest: Option<Fetched>,
}

impl Artifact {
    /// Of which no more than the digest is known.
    pub fn new(digest: Digest) -> Self {
        Self { digest, manifest: None }
    }

    /// The digest.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The manifest, if it was fetched.
    pub fn into_manifest(self) -> Option<Fetched> {
        self.manifest
    }

    /// What points to it.
    async fn descriptor(&mut self, client: &RepositoryClient) -> Result<Descriptor, Error> {
        let fetched = match self.manifest.take() {
            Some(known) => known,
            None => client.manifest(&Target::Digest(self.digest.clone())).await?,
        };
        Ok(self.manifest.insert(fetched).descriptor())
    }
}

impl From<Fetched> for Artifact {
    fn from(fetched: Fetched) -> Self {
        Self { digest: fetched.digest.clone(), manifest: Some(fetched) }
    }
}

/// Whether the policy has a signature of the artifact in a registry. Fetches no more than it takes to find one.
///
/// A bundle takes three requests, and legacy signatures are looked for only where no bundle counts. A signature of Notation
/// takes three as well, and the artifact's manifest, of which Notation signs media type and size: it is fetched here
/// unless it is known, and is then kept in `artifact`.
pub async fn judge(
    client: &RepositoryClient,
    policy: &AnyPolicy,
    artifact: &mut Artifact,
    now: Timestamp,
) -> Verdict {
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

impl Asked {
    /// No signature was needed to know.
    fn nobody(verdict: Verdict) -> Self {
        Self { verdict, answer: None }
    }
}

/// [`judge`], for who must know whether the registry answers.
pub async fn ask(
    client: &RepositoryClient,
    policy: &AnyPolicy,
    artifact: &mut Artifact,
    now: Timestamp,
) -> Asked {
    match policy {
        AnyPolicy::Cosign(policy) => cosign(client, policy, artifact.digest(), now).await,
        AnyPolicy::Notation(policy) => notation(client, policy, artifact, now).await,
    }
}

async fn cosign(client: &RepositoryClient, policy: &Policy, artifact: &Digest, now: Timestamp) -> Asked {
    // A policy that nobody can fulfil needs no signatures to say so.
    let without = verify(policy, artifact, &Material::default(), now);
    if without != Verdict::NotSigned {
        return Asked::nobody(without);
    }
    let mut counts = |one: &Material| matches!(verify(policy, artifact, one, now), Verdict::Verified(_));
    let (found, failed) = search(client, artifact, Wanted::Cosign, &mut counts).await;
    Asked { verdict: verify(policy, artifact, &found, now), answer: Some(failed.map_or(Ok(()), Err)) }
}

async fn notation(
    client: &RepositoryClient,
    policy: &NotationPolicy,
    artifact: &mut Artifact,
    now: Timestamp,
) -> Asked {
    let repository = client.repository();
    if let Some(verdict) = policy.without_signatures(repository) {
        return Asked::nobody(verdict);
    }
    let descriptor = match artifact.descriptor(client).await {
        Ok(descriptor) => descriptor,
        Err(error) => return Asked { verdict: unavailable(&error), answer: Some(Err(error)) },
    };
    let verify = |material: &Material| verify_notation(policy, repository, &descriptor, material, now);
    let mut counts = |one: &Material| matches!(verify(one), Verdict::Verified(_));
    let (found, failed) = search(client, &artifact.digest, Wanted::Notation, &mut counts).await;
    Asked { verdict: verify(&found), answer: Some(failed.map_or(Ok(()), Err)) }
}
