//! Serving artifacts: from a volume while this process leads, from a bucket whoever leads.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use oci_registry::Proxies;
use oci_server::{
    Options, Running,
    tls::{Served, mutual_config, reload::Watch},
};
use rustls::ServerConfig;

use super::{
    Error,
    health::Health,
    leading,
    surroundings::{bind, environment, now},
};
use crate::{
    args::Args,
    observe::Metrics,
    serve,
    storage::{Bucket, BucketOptions, Storage, Surroundings},
};

/// How often the leader compares a bucket with what it knows of it.
const LIST_EVERY: Duration = Duration::from_mins(5);
/// For so long a replica may serve what is no longer in the bucket.
const FRESH: Duration = Duration::from_mins(1);

/// How often the files for mutual TLS are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The server of artifacts.
pub(super) struct Serving {
    args: Args,
    metrics: Arc<Metrics>,
    bucket: Option<Bucket>,
    /// `None` for plain HTTP.
    tls: Option<Arc<ServerConfig>>,
    /// Until [`Self::always`] has it.
    watch: Mutex<Option<Watch>>,
    server: Mutex<Option<Running>>,
}

impl Serving {
    /// Finds out what can be wrong with files and a bucket before anybody is asked.
    pub(super) fn new(args: &Args, proxies: &Proxies, metrics: &Arc<Metrics>) -> Result<Self, Error> {
        let bucket = args.bucket().map(|place| {
            let options = BucketOptions {
                place,
                endpoint: args.bucket.endpoint.clone(),
                region: args.bucket.region.clone(),
                root: args.storage.storage_path.clone(),
                cache_size: args.bucket.cache_size,
                storage: leading::options(args),
                list_every: LIST_EVERY,
                fresh: FRESH,
            };
            Bucket::open(options, Surroundings { environment: environment(), proxies: proxies.clone(), now })
        });
        let bucket = bucket.transpose()?;
        let served = Arc::new(Served::default());
        let watch = args
            .clients
            .files()
            .map(|files| Watch::begin(files, Arc::clone(&served), metrics.certificates.clone(), now))
            .transpose()?;
        let tls = watch.is_some().then(|| mutual_config(served)).transpose()?;
        Ok(Self {
            args: args.clone(),
            metrics: Arc::clone(metrics),
            bucket,
            tls,
            watch: Mutex::new(watch),
            server: Mutex::default(),
        })
    }

    /// The bucket, if there is one.
    pub(super) fn bucket(&self) -> Option<Bucket> {
        self.bucket.clone()
    }

    /// Serves a storage until [`Self::end`].
    pub(super) fn begin(&self, storage: &Storage) -> Result<(), Error> {
        let listener = bind("storage-addr", self.args.storage.storage_addr.socket())?;
        let options = Options {
            tls: self.tls.clone(),
            limits: serve::limits(),
            connections: self.metrics.connections("artifacts"),
        };
        let server = serve::serve(listener, storage.clone(), options)
            .map_err(|source| Error::System { doing: "starting to serve artifacts", source })?;
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        Ok(())
    }

    /// Whoever leads: serves the bucket, if there is one, and keeps certificates fresh. Never ends by itself.
    pub(super) async fn always(&self, health: &Health) -> Result<(), Error> {
        let watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner).take();
        let fresh = async {
            if let Some(watch) = watch {
                watch.run(LOOK_EVERY).await;
            }
            std::future::pending().await
        };
        tokio::select! {
            failed = self.serve_bucket(health) => failed,
            never = fresh => never,
        }
    }

    /// Serves the bucket; never ends without one. Ready once the bucket has let us look into it.
    async fn serve_bucket(&self, health: &Health) -> Result<(), Error> {
        if let Some(bucket) = &self.bucket {
            health.serves(bucket.clone());
            self.begin(&Storage::Bucket(bucket.clone()))?;
            bucket.reach().await;
            health.ready();
        }
        std::future::pending().await
    }

    /// Whoever is downloading may finish. Where other replicas serve the same, new requests are answered for half of the
    /// time: until everybody knows that this one ends, some still come here.
    pub(super) async fn end(&self, patience: Duration) {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(server) = server else {
            return;
        };
        let mut patience = patience;
        if self.bucket.is_some() {
            patience /= 2;
            server.drain();
            tokio::time::sleep(patience).await;
        }
        if !server.stop(patience).await {
            tracing::warn!("some downloads were cut");
        }
    }
}
