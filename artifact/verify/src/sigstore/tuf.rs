//! Newer trust roots by The Update Framework: a chain of signed files that leads from an anchor to `trusted_root.json`.
//!
//! ```text
//! anchor ─► N.root.json … ─► timestamp.json ─► snapshot.json ─► targets.json ─► trusted_root.json
//!           keys and        ≤ some days old,   no version is    lengths and     parsed as any
//!           thresholds      never an older     ever lower       digests
//! ```
//!
//! Reaches no network, no disk and no clock: a [`Mirror`] fetches, and whoever asks keeps what [`Updates::saved`] says.

use std::{
    collections::BTreeMap,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use oci_artifact::limits::TRUSTED_ROOT_BYTES;
use serde::{Deserialize, Serialize};
use sigstore_tuf::{
    Error, MetadataStore, Repository, StoreRepository, TrustedMetadataSet, Updater, UpdaterConfig,
    transport::FetchFuture,
};

use crate::{TrustRoot, TrustRootError, reason::excerpt};

/// Where the public Sigstore has its repository.
pub const PUBLIC_MIRROR: &str = "https://tuf-repo-cdn.sigstore.dev";
/// The public Sigstore's anchor: version 16 of its `root.json`, of <https://github.com/sigstore/root-signing>
/// (Apache-2.0). An expired anchor still leads to newer ones.
pub const PUBLIC_ANCHOR: &[u8] = include_bytes!("tuf_root.json");
/// Bytes of what is kept between two processes.
pub const SAVED_BYTES: usize = 4 << 20;

/// What the chain leads to.
const TARGET: &str = "trusted_root.json";
/// Bytes of one `root.json`.
const ROOT_BYTES: u64 = 256 << 10;
/// Bytes of any other file of the chain.
const FILE_BYTES: u64 = TRUSTED_ROOT_BYTES as u64;
/// The beginning of the names of roots that were walked.
const WALKED: &str = "root_history/";

/// What a mirror answers: a file, nothing where there is none, or why it could not be found out.
pub type MirrorFuture<'a> = Pin<Box<dyn Future<Output = Result<Option<Vec<u8>>, String>> + Send + 'a>>;

/// Where the files of a repository are.
pub trait Mirror: Send + Sync {
    /// The file at a path below the repository. Refuses more than `limit` bytes, and never waits for ever.
    fn fetch<'a>(&'a self, path: &'a str, limit: u64) -> MirrorFuture<'a>;
}

/// Why there is no newer trust root.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TufError {
    /// A file could not be had.
    #[error("{0}")]
    Fetch(String),
    /// Nobody vouches for the file any more.
    #[error("`{role}` expired at {at}")]
    Expired {
        /// Which file.
        role: String,
        /// When.
        at: Timestamp,
    },
    /// An older file than one that was seen.
    #[error("`{role}` is of version {offered}, and version {known} was seen: somebody shows old files")]
    RolledBack {
        /// Which file.
        role: String,
        /// The version that was offered.
        offered: u64,
        /// The version that is known.
        known: u64,
    },
    /// Too few of those who must have signed it did.
    #[error("`{role}` has {found} good signatures, and {threshold} are needed")]
    Signatures {
        /// Which file.
        role: String,
        /// Good signatures.
        found: usize,
        /// How many are needed.
        threshold: usize,
    },
    /// A file is not the one that another one names.
    #[error("a file is not the one that is named: {0}")]
    Mismatch(String),
    /// A file is none.
    #[error("a file cannot be used: {0}")]
    Malformed(String),
    /// The chain holds, and what it leads to is of no use.
    #[error(transparent)]
    TrustRoot(#[from] TrustRootError),
    /// What was kept is nothing of ours.
    #[error("what was kept is damaged: {0}")]
    Saved(String),
}

/// A trust root that the chain led to.
#[derive(Clone, Debug)]
pub struct Updated {
    /// The trust root.
    pub root: Arc<TrustRoot>,
    /// When the whole chain held.
    pub at: Timestamp,
}

/// A repository, and what is known of it.
pub struct Updates {
    anchor: Vec<u8>,
    files: Files,
    at: Option<Timestamp>,
}

/// The files of the chain, by their names.
type Files = BTreeMap<String, String>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    /// Seconds since 1970.
    at: i64,
    files: Files,
}

impl Updates {
    /// Begins at an anchor: a `root.json` that is trusted because the administrator says so.
    pub fn new(anchor: &[u8]) -> Result<Self, TufError> {
        if anchor.len() as u64 > ROOT_BYTES {
            return Err(TufError::Malformed(format!("it is larger than {ROOT_BYTES} bytes")));
        }
        TrustedMetadataSet::from_root(anchor).map_err(|error| fault(&error))?;
        Ok(Self { anchor: anchor.to_vec(), files: Files::new(), at: None })
    }

