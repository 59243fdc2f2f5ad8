//! A bucket as a storage.
//!
//! ```text
//!  publish ─► draft ─► PUT ocirepository/<namespace>/<name>/sha256:<hex>-<digest of the content>.tar.gz ◄─ keep: retention
//!                        │                                   ▲                                                      │
//!                     [ Index ] ◄─ lead: list, and every few minutes                                             DELETE
//!                                                            │
//!  serve ─► [ Cache ] ◄──────────── fetch: GET, digest of the whole compared with the name
//! ```
//!
//! The name of a file has the digest of its content, so that whoever reads it needs nobody's word for what should be in
//! it, and writing it twice changes nothing. Every process serves; only the one that leads has an index, writes and removes.

mod cache;
mod claim;
mod client;
mod error;
mod fetch;
mod keep;
mod open;
mod site;
mod write;

use std::{
    collections::HashSet,
    fmt,
    fs::File,
    hash::{BuildHasher, RandomState},
    sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use jiff::Timestamp;
use oci_artifact::{Classify as _, name::Digest};
use oci_crds::v1::Artifact;
use oci_decide::Stored;
use oci_source::store::{Content, Owner, PublishFuture, Store, StoreError};
use tempfile::NamedTempFile;
use tokio::{
    sync::{Mutex, MutexGuard, Semaphore, watch},
    time::Instant,
};

use self::{cache::Cache, client::Client, fetch::Flights};
pub use self::{
    claim::ClaimError,
    error::BucketError,
    open::{BucketOptions, OpenBucketError, Surroundings},
};
use super::{
    KIND, StorageStats,
    counters::Counters,
    due::Due,
    error::Attempt as _,
    index::{Index, Item},
    local::DRAFTS,
    lost::Lost,
    names,
};

/// Owners are spread over this many locks; a power of two.
const TURNS: usize = 256;
/// The first pause between two tries to reach a bucket; doubled up to the longest.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Whether this process may write, asked right before it does.
type Fence = Arc<dyn Fn() -> bool + Send + Sync>;

/// A bucket as a storage. A clone is the same storage.
#[derive(Clone)]
pub struct Bucket(Arc<Inner>);

struct Inner {
    client: Client,
    cache: Arc<Cache>,
    flights: Flights,
    downloads: Semaphore,
    options: BucketOptions,
    now: fn() -> Timestamp,
    /// What is in the bucket, while this process leads.
    index: RwLock<Index<Blob>>,
    fence: OnceLock<Fence>,
    /// One at a time changes what an owner has.
    turns: Vec<Mutex<()>>,
    spread: RandomState,
    due: Due,
    lost: Lost,
    counters: Counters,
    /// Held until the process ends.
    _lock: File,
}

/// A file of the bucket.
#[derive(Debug)]
struct Blob {
    digest: Digest,
    size: u64,
    /// When it was written, in seconds since 1970.
    modified: i64,
    /// When we heard of it.
    since: Instant,
}

impl Item for Blob {
    fn digest(&self) -> &Digest {
        &self.digest
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn modified(&self) -> i64 {
        self.modified
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("place", &self.0.options.place).finish_non_exhaustive()
    }
}

impl Bucket {
    /// Waits until the bucket lets us look into it.
    pub async fn reach(&self) {
        self.patiently("the bucket cannot be reached, trying again", || self.0.client.probe()).await;
    }

    /// Begins to lead: waits until the bucket has told what is in it. `fence` says whether we may still write.
    pub async fn lead(&self, fence: impl Fn() -> bool + Send + Sync + 'static) {
        let files = self
            .patiently("the bucket cannot be listed, trying again", || self.0.client.list(KIND_FOLDER))
            .await;
        let mut index = Index::default();
        for file in &files {
            if let Some((key, name, blob)) = blob(file) {
                index.insert(key, name, Arc::new(blob));
            }
        }
        index.guess_newest();
        let (files, bytes) = index.totals();
        tracing::info!(files, bytes, place = %self.0.options.place, "the bucket is listed");
        *self.0.index_mut() = index;
        let _ = self.0.fence.set(Arc::new(fence));
    }

    async fn patiently<T, F>(&self, message: &'static str, attempt: impl Fn() -> F) -> T
    where
        F: Future<Output = Result<T, BucketError>>,
    {
        let (mut told, mut pause) = (String::new(), PAUSE);
        loop {
            let error = match attempt().await {
                Ok(done) => return done,
                Err(error) => error,
            };
            if told != error.to_string() {
                told = error.to_string();
                tracing::error!(%error, hint = error.hint(), "{message}");
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Why the bucket does not answer, if it does not.
    pub fn trouble(&self) -> Option<String> {
        self.0.client.trouble()
    }

    pub(super) fn stats(&self) -> StorageStats {
        self.0.counters.stats(self.0.index().totals())
    }

    /// By the list and by what was written since: no request.
    pub(super) fn look(&self, owner: &Owner, artifact: &Artifact) -> Stored {
        let Ok(key) = names::key(owner) else {
            return Stored::Missing;
        };
        let Some(name) = names::below(&artifact.path, &key) else {
            return Stored::Missing;
        };
        let size = self.0.index().file(&key, name).map(|entry| entry.inode.size);
        let promised = names::content(name).is_some_and(|digest| digest.to_string() == artifact.digest);
        let as_long = artifact.size.is_none_or(|promised| u64::try_from(promised).ok() == size);
        if size.is_none() || !promised || !as_long {
            return Stored::Missing;
        }
        self.named(owner, &artifact.path);
        Stored::Whole
    }

    pub(super) fn named(&self, owner: &Owner, path: &str) {
        let Ok(key) = names::key(owner) else {
            return;
        };
        let Some(name) = names::below(path, &key) else {
            return;
        };
        let now = Instant::now();
        if self.0.index_mut().name(&key, name, now) {
            self.0.due.plan(&key, now);
        }
    }

    pub(super) async fn forget(&self, owner: &Owner) -> Result<(), StoreError> {
        Ok(self.0.forget(&names::key(owner)?).await?)
    }

    pub(super) fn strangers(&self, live: &HashSet<Owner>) -> Vec<Owner> {
        let owners = self.0.index().keys();
        owners.iter().filter_map(|key| names::owner(key)).filter(|owner| !live.contains(owner)).collect()
    }

    pub(super) async fn lost(&self) -> Vec<Owner> {
        self.0.lost.next().await
    }

    pub(super) async fn keep(self, leading: watch::Receiver<bool>) {
        keep::keep(&self.0, leading).await;
    }
}

/// What the keys of all files begin with, below the prefix.
const KIND_FOLDER: &str = "ocirepository/";

/// A file of a list: its owner, its name, and itself. `None` if it is nothing of ours.
fn blob(listed: &site::Listed) -> Option<(&str, &str, Blob)> {
    let (key, name) = listed.key.strip_prefix(KIND_FOLDER)?.rsplit_once('/')?;
    names::key(&names::owner(key)?).ok()?;
    let digest = names::content(name)?;
    let blob = Blob { digest, size: listed.size, modified: listed.modified, since: Instant::now() };
    Some((key, name, blob))
}

impl Store for Bucket {
    fn draft(&self) -> Result<NamedTempFile, StoreError> {
        self.0.draft()
    }

    fn publish<'a>(
        &'a self,
        owner: &'a Owner,
        draft: NamedTempFile,
        content: &'a Content,
    ) -> PublishFuture<'a> {
        Box::pin(async move {
            let key = names::key(owner)?;
            Ok(self.0.publish(&key, draft, content).await?)
        })
    }
}

impl Inner {
    fn index(&self) -> RwLockReadGuard<'_, Index<Blob>> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn index_mut(&self) -> RwLockWriteGuard<'_, Index<Blob>> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this process leads, and may write.
    fn leads(&self) -> bool {
        self.fence.get().is_some_and(|fence| fence())
    }

    /// Waits until nobody else changes what this owner has.
    async fn turn(&self, key: &str) -> Option<MutexGuard<'_, ()>> {
        let at = usize::try_from(self.spread.hash_one(key) & (TURNS as u64 - 1)).unwrap_or_default();
        Some(self.turns.get(at)?.lock().await)
    }

    fn draft(&self) -> Result<NamedTempFile, StoreError> {
        let drafts = self.options.root.join(DRAFTS);
        NamedTempFile::new_in(&drafts).attempt(|| format!("creating a file in {}", drafts.display()))
    }

    /// The key of a file in the bucket, below the prefix.
    fn object(path: &str) -> String {
        format!("{KIND}/{path}")
    }
}
