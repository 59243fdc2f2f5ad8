//! A folder of a volume as a storage.

mod keep;
mod look;
mod publish;
mod remove;
mod scan;

use std::{
    collections::HashSet,
    fs::{self, DirBuilder, File, OpenOptions},
    hash::{BuildHasher, RandomState},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use jiff::Timestamp;
use oci_artifact::name::{Algorithm, Digest};
use oci_crds::v1::Artifact;
use oci_decide::{Stored, retention::Policy};
use oci_source::store::{Content, Owner, PublishFuture, Store, StoreError};
use tempfile::NamedTempFile;
use tokio::sync::watch;

pub use scan::Scan;

use super::{
    Found, KIND, LATEST, OpenError, StorageStats,
    counters::Counters,
    due::Due,
    error::Attempt,
    file::Inode,
    index::{Index, Item},
    lost::Lost,
    names,
};

/// Files that nobody sees yet.
pub(super) const DRAFTS: &str = ".drafts";
/// Who holds this file works on the volume.
const LOCK: &str = ".oci-controller.lock";
/// Owners are spread over this many locks; a power of two.
const TURNS: usize = 1024;

/// How a storage works.
#[derive(Clone, Copy, Debug)]
pub struct StorageOptions {
    /// Which files are kept beside the newest one.
    pub retention: Policy,
    /// The algorithm of the files' digests.
    pub algorithm: Algorithm,
    /// How often every file is read again in the background, and its digest compared.
    pub check_every: Duration,
    /// Bytes per second that are read for that.
    pub check_rate: u64,
}

impl Default for StorageOptions {
    /// Flux's retention; everything is read once a day, at 16 MiB a second.
    fn default() -> Self {
        Self {
            retention: Policy { ttl: Duration::from_mins(1), records: 2 },
            algorithm: Algorithm::Sha256,
            check_every: Duration::from_hours(24),
            check_rate: 16 << 20,
        }
    }
}

/// A folder of a volume as a storage. A clone is the same storage.
#[derive(Clone, Debug)]
pub struct Local(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    options: StorageOptions,
    now: fn() -> Timestamp,
    index: RwLock<Index<Inode>>,
    /// One at a time changes what an owner has.
    turns: Vec<Mutex<()>>,
    spread: RandomState,
    due: Due,
    lost: Lost,
    counters: Counters,
    scan: Scan,
    /// Held until the process ends.
    _lock: File,
}

impl Local {
    /// Opens the storage in `root`, which must exist and be writable: removes what was left half done, reads every
    /// file and computes its digest, on all cores. Blocks for as long as that takes.
    ///
    /// [`OpenError::InUse`] while another process has it open: try again later.
    pub fn open(root: &Path, options: StorageOptions, now: fn() -> Timestamp) -> Result<Self, OpenError> {
        let lock = lock(root)?;
        scan::clean(root)?;
        let (index, scan) = scan::scan(root, options.algorithm)?;
        Ok(Self(Arc::new(Inner {
            root: root.to_owned(),
            options,
            now,
            index: RwLock::new(index),
            turns: (0..TURNS).map(|_| Mutex::default()).collect(),
            spread: RandomState::new(),
            due: Due::default(),
            lost: Lost::default(),
            counters: Counters::default(),
            scan,
            _lock: lock,
        })))
    }

    /// What was found when it was opened.
    pub fn scan(&self) -> Scan {
        self.0.scan
    }

    /// Its figures at this moment.
    pub fn stats(&self) -> StorageStats {
        self.0.counters.stats(self.0.index().totals())
    }

    /// What the storage has of the artifact that a status names. Reads no bytes while the file is the one that was
    /// stored; what is not, is put away. Also tells the storage which file is needed: see [`Local::named`].
    pub async fn look(&self, owner: &Owner, artifact: &Artifact) -> Stored {
        let (owner, artifact) = (owner.clone(), artifact.clone());
        self.blocking(move |inner| inner.look(&owner, &artifact))
            .await
            .unwrap_or_else(|_| Stored::Damaged("looking at it was interrupted".to_owned()))
    }

    /// Tells that the status names this file from now on ([`Published::path`](oci_source::store::Published)): older
    /// ones are removed after the time of the retention, and not before, because clients follow the status.
    pub fn named(&self, owner: &Owner, path: &str) {
        if let Ok(key) = names::key(owner) {
            self.0.named(&key, path);
        }
    }

    /// Removes everything of an owner. Done as well if there is nothing.
    pub async fn forget(&self, owner: &Owner) -> Result<(), StoreError> {
        let key = names::key(owner)?;
        self.blocking(move |inner| inner.forget(&key)).await?
    }

    /// Who has files here, or a folder for them, but for `live`, in no order. For the time after a start, when all
    /// objects are known.
    pub async fn strangers(&self, live: &HashSet<Owner>) -> Result<Vec<Owner>, StoreError> {
        let mut owners = self.blocking(Inner::owners).await??;
        owners.retain(|owner| !live.contains(owner));
        Ok(owners)
    }

    /// Waits until files were found missing or damaged, and tells whose, in no order: by the daily check, by a request,
    /// or by a run of another owner with the same content. Their own runs find out what is to be done.
    pub async fn lost(&self) -> Vec<Owner> {
        self.0.lost.next().await
    }

    /// Removes superseded files when their time has come, and reads every file once in a while. Works only while
    /// `leading` is true. Ends when its future is dropped, or the sender of `leading`.
    pub async fn keep(self, leading: watch::Receiver<bool>) {
        keep::keep(self, leading).await;
    }

    /// A file that is served: `path` is `<namespace>/<name>/<file>`, or `latest.tar.gz` in the place of the file.
    pub(crate) fn find(&self, path: &str) -> Option<Found> {
        let (key, name) = path.rsplit_once('/')?;
        let index = self.0.index();
        let entry = if name == LATEST { index.newest(key) } else { index.file(key, name) }?;
        Some(Found { inode: Arc::clone(&entry.inode), name: Arc::clone(&entry.name), file: None })
    }

    /// Opens a file that was found under this path, if it is still the one that was stored. Blocks.
    pub(crate) fn open_found(&self, path: &str, found: &Found) -> io::Result<Option<File>> {
        let Some((key, _)) = path.rsplit_once('/') else {
            return Ok(None);
        };
        let opened = found.inode.open(&self.0.path(key, &found.name));
        if !matches!(opened, Ok(Some(_))) {
            self.0.counters.refused.add();
            self.0.lost.add(key);
        }
        opened
    }

    /// Runs what waits for the disk on a thread of its own. It goes on if the caller is dropped.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.map_err(io::Error::other).attempt(|| "work on the storage".to_owned())
    }
}

