//! Files that come and go.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt as _;
use oci_artifact::name::{Algorithm, Digest, Hasher};
use oci_registry::{BlobSource, FileSource, Opening};
use oci_source::store::{Content, Published};
use tempfile::NamedTempFile;
use tokio::time::Instant;

use super::{
    Blob, Inner,
    error::{BucketError, Cause},
};
use crate::storage::{KIND, error::Attempt as _, names};

impl Inner {
    /// Makes a draft the newest file of an owner.
    pub(super) async fn publish(
        &self,
        key: &str,
        draft: NamedTempFile,
        content: &Content,
    ) -> Result<Published, BucketError> {
        let _turn = self.turn(key).await;
        let name = names::certain(&content.revision.digest, &content.digest);
        let path = format!("{key}/{name}");
        let attempted = || format!("storing {}{}", self.options.place, Self::object(&path));
        self.cache.fits(content.size).map_err(|cause| cause.during(attempted()))?;
        let newest = {
            let index = self.index();
            let newest = index.newest(key).filter(|entry| *entry.name == *name);
            newest.is_some_and(|entry| entry.inode.size == content.size)
        };
        if newest {
            self.counters.shared.add();
        } else {
            // Also if it is there, so that its time is that of the newest: that is how others know.
            self.upload(&path, &draft, content).await.map_err(|failed| match failed {
                Failed::Whole(error) => error,
                Failed::Cause(cause) => cause.during(attempted()),
            })?;
            let (modified, since) = ((self.now)().as_second(), Instant::now());
            let blob = Blob { digest: content.digest.clone(), size: content.size, modified, since };
            let mut index = self.index_mut();
            if index.file(key, &name).is_none_or(|entry| entry.inode.size != content.size) {
                index.insert(key, &name, Arc::new(blob));
            } else {
                index.replace(key, &name, Arc::new(blob));
            }
            index.renew(key, &name, Instant::now());
        }
        self.due.plan(key, Instant::now());
        self.keep_draft(&path, draft, content).await;
        Ok(Published { path: format!("{KIND}/{path}"), at: (self.now)() })
    }

    async fn upload(&self, path: &str, draft: &NamedTempFile, content: &Content) -> Result<(), Failed> {
        let object = Self::object(path);
        let file = draft.reopen().attempt(|| format!("reading {}", draft.path().display()));
        let file = file.map_err(|error| Cause::Scratch(Arc::new(error)))?;
        let algorithm = content.digest.algorithm();
        let source = Arc::new(Hashed::new(FileSource::new(file, content.size), algorithm));
        let sha256 = (algorithm == Algorithm::Sha256).then(|| content.digest.hex());
        if !self.leads() {
            return Err(Cause::NotLeading.into());
        }
        self.client.put(&object, Arc::clone(&source) as Arc<dyn BlobSource>, sha256).await?;
        // What was read and sent is what was checked before, and all of it has arrived.
        let sent = source.digest();
        let fault = if sent == content.digest {
            match self.client.size(&object).await? {
                Some(size) if size == content.size => return Ok(()),
                size => Cause::Damaged { got: format!("{} bytes", size.unwrap_or_default()) },
            }
        } else {
            Cause::digest(&sent)
        };
        if self.leads() {
            self.client.delete(&object).await?;
        }
        Err(fault.into())
    }

    /// Whoever asks for it next need not wait for the bucket. Without this it works as well.
    async fn keep_draft(&self, path: &str, draft: NamedTempFile, content: &Content) {
        let Ok(Ok(room)) =
            tokio::time::timeout(std::time::Duration::ZERO, self.cache.room(content.size)).await
        else {
            return;
        };
        let (cache, path, digest) = (Arc::clone(&self.cache), path.to_owned(), content.digest.clone());
        let kept = tokio::task::spawn_blocking(move || cache.keep(&path, draft, &digest, room)).await;
        if let Ok(Err(error)) = kept {
            tracing::debug!(%error, "a file that was stored is not kept");
        }
    }

    /// Removes everything of an owner that is known.
    pub(super) async fn forget(&self, key: &str) -> Result<(), BucketError> {
        let _turn = self.turn(key).await;
        self.due.forget(key);
        self.cache.forget_all(&format!("{key}/"));
        let names: Vec<_> = {
            let index = self.index();
            let files = index.folder(key).map(|folder| folder.files().iter());
            files.into_iter().flatten().map(|entry| Arc::clone(&entry.name)).collect()
        };
        for name in names {
            self.remove(key, &name).await?;
        }
        Ok(())
    }

    /// Removes a file, if we may.
    pub(super) async fn remove(&self, key: &str, name: &str) -> Result<(), BucketError> {
        let path = format!("{key}/{name}");
        let object = Self::object(&path);
        if !self.leads() {
            return Err(Cause::NotLeading.during(format!("removing {}{object}", self.options.place)));
        }
        self.client.delete(&object).await?;
        self.index_mut().remove(key, name);
        self.cache.forget(&path);
        Ok(())
    }
}

/// Why an upload failed.
enum Failed {
    Whole(BucketError),
    Cause(Cause),
}

impl From<BucketError> for Failed {
    fn from(error: BucketError) -> Self {
        Self::Whole(error)
    }
}

impl From<Cause> for Failed {
    fn from(cause: Cause) -> Self {
        Self::Cause(cause)
    }
}

/// A file whose bytes are hashed while they are sent.
struct Hashed {
    file: FileSource,
    algorithm: Algorithm,
    hasher: Arc<Mutex<Hasher>>,
}

impl Hashed {
    fn new(file: FileSource, algorithm: Algorithm) -> Self {
        Self { file, algorithm, hasher: Arc::new(Mutex::new(Hasher::new(algorithm))) }
    }

    /// Of the bytes that were sent last.
    fn digest(&self) -> Digest {
        let mut hasher = self.hasher.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *hasher, Hasher::new(self.algorithm)).finish()
    }
}

impl BlobSource for Hashed {
    fn size(&self) -> u64 {
        self.file.size()
    }

    fn open(&self) -> Opening<'_> {
        Box::pin(async {
            // From the start again.
            let _ = self.digest();
            let hasher = Arc::clone(&self.hasher);
            let seen =
                move |bytes: &Bytes| hasher.lock().unwrap_or_else(PoisonError::into_inner).update(bytes);
            let stream = self.file.open().await?;
            Ok(Box::pin(stream.inspect(move |item| item.iter().for_each(&seen))) as oci_registry::ByteStream)
        })
    }
}
