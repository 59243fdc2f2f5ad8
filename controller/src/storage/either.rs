//! A volume or a bucket, for everybody to whom that is the same.

use std::{collections::HashSet, fs::File, io, sync::Arc};

use oci_crds::v1::Artifact;
use oci_decide::Stored;
use oci_source::store::{Content, Owner, PublishFuture, Store, StoreError};
use tempfile::NamedTempFile;
use tokio::sync::watch;

use super::{Bucket, BucketError, Inode, Local, StorageStats};

/// Where artifacts are. A clone is the same storage.
#[derive(Clone, Debug)]
pub enum Storage {
    /// A folder of a volume.
    Local(Local),
    /// A bucket.
    Bucket(Bucket),
}

/// A file that is served.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The file.
    pub(crate) inode: Arc<Inode>,
    /// Its own name.
    pub(super) name: Arc<str>,
    /// Open already, where its name may go at any time.
    pub(super) file: Option<Arc<File>>,
}

impl Storage {
    /// Its figures at this moment.
    pub fn stats(&self) -> StorageStats {
        match self {
            Self::Local(local) => local.stats(),
            Self::Bucket(bucket) => bucket.stats(),
        }
    }

    /// What the storage has of the artifact that a status names: see [`Local::look`].
    pub async fn look(&self, owner: &Owner, artifact: &Artifact) -> Stored {
        match self {
            Self::Local(local) => local.look(owner, artifact).await,
            Self::Bucket(bucket) => bucket.look(owner, artifact),
        }
    }

    /// Tells that the status names this file from now on: see [`Local::named`].
    pub fn named(&self, owner: &Owner, path: &str) {
        match self {
            Self::Local(local) => local.named(owner, path),
            Self::Bucket(bucket) => bucket.named(owner, path),
        }
    }

    /// Removes everything of an owner. Done as well if there is nothing.
    pub async fn forget(&self, owner: &Owner) -> Result<(), StoreError> {
        match self {
            Self::Local(local) => local.forget(owner).await,
            Self::Bucket(bucket) => bucket.forget(owner).await,
        }
    }

    /// Who has files here, but for `live`: see [`Local::strangers`].
    pub async fn strangers(&self, live: &HashSet<Owner>) -> Result<Vec<Owner>, StoreError> {
        match self {
            Self::Local(local) => local.strangers(live).await,
            Self::Bucket(bucket) => Ok(bucket.strangers(live)),
        }
    }

    /// Waits until files were found missing or damaged, and tells whose: see [`Local::lost`].
    pub async fn lost(&self) -> Vec<Owner> {
        match self {
            Self::Local(local) => local.lost().await,
            Self::Bucket(bucket) => bucket.lost().await,
        }
    }

    /// Does what is done in the background while `leading` is true: see [`Local::keep`].
    pub async fn keep(self, leading: watch::Receiver<bool>) {
        match self {
            Self::Local(local) => local.keep(leading).await,
            Self::Bucket(bucket) => bucket.keep(leading).await,
        }
    }

    /// A file that is served: `path` is `<namespace>/<name>/<file>`, or `latest.tar.gz` in the place of the file.
    pub(crate) async fn find(&self, path: &str) -> Result<Option<Found>, BucketError> {
        match self {
            Self::Local(local) => Ok(local.find(path)),
            Self::Bucket(bucket) => bucket.find(path).await,
        }
    }

    /// Opens a file that was found under this path, if it is still the one that was stored. Blocks.
    pub(crate) fn open_found(&self, path: &str, found: &Found) -> io::Result<Option<Arc<File>>> {
        match (self, &found.file) {
            (_, Some(file)) => Ok(Some(Arc::clone(file))),
            (Self::Local(local), None) => Ok(local.open_found(path, found)?.map(Arc::new)),
            (Self::Bucket(_), None) => Ok(None),
        }
    }

    /// Whether the time at which a file was written says the same everywhere.
    pub(crate) fn has_times(&self) -> bool {
        matches!(self, Self::Local(_))
    }
}

impl Store for Storage {
    fn draft(&self) -> Result<NamedTempFile, StoreError> {
        match self {
            Self::Local(local) => local.draft(),
            Self::Bucket(bucket) => bucket.draft(),
        }
    }

    fn publish<'a>(
        &'a self,
        owner: &'a Owner,
        draft: NamedTempFile,
        content: &'a Content,
    ) -> PublishFuture<'a> {
        match self {
            Self::Local(local) => local.publish(owner, draft, content),
            Self::Bucket(bucket) => bucket.publish(owner, draft, content),
        }
    }
}
