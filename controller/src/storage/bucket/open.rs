//! From flags and surroundings to a bucket that can be asked.

use std::{
    hash::RandomState,
    io,
    path::PathBuf,
    sync::{Arc, OnceLock, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use oci_identity::{
    Environment, Identities, IdentityError,
    bucket::Entrance,
    cache::{Limits, Nobody},
};
use oci_registry::{Options, Proxies, web::Web};
use reqwest::Url;
use tokio::sync::{Mutex, Semaphore};

use super::{
    Bucket, Inner, TURNS,
    cache::Cache,
    client::Client,
    fetch::Flights,
    site::{Site, SiteError},
};
use crate::{
    args::BucketPlace,
    storage::{
        OpenError, StorageOptions,
        counters::Counters,
        due::Due,
        error::Attempt as _,
        local::{DRAFTS, lock, make_folder},
        lost::Lost,
    },
};

/// The folder of files from the bucket.
const CACHE: &str = ".bucket";
/// Downloads at once.
const DOWNLOADS: usize = 16;

/// Which bucket, and how it is used.
#[derive(Clone, Debug)]
pub struct BucketOptions {
    /// The place in it.
    pub place: BucketPlace,
    /// Where its service is, if it is not the usual one.
    pub endpoint: Option<Url>,
    /// Its region, if the environment does not say so.
    pub region: Option<String>,
    /// The folder for temporary files, and for files that were read.
    pub root: PathBuf,
    /// Most bytes of files that were read.
    pub cache_size: u64,
    /// What is kept, and for how long.
    pub storage: StorageOptions,
    /// How often the bucket is listed, to find what was removed by somebody else.
    pub list_every: Duration,
    /// For so long a file of the cache is served without asking whether it is in the bucket still.
    pub fresh: Duration,
}

/// What surrounds the process.
#[derive(Clone)]
pub struct Surroundings {
    /// Who it is in a cloud.
    pub environment: Environment,
    /// Proxies on the way there.
    pub proxies: Proxies,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// Why a bucket cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenBucketError {
    /// The flags, together with the environment.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// The environment has an identity that cannot be used.
    #[error("--storage-bucket: {0}")]
    Identity(#[from] IdentityError),
    /// The folder for temporary files.
    #[error("--storage-path: {0}")]
    Scratch(#[from] OpenError),
}

impl Bucket {
    /// Prepares everything and asks nobody. `options.root` must exist and be writable, and is for this process alone.
    pub fn open(options: BucketOptions, surroundings: Surroundings) -> Result<Self, OpenBucketError> {
        let Surroundings { environment, proxies, now } = surroundings;
        let variable =
            |name: &str| environment.variables.get(name).filter(|value| !value.is_empty()).cloned();
        let (site, service) =
            Site::of(&options.place, options.endpoint.as_ref(), options.region.as_deref(), variable)?;
        let user_agent = concat!("oci-controller/", env!("CARGO_PKG_VERSION")).to_owned();
        let web = Arc::new(Web::new(&Options { proxies, user_agent, ..Options::default() }));
        let identities = Identities::new(environment, Limits::default(), Arc::new(Nobody), now);
        let entrance = Entrance::new(identities, &service, Arc::clone(&web))?;
        let root = &options.root;
        let lock = lock(root)?;
        let attempt =
            |made: io::Result<()>| made.attempt(|| format!("creating folders in {}", root.display()));
        attempt(make_folder(&root.join(DRAFTS))).map_err(OpenError::from)?;
        let cache = Cache::new(root.join(CACHE), options.cache_size);
        let cache =
            cache.attempt(|| format!("emptying {}", root.join(CACHE).display())).map_err(OpenError::from)?;
        Ok(Self(Arc::new(Inner {
            client: Client::new(site, entrance, web, now),
            cache: Arc::new(cache),
            flights: Flights::default(),
            downloads: Semaphore::new(DOWNLOADS),
            options,
            now,
            index: RwLock::default(),
            fence: OnceLock::new(),
            turns: (0..TURNS).map(|_| Mutex::default()).collect(),
            spread: RandomState::new(),
            due: Due::default(),
            lost: Lost::default(),
            counters: Counters::default(),
            _lock: lock,
        })))
    }
}
