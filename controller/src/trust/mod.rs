//! The trust root of signatures without keys, for objects that name none: built in, a file, or kept up to date by TUF.
//!
//! ```text
//! [ file | mirror ] ─► [ Keeper ] ─► [ CommonRoot ] ◄── runs read it
//!                          └─ what held last is kept beside the artifacts
//! ```
//!
//! No run ever waits for it, and none fails because of it: until there is another good root, the one before stays.

mod disk;
mod file;
mod mirror;
mod refresher;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use jiff::{Timestamp, civil::time, tz::TimeZone};
use oci_registry::Options;
use oci_verify::{
    CommonRoot, TrustRoot, TrustRootError,
    tuf::{PUBLIC_ANCHOR, TufError, Updates},
};
use reqwest::Url;
use tokio::sync::Mutex;

use self::{file::Watched, refresher::Refresher};
use crate::{
    args::{TrustArgs, TrustedRootFrom},
    observe::TrustMetrics,
};

/// Where the public Sigstore has its repository.
const PUBLIC_MIRROR: &str = oci_verify::tuf::PUBLIC_MIRROR;
/// How often a file is looked at.
const LOOK: Duration = Duration::from_secs(10);

/// Why the flags cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A file cannot be read.
    #[error("--{flag} {}: {source}", path.display())]
    File {
        /// The flag without its dashes.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is no trust root.
    #[error("--sigstore-trusted-root {}: {source}", path.display())]
    Root {
        /// The file.
        path: PathBuf,
        /// Why.
        source: TrustRootError,
    },
    /// A file is no anchor.
    #[error("--sigstore-tuf-root: {0}")]
    Anchor(TufError),
    /// The address that is used if none is given is none.
    #[error("--sigstore-tuf-mirror: it is no URL")]
    Mirror,
}

/// What the trust root is kept with.
#[derive(Clone)]
pub struct Surroundings {
    /// The folder of the storage.
    pub folder: PathBuf,
    /// User agent, proxies and pauses of requests.
    pub web: Options,
    /// Longest time for all requests of one refresh.
    pub patience: Duration,
    /// What is counted.
    pub metrics: Arc<TrustMetrics>,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// Keeps the trust root.
pub struct Keeper {
    root: CommonRoot,
    kind: Mutex<Kind>,
}

enum Kind {
    BuiltIn,
    File(Watched),
    Tuf(Box<Refresher>),
}

impl Keeper {
    /// Reads the files that the flags name, which must be right. Reaches no network.
    pub fn new(args: &TrustArgs, around: Surroundings) -> Result<Self, TrustError> {
        let metrics = Arc::clone(&around.metrics);
        let (root, kind) = match &args.sigstore_trusted_root {
            TrustedRootFrom::Embedded => (CommonRoot::default(), Kind::BuiltIn),
            TrustedRootFrom::File(path) => {
                let root = CommonRoot::awaited();
                let watched = Watched::begin(path.clone(), root.clone(), Arc::clone(&metrics))?;
                return Ok(Self { root, kind: Mutex::new(Kind::File(watched)) });
            }
            TrustedRootFrom::Tuf => {
                let default = || Url::parse(PUBLIC_MIRROR).map_err(|_| TrustError::Mirror);
                let mirror = args.sigstore_tuf_mirror.clone().map_or_else(default, Ok)?;
                // Whoever has an anchor of their own does not trust the public Sigstore: nobody is trusted until then.
                let (root, anchor) = match &args.sigstore_tuf_root {
                    None => (CommonRoot::default(), PUBLIC_ANCHOR.to_vec()),
                    Some(path) => (CommonRoot::awaited(), disk::anchor(path)?),
                };
                let updates = Updates::new(&anchor).map_err(TrustError::Anchor)?;
                let every = args.sigstore_refresh_interval;
                let refresher = Refresher::new(updates, mirror, every, root.clone(), around);
                (root, Kind::Tuf(Box::new(refresher)))
            }
        };
        if root.get().is_ok() {
            metrics.current_at(published());
        }
        Ok(Self { root, kind: Mutex::new(kind) })
    }

    /// The root, which changes as it is kept.
    pub fn root(&self) -> CommonRoot {
        self.root.clone()
    }

    /// Takes up what another process has left in the storage.
    pub async fn remember(&self) {
        if let Kind::Tuf(refresher) = &mut *self.kind.lock().await {
            refresher.remember().await;
        }
    }

    /// Looks for a newer root once; whether that went well.
    pub async fn renew(&self) -> bool {
        match &mut *self.kind.lock().await {
            Kind::BuiltIn => true,
            Kind::File(watched) => watched.look().await,
            Kind::Tuf(refresher) => refresher.refresh().await,
        }
    }

    /// Looks for newer roots for as long as it is polled.
    pub async fn keep(&self) {
        match &mut *self.kind.lock().await {
            Kind::BuiltIn => std::future::pending().await,
            Kind::File(watched) => watched.run(LOOK).await,
            Kind::Tuf(refresher) => refresher.run().await,
        }
    }
}

/// When the root that is built in was written.
fn published() -> Timestamp {
    let midnight = TrustRoot::PUBLIC_DATE.to_datetime(time(0, 0, 0, 0));
    midnight.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()).unwrap_or_default()
}