impl Item for Inode {
    fn digest(&self) -> &Digest {
        self.digest()
    }

    fn size(&self) -> u64 {
        self.size()
    }

    fn modified(&self) -> i64 {
        self.modified()
    }
}

impl Store for Local {
    fn draft(&self) -> Result<NamedTempFile, StoreError> {
        self.0.draft()
    }

    fn publish<'a>(
        &'a self,
        owner: &'a Owner,
        draft: NamedTempFile,
        content: &'a Content,
    ) -> PublishFuture<'a> {
        let (key, content) = (names::key(owner), content.clone());
        Box::pin(async move {
            let key = key?;
            self.blocking(move |inner| inner.publish(&key, draft, &content)).await?
        })
    }
}

impl Inner {
    fn index(&self) -> RwLockReadGuard<'_, Index<Inode>> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn index_mut(&self) -> RwLockWriteGuard<'_, Index<Inode>> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody else changes what this owner has. Taken before the lock of a file and that of the index,
    /// and never two at once.
    fn turn(&self, key: &str) -> Option<MutexGuard<'_, ()>> {
        let bits = usize::try_from(self.spread.hash_one(key) & (TURNS as u64 - 1)).unwrap_or_default();
        self.turns.get(bits).map(|turn| turn.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn folder(&self, key: &str) -> PathBuf {
        self.root.join(KIND).join(key)
    }

    fn path(&self, key: &str, name: &str) -> PathBuf {
        self.folder(key).join(name)
    }

    fn drafts(&self) -> PathBuf {
        self.root.join(DRAFTS)
    }

    fn draft(&self) -> Result<NamedTempFile, StoreError> {
        let drafts = self.drafts();
        let made = NamedTempFile::new_in(&drafts).or_else(|error| match error.kind() {
            // Somebody emptied the volume.
            io::ErrorKind::NotFound => make_folder(&drafts).and_then(|()| NamedTempFile::new_in(&drafts)),
            _ => Err(error),
        });
        made.attempt(|| format!("creating a file in {}", drafts.display()))
    }
}

/// A folder for nobody else. Done as well if it is there; fails if something else is.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Not through a link: it might lead out of the volume.
            let about = fs::symlink_metadata(path)?;
            if about.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
        }
        made => made,
    }
}

/// Takes the volume for this process.
pub(super) fn lock(root: &Path) -> Result<File, OpenError> {
    let path = root.join(LOCK);
    let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600).custom_flags(flags);
    let file =
        options.open(&path).attempt(|| format!("opening the storage by creating {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(OpenError::InUse { root: root.to_owned() }),
        Err(fs::TryLockError::Error(source)) => {
            Err(StoreError::Io { attempted: format!("locking {}", path.display()), source }.into())
        }
    }
}
