//! Serving artifacts: from a volume while this process leads, from a bucket whoever leads.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use oci_registry::Proxies;
use oci_server::{Connections, Options, Running};

use super::{
    Error,
    health::Health,
    leading,
    surroundings::{bind, environment, now},
};
use crate::{
    args::Args,
    serve,
    storage::{Bucket, BucketOptions, Storage, Surroundings},
};

/// How often the leader compares a bucket with what it knows of it.
const LIST_EVERY: Duration = Duration::from_mins(5);
/// For so long a replica may serve what is no longer in the bucket.
const FRESH: Duration = Duration::from_mins(1);

/// The server of artifacts.
pub(super) struct Serving {
    args: Args,
    connections: Connections,
    bucket: Option<Bucket>,
    server: Mutex<Option<Running>>,
}

impl Serving {
    /// Finds out what can be wrong with a bucket before anybody is asked.
    pub(super) fn new(args: &Args, proxies: &Proxies, connections: Connections) -> Result<Self, Error> {
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
        Ok(Self { args: args.clone(), connections, bucket, server: Mutex::default() })
    }

    /// The bucket, if there is one.
    pub(super) fn bucket(&self) -> Option<Bucket> {
        self.bucket.clone()
    }

    /// Serves a storage until [`Self::end`].
    pub(super) fn begin(&self, storage: &Storage) -> Result<(), Error> {
        let listener = bind("storage-addr", self.args.storage.storage_addr.socket())?;
        let options = Options { tls: None, limits: serve::limits(), connections: self.connections.clone() };
        let server = serve::serve(listener, storage.clone(), options)
            .map_err(|source| Error::System { doing: "starting to serve artifacts", source })?;
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        Ok(())
    }

    /// Serves the bucket, whoever leads; never ends without one. Ready once the bucket has let us look into it.
    pub(super) async fn always(&self, health: &Health) -> Result<(), Error> {
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
