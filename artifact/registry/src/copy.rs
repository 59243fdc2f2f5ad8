//! Copying an artifact between registries and OCI layouts, bytes and digests unchanged.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oci_artifact::{
    archive::Control,
    limits,
    manifest::{Descriptor, Document, Manifest},
    name::{Digest, Tag, Target},
};

use crate::{
    client::RepositoryClient,
    error::{Error, Fault},
    layout::Layout,
    manifests::Fetched,
    source::{BlobSource, ByteStream, Opening},
    upload::Uploaded,
};

/// Indexes inside indexes; one level is usual.
const INDEX_DEPTH: usize = 8;

/// Where artifacts are: both ends of a copy.
#[derive(Clone)]
pub enum Place {
    /// A repository of a registry.
    Registry(RepositoryClient),
    /// A folder.
    Layout(Layout),
}

/// What a copy did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Digest of the manifest or index, the same on both sides.
    pub digest: Digest,
    /// Media type of it.
    pub media_type: String,
    /// Manifests stored, children of an index included.
    pub manifests: usize,
    /// Blobs that were there before.
    pub present: usize,
    /// Blobs that the registry took over from another of its repositories.
    pub mounted: usize,
    /// Blobs whose bytes were sent.
    pub sent: usize,
}

/// Copies the manifest `target` of `from`, everything that it names, and its tags.
///
/// Blobs that the destination has are not read, those in the same registry are mounted, all others are streamed, at
/// most `concurrency` at once. Children are stored before their parents, because a registry checks that what a
/// manifest names is there; the root comes last, under each of `tags`, or by digest if there is none.
pub async fn copy(
    from: &Place,
    target: &Target,
    to: &Place,
    tags: &[Tag],
    concurrency: usize,
    control: &Control,
) -> Result<Copied, Error> {
    let root = from.manifest(target).await?;
    let mut copied = Copied::of(root.digest.clone(), root.media_type.clone());
    copied.manifests = 1;
    let seen = BTreeSet::from([root.digest.clone()]);
    let mut run = Run { from, to, concurrency: concurrency.max(1), control, seen, copied };
    run.content(&root, 0).await?;
    to.put_manifest(&root, tags, true).await?;
    Ok(run.copied)
}

impl Copied {
    /// Nothing yet.
    pub(crate) fn of(digest: Digest, media_type: String) -> Self {
        Self { digest, media_type, manifests: 0, present: 0, mounted: 0, sent: 0 }
    }

    /// Counts what another copy did as well.
    pub fn add(&mut self, other: &Self) {
        self.manifests += other.manifests;
        self.present += other.present;
        self.mounted += other.mounted;
        self.sent += other.sent;
    }
}

/// One copy under way.
pub(crate) struct Run<'a> {
    pub(crate) from: &'a Place,
    pub(crate) to: &'a Place,
    pub(crate) concurrency: usize,
    pub(crate) control: &'a Control,
    pub(crate) seen: BTreeSet<Digest>,
    pub(crate) copied: Copied,
}

impl Run<'_> {
    /// Everything that a manifest or index names, but not the document itself. One manifest is held per depth.
    pub(crate) async fn content(&mut self, parent: &Fetched, depth: usize) -> Result<(), Error> {
        let index = match &parent.document {
            Document::Manifest(manifest) => return self.blobs(manifest).await,
            Document::Index(index) => index,
        };
        if depth == INDEX_DEPTH {
            let fault = Fault::Protocol(format!("indexes are nested more than {INDEX_DEPTH} deep"));
            return Err(fault.during("copying"));
        }
        for child in &index.manifests {
            if !self.seen.insert(child.digest.clone()) {
                continue;
            }
            if self.seen.len() > limits::INDEX_MANIFESTS {
                return Err(Fault::Protocol("the index has too many manifests".into()).during("copying"));
            }
            let child = self.from.manifest(&Target::Digest(child.digest.clone())).await?;
            Box::pin(self.content(&child, depth + 1)).await?;
            self.to.put_manifest(&child, &[], false).await?;
            self.copied.manifests += 1;
        }
        Ok(())
    }

    async fn blobs(&mut self, manifest: &Manifest) -> Result<(), Error> {
        let mut unique = BTreeSet::new();
        let all = manifest.layers.iter().chain([&manifest.config]);
        let blobs: Vec<&Descriptor> = all.filter(|blob| unique.insert(&blob.digest)).collect();
        let (from, to, control) = (self.from, self.to, self.control);
        let moved: Vec<Uploaded> = stream::iter(blobs)
            .map(|blob| copy_blob(from, blob, to, control))
            .buffer_unordered(self.concurrency)
            .try_collect()
            .await?;
        for how in moved {
            match how {
                Uploaded::Present => self.copied.present += 1,
                Uploaded::Mounted => self.copied.mounted += 1,
                Uploaded::Sent => self.copied.sent += 1,
            }
        }
        Ok(())
    }
}

async fn copy_blob(
    from: &Place,
    blob: &Descriptor,
    to: &Place,
    control: &Control,
) -> Result<Uploaded, Error> {
    if to.has_blob(blob).await? {
        return Ok(Uploaded::Present);
    }
    if let (Place::Registry(source), Place::Registry(sink)) = (from, to)
        && sink.mount(blob, source.repository()).await?
    {
        return Ok(Uploaded::Mounted);
    }
    let source: Arc<dyn BlobSource> = match from {
        Place::Registry(client) => {
            Arc::new(RemoteBlob { client: client.clone(), blob: blob.clone(), control: control.clone() })
        }
        Place::Layout(layout) => Arc::new(layout.blob(blob)?),
    };
    match to {
        Place::Registry(sink) => sink.upload(blob, source).await,
        Place::Layout(layout) => layout.put_blob(blob, &*source).await.map(|()| Uploaded::Sent),
    }
}

impl Place {
    /// A manifest or index with its bytes.
    pub async fn manifest(&self, target: &Target) -> Result<Fetched, Error> {
        match self {
            Self::Registry(client) => client.manifest(target).await,
            Self::Layout(layout) => layout.manifest(target),
        }
    }

    async fn has_blob(&self, blob: &Descriptor) -> Result<bool, Error> {
        match self {
            Self::Registry(client) => client.has_blob(&blob.digest).await,
            Self::Layout(layout) => Ok(layout.has_blob(blob)),
        }
    }

    async fn put_manifest(&self, manifest: &Fetched, tags: &[Tag], listed: bool) -> Result<(), Error> {
        let client = match self {
            Self::Registry(client) => client,
            Self::Layout(layout) => return layout.put_manifest(manifest, tags, listed).await,
        };
        let by_digest = [Target::Digest(manifest.digest.clone())];
        let by_tag: Vec<Target> = tags.iter().cloned().map(Target::Tag).collect();
        for target in if by_tag.is_empty() { &by_digest[..] } else { &by_tag[..] } {
            client.put_manifest(target, &manifest.media_type, manifest.bytes.clone()).await?;
        }
        Ok(())
    }
}

/// A blob of a registry as the source of an upload: fetched again if the upload is repeated.
struct RemoteBlob {
    client: RepositoryClient,
    blob: Descriptor,
    control: Control,
}

impl BlobSource for RemoteBlob {
    fn size(&self) -> u64 {
        self.blob.size
    }

    fn open(&self) -> Opening<'_> {
        Box::pin(async move {
            let control = self.control.clone();
            let stream = self.client.blob_stream(&self.blob).await?;
            Ok(Box::pin(stream.inspect_ok(move |chunk| control.add(chunk.len() as u64))) as ByteStream)
        })
    }
}
