//! Pushing an artifact in the fewest requests that are portable.
//!
//! New layer: HEAD, POST and PUT of the layer, POST and PUT of the config beside it, PUT of the manifest: six.
//! Known layer: HEAD, PUT of the manifest: two. The config is a constant, so a repository that has the layer has it
//! too; where that is wrong the registry says so, and what it misses is sent then.

use std::sync::Arc;

use bytes::Bytes;
use oci_artifact::{
    manifest::{CONFIG_BYTES, Descriptor, OCI_MANIFEST, config_descriptor},
    name::{Digest, Target},
};

use crate::{client::RepositoryClient, error::Error, source::BlobSource, upload::Uploaded};

/// An artifact that is ready to be sent.
#[derive(Clone)]
pub struct Artifact {
    /// The content layer.
    pub layer: Descriptor,
    /// Its bytes.
    pub content: Arc<dyn BlobSource>,
    /// The exact bytes of the manifest.
    pub manifest: Bytes,
}

/// What a push did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// Digest of the manifest.
    pub digest: Digest,
    /// Whether the layer had to be sent.
    pub layer: Uploaded,
}

impl RepositoryClient {
    /// Stores an artifact under each of `targets`; blobs first, the manifest when they are there.
    pub async fn push(&self, artifact: &Artifact, targets: &[Target]) -> Result<Pushed, Error> {
        let layer = if self.has_blob(&artifact.layer.digest).await? {
            Uploaded::Present
        } else {
            let content = Arc::clone(&artifact.content);
            let (layer, config) = tokio::join!(self.upload(&artifact.layer, content), self.upload_config());
            config?;
            layer?
        };
        let mut targets = targets.iter();
        if let Some(first) = targets.next() {
            match self.put(artifact, first).await {
                Err(error) if layer == Uploaded::Present && error.is_blob_unknown() => {
                    self.send_missing(artifact, first).await?;
                }
                done => done?,
            }
        }
        for target in targets {
            self.put(artifact, target).await?;
        }
        Ok(Pushed { digest: Digest::of(&artifact.manifest), layer })
    }

    /// The registry misses a blob: the config first, and the layer only if that was not all.
    async fn send_missing(&self, artifact: &Artifact, target: &Target) -> Result<(), Error> {
        self.upload_config().await?;
        match self.put(artifact, target).await {
            Err(error) if error.is_blob_unknown() => {
                self.upload(&artifact.layer, Arc::clone(&artifact.content)).await?;
                self.put(artifact, target).await
            }
            done => done,
        }
    }

    async fn put(&self, artifact: &Artifact, target: &Target) -> Result<(), Error> {
        self.put_manifest(target, OCI_MANIFEST, artifact.manifest.clone()).await.map(drop)
    }

    async fn upload_config(&self) -> Result<Uploaded, Error> {
        self.upload(&config_descriptor(), Arc::new(Bytes::from_static(CONFIG_BYTES))).await
    }
}