    /// Takes up what was kept. The whole chain is verified again, as of the time when it held: it proves that no newer
    /// one was seen, however long ago that was.
    pub async fn remember(&mut self, saved: &[u8]) -> Result<Updated, TufError> {
        let damaged = |why: &dyn fmt::Display| TufError::Saved(excerpt(&why.to_string()));
        if saved.len() > SAVED_BYTES {
            return Err(damaged(&format!("it is larger than {SAVED_BYTES} bytes")));
        }
        let Saved { at, files } = serde_json::from_slice(saved).map_err(|error| damaged(&error))?;
        let at = Timestamp::from_second(at).map_err(|error| damaged(&error))?;
        let store = Store::of(files);
        let root = self.follow(StoreRepository::new(store.clone()), &store, at).await?;
        self.files = store.take();
        self.at = Some(at);
        Ok(Updated { root, at })
    }

    /// Follows the chain from the anchor to the end, over what is known of it. If it does not hold, what is known
    /// stays, but for newer roots: whoever was shown one is never shown an older one.
    pub async fn refresh(&mut self, mirror: Arc<dyn Mirror>, now: Timestamp) -> Result<Updated, TufError> {
        let store = Store::of(self.files.clone());
        let followed = self.follow(Remote(mirror), &store, now).await;
        let seen = store.take();
        match followed {
            Ok(root) => {
                self.files = seen;
                self.at = Some(now);
                Ok(Updated { root, at: now })
            }
            Err(error) => {
                self.files.extend(seen.into_iter().filter(|(name, _)| name.starts_with(WALKED)));
                Err(error)
            }
        }
    }

    /// What is kept for the next process; nothing before the chain held once.
    pub fn saved(&self) -> Option<Vec<u8>> {
        let saved = Saved { at: self.at?.as_second(), files: self.files.clone() };
        serde_json::to_vec(&saved).ok()
    }

    async fn follow(
        &self,
        files: impl Repository + 'static,
        store: &Store,
        now: Timestamp,
    ) -> Result<Arc<TrustRoot>, TufError> {
        let mut limits = UpdaterConfig::default();
        limits.root_max_length = ROOT_BYTES;
        limits.snapshot_max_length = FILE_BYTES;
        limits.targets_max_length = FILE_BYTES;
        limits.target_max_length = FILE_BYTES;
        // The public Sigstore names its root at the top, and no delegate of it may.
        limits.max_delegations = 1;
        let updater = Updater::new(files, &self.anchor).map_err(|error| fault(&error))?;
        let mut updater = updater.with_config(limits).with_store(store.clone());
        updater.refresh(now).await.map_err(|error| fault(&error))?;
        let target = updater.get_target(TARGET, now).await.map_err(|error| fault(&error))?;
        Ok(Arc::new(TrustRoot::parse(&target)?))
    }
}

impl fmt::Debug for Updates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Updates")
            .field("files", &self.files.len())
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// What was verified of a chain, and nothing else.
#[derive(Clone, Debug)]
struct Store(Arc<Mutex<Files>>);

impl Store {
    fn of(files: Files) -> Self {
        Self(Arc::new(Mutex::new(files)))
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Files {
        std::mem::take(&mut self.files())
    }
}

impl MetadataStore for Store {
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.files().get(name).map(|text| text.as_bytes().to_vec()))
    }

    fn store(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let kept = ["timestamp.json", "snapshot.json", "targets.json", "targets/trusted_root.json"];
        // The same file also comes under the name that has its version.
        if (kept.contains(&name) || name.starts_with(WALKED))
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            self.files().insert(name.to_owned(), text.to_owned());
        }
        Ok(())
    }
}

/// A mirror as a repository.
struct Remote(Arc<dyn Mirror>);

impl Remote {
    async fn get(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        match self.0.fetch(path, limit).await {
            Ok(Some(bytes)) if bytes.len() as u64 > limit => {
                Err(Error::transport(format!("{path} is larger than {limit} bytes")))
            }
            Ok(bytes) => Ok(bytes),
            Err(why) => Err(Error::transport(why)),
        }
    }
}

impl Repository for Remote {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(self.get(name, max_length))
    }

    fn fetch_target<'a>(&'a self, path: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(async move { self.get(&format!("targets/{path}"), max_length).await })
    }
}

/// In the project's own words.
fn fault(error: &Error) -> TufError {
    match error {
        Error::Transport { message, .. } => TufError::Fetch(excerpt(message)),
        Error::Expired { role, expires } => TufError::Expired { role: excerpt(role), at: *expires },
        Error::Rollback { role, trusted, new } => {
            TufError::RolledBack { role: excerpt(role), offered: *new, known: *trusted }
        }
        Error::ThresholdNotMet { role, found, threshold } => {
            TufError::Signatures { role: excerpt(role), found: *found, threshold: *threshold }
        }
        Error::IntegrityMismatch(why) => TufError::Mismatch(excerpt(why)),
        other => TufError::Malformed(excerpt(&chain(other))),
    }
}

/// An error with what it comes from.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
