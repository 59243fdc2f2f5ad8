//! Attaching a manifest to another one, so that it is among the referrers of that.
//!
//! OCI distribution-spec 1.1, "Pushing Manifests with Subject": a registry that has the API says so in its answer;
//! for all others the list behind the tag `<algorithm>-<hex>` is kept by whoever pushes.

use std::sync::Arc;

use bytes::Bytes;
use oci_artifact::{
    manifest::{Descriptor, Document, Index, OCI_INDEX, to_bytes},
    name::{Digest, Target},
};

use crate::{
    client::RepositoryClient,
    error::{Error, Fault},
    referrers::tag_of,
    upload::Uploaded,
};

/// Times the list behind the tag is written, when others write it at the same moment.
const TRIES: usize = 4;

/// A manifest that names a subject, and what it is made of.
#[derive(Clone, Debug)]
pub struct Referrer {
    /// The manifest as lists of referrers have it: with artifact type and annotations.
    pub descriptor: Descriptor,
    /// Its exact bytes.
    pub manifest: Bytes,
    /// Its blobs, config included.
    pub blobs: Vec<(Descriptor, Bytes)>,
}

/// How a registry knows a referrer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// By itself.
    Api,
    /// By a tag that was written.
    Tag,
}

impl RepositoryClient {
    /// Stores a manifest whose subject is `subject`, and its blobs.
    pub async fn attach(&self, subject: &Digest, referrer: &Referrer) -> Result<Listed, Error> {
        for (blob, bytes) in &referrer.blobs {
            self.upload_small(blob, bytes).await?;
        }
        let Descriptor { digest, media_type, .. } = &referrer.descriptor;
        let target = Target::Digest(digest.clone());
        let stored = self.store_manifest(&target, media_type, referrer.manifest.clone()).await?;
        if stored.subject.as_ref() == Some(subject) {
            return Ok(Listed::Api);
        }
        self.list_by_tag(subject, &referrer.descriptor).await?;
        Ok(Listed::Tag)
    }

    /// Sends a blob that is in memory, unless it is there.
    pub async fn upload_small(&self, blob: &Descriptor, bytes: &Bytes) -> Result<Uploaded, Error> {
        if self.has_blob(&blob.digest).await? {
            return Ok(Uploaded::Present);
        }
        self.upload(blob, Arc::new(bytes.clone())).await
    }

    /// Puts a referrer into the list behind the tag. Nothing locks that list, so it is read again afterwards.
    async fn list_by_tag(&self, subject: &Digest, referrer: &Descriptor) -> Result<(), Error> {
        let Some(tag) = tag_of(subject).map(Target::Tag) else { return Ok(()) };
        let mut index = self.list_behind(&tag).await?;
        for _ in 0..TRIES {
            if index.manifests.iter().any(|listed| listed.digest == referrer.digest) {
                return Ok(());
            }
            index.manifests.push(referrer.clone());
            self.put_manifest(&tag, OCI_INDEX, to_bytes(&index).into()).await?;
            index = self.list_behind(&tag).await?;
        }
        if index.manifests.iter().any(|listed| listed.digest == referrer.digest) {
            return Ok(());
        }
        let why = "others write the list of referrers at the same time".to_owned();
        Err(Fault::Protocol(why).during(format!("listing a referrer of {}@{subject}", self.repository())))
    }

    async fn list_behind(&self, tag: &Target) -> Result<Index, Error> {
        match self.manifest(tag).await {
            Ok(fetched) => match fetched.document {
                Document::Index(index) => Ok(index),
                Document::Manifest(_) => {
                    let why = "what is there is no list of referrers".to_owned();
                    Err(Fault::Protocol(why).during(format!("reading {}:{tag}", self.repository())))
                }
            },
            Err(error) if error.is_not_found() => Ok(Index::new(Vec::new())),
            Err(error) => Err(error),
        }
    }
}
