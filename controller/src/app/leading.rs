//! What is done while this process leads: storage, watches and runs.

use std::{collections::HashSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::Client;
use oci_artifact::manifest::Platform;
use oci_decide::{Settings, Stored, retention::Policy};
use oci_identity::{Environment, Identities, cache::Ledger};
use oci_registry::{Options as Registry, Proxies};
use oci_source::{Source, SourceOptions, store::Store};
use tokio::sync::{mpsc, watch as signal};

use super::{Error, health::Health, serving::Serving};
use crate::{
    args::Args,
    cluster::{
        audiences::ClusterAudiences,
        call::CallError,
        installation::installation,
        recorder::Recorder,
        watch::{self, Scope},
    },
    observe::Metrics,
    reconcile::{
        Parts, Reconciler, Restore,
        cache::{Cache, UsedKind},
        scheduler::Scheduler,
        trigger::Triggers,
    },
    storage::{Local, OpenError, Storage, StorageOptions},
    trust::Keeper,
};

/// Between two tries to open a storage.
const STORAGE_PAUSE: Duration = Duration::from_secs(2);
/// Longest time that missing artifacts keep this process from being ready: a registry that is away must not keep whole
/// artifacts from being served.
const RESTORE: Duration = Duration::from_mins(1);

/// What the work needs.
pub(super) struct Needs {
    pub(super) args: Args,
    pub(super) client: Client,
    pub(super) metrics: Arc<Metrics>,
    pub(super) trust: Arc<Keeper>,
    pub(super) health: Health,
    pub(super) serving: Arc<Serving>,
    pub(super) recorder: Recorder,
    pub(super) fence: Arc<dyn Fn() -> bool + Send + Sync>,
    pub(super) leading: signal::Receiver<bool>,
    pub(super) settings: Arc<Settings>,
    pub(super) proxies: Proxies,
    pub(super) environment: Environment,
    pub(super) audiences: Arc<ClusterAudiences>,
    pub(super) now: fn() -> Timestamp,
}

/// Everything that works while this process leads.
pub(super) struct Leading {
    pub(super) storage: Storage,
    pub(super) scheduler: Arc<Scheduler>,
    needs: Needs,
    cache: Arc<Cache>,
    reconciler: Arc<Reconciler>,
    restore: Arc<Restore>,
}

impl Leading {
    /// Opens the storage, waiting for it if need be, and sees to it that it is served.
    pub(super) async fn begin(needs: Needs) -> Result<Self, Error> {
        let storage = if let Some(bucket) = needs.serving.bucket() {
            // It is served already.
            let fence = Arc::clone(&needs.fence);
            bucket.lead(move || fence()).await;
            let namespace = needs.args.lease_namespace().unwrap_or_default();
            let ours = installation(&needs.client, namespace, &needs.args.lease_name()).await;
            if let Some(ours) = ours.map_err(Error::Installation)? {
                bucket.claim(&ours).await?;
            }
            Storage::Bucket(bucket)
        } else {
            let storage = Storage::Local(open(&needs).await?);
            needs.serving.begin(&storage)?;
            storage
        };
        needs.trust.remember().await;
        let cache = Arc::new(Cache::new(needs.args.reconcile.default_service_account.clone()));
        let scheduler = Arc::new(Scheduler::new(needs.args.reconcile.concurrent));
        let restore = Arc::new(Restore::default());
        let reconciler = Reconciler::new(Parts {
            client: needs.client.clone(),
            cache: Arc::clone(&cache),
            storage: storage.clone(),
            source: source(&needs, storage.clone()),
            recorder: needs.recorder.clone(),
            metrics: Arc::clone(&needs.metrics),
            settings: Arc::clone(&needs.settings),
            retention: needs.args.storage.artifact_retention_ttl,
            restore: Arc::clone(&restore),
            default_account: needs.args.reconcile.default_service_account.clone(),
            audiences: Arc::clone(&needs.audiences),
            fence: Arc::clone(&needs.fence),
            now: needs.now,
        });
        Ok(Self { storage, scheduler, needs, cache, reconciler: Arc::new(reconciler), restore })
    }

    /// Works until it is dropped.
    pub(super) async fn work(&self) {
        let (listed, first) = mpsc::channel(1);
        let triggers = Triggers::new(Arc::clone(&self.cache), Arc::clone(&self.scheduler));
        let runs = self.scheduler.run(&self.needs.metrics, |owner| Arc::clone(&self.reconciler).run(owner));
        tokio::join!(
            self.watch(&triggers, &listed),
            runs,
            self.storage.clone().keep(self.needs.leading.clone()),
            self.repair(&triggers),
            self.needs.trust.keep(),
            self.restore(&triggers, first),
        );
    }

    /// Runs objects whose files were found damaged.
    async fn repair(&self, triggers: &Triggers) {
        loop {
            self.storage.lost().await.iter().for_each(|owner| triggers.again(owner));
        }
    }

    async fn watch(&self, triggers: &Triggers, listed: &mpsc::Sender<()>) {
        let args = &self.needs.args;
        let scope =
            Scope { client: self.needs.client.clone(), namespace: args.namespace().map(str::to_owned) };
        let broken = |_: &CallError| {
            self.needs.metrics.watch_restarts.inc();
        };
        let objects = watch::objects(
            scope.clone(),
            args.watch.watch_label_selector.as_deref(),
            |change| {
                if triggers.object(change) {
                    self.needs.health.listed();
                    // Only the first list is waited for.
                    let _ = listed.try_send(());
                }
            },
            |error| {
                broken(error);
                self.needs.health.unlisted(error);
            },
        );
        let credentials = async {
            if args.watch.watch_credentials {
                tokio::join!(
                    watch::metadata::<Secret>(
                        scope.clone(),
                        |change| triggers.used(UsedKind::Secret, &change),
                        broken
                    ),
                    watch::metadata::<ServiceAccount>(
                        scope.clone(),
                        |change| triggers.used(UsedKind::Account, &change),
                        broken
                    ),
                );
            }
        };
        tokio::join!(objects, credentials);
    }

    /// After the first list: whose files are there although nobody knows them, and who has none although the status
    /// says so. Ready once the latter are dealt with.
    async fn restore(&self, triggers: &Triggers, mut first: mpsc::Receiver<()>) {
        if first.recv().await.is_none() {
            return;
        }
        let mut live = HashSet::new();
        let mut missing = HashSet::new();
        for owner in self.cache.owners() {
            let artifact =
                self.cache.get(&owner).and_then(|entry| entry.object.status.as_ref()?.artifact.clone());
            if let Some(artifact) = artifact
                && self.storage.look(&owner, &artifact).await != Stored::Whole
            {
                missing.insert(owner.clone());
            }
            live.insert(owner);
        }
        let strangers = self.storage.strangers(&live).await.unwrap_or_else(|error| {
            tracing::error!(%error, "files of objects that are gone stay until the next start");
            Vec::new()
        });
        for owner in &strangers {
            triggers.stranger(owner);
        }
        let strangers = strangers.len();
        tracing::info!(objects = live.len(), missing = missing.len(), strangers, "all objects are known");
        self.restore.begin(missing);
        if tokio::time::timeout(RESTORE, self.restore.done()).await.is_err() {
            tracing::warn!(
                missing = self.restore.left(),
                "some artifacts are still missing, serving the others"
            );
        }
        if self.needs.serving.bucket().is_none() {
            self.needs.health.ready();
        }
        std::future::pending::<()>().await;
    }
}

/// Opens the storage. Whatever is wrong with it may be put right while we wait.
async fn open(needs: &Needs) -> Result<Local, Error> {
    let storage = &needs.args.storage;
    let options = options(&needs.args);
    let mut told = String::new();
    loop {
        let (root, now) = (storage.storage_path.clone(), needs.now);
        let opened = tokio::task::spawn_blocking(move || Local::open(&root, options, now)).await;
        let error: OpenError = match opened {
            Ok(Ok(opened)) => {
                tracing::info!(scan = ?opened.scan(), "the storage is open");
                return Ok(opened);
            }
            Ok(Err(error)) => error,
            Err(error) => return Err(Error::System { doing: "opening the storage", source: error.into() }),
        };
        if told != error.to_string() {
            told = error.to_string();
            tracing::error!(%error, "the storage cannot be opened, trying again");
        }
        tokio::time::sleep(STORAGE_PAUSE).await;
    }
}

/// What is kept, and for how long.
pub(super) fn options(args: &Args) -> StorageOptions {
    let storage = &args.storage;
    StorageOptions {
        retention: Policy {
            ttl: storage.artifact_retention_ttl,
            records: storage.artifact_retention_records,
        },
        algorithm: storage.artifact_digest_algo,
        ..StorageOptions::default()
    }
}

fn source(needs: &Needs, storage: Storage) -> Source {
    let reconcile = &needs.args.reconcile;
    let store: Arc<dyn Store> = Arc::new(storage);
    let mut options = SourceOptions::new(store);
    let Registry { user_agent, proxies, .. } = web(&needs.proxies);
    (options.registry.user_agent, options.registry.proxies) = (user_agent, proxies);
    options.root = needs.trust.root();
    let ledger: Arc<dyn Ledger> = needs.metrics.tokens.clone();
    let limits = needs.args.tokens.limits();
    options.identities = Some(Identities::new(needs.environment.clone(), limits, ledger, needs.now));
    options.platform = Platform::parse(&reconcile.default_platform).unwrap_or_else(Platform::linux_amd64);
    options.algorithm = needs.args.storage.artifact_digest_algo;
    options.transfers = reconcile.concurrent.saturating_mul(4).max(8);
    options.cpus = reconcile.concurrent.min(options.cpus).max(1);
    Source::new(options)
}

/// How this program shows itself to web servers, and the proxies in between.
pub(super) fn web(proxies: &Proxies) -> Registry {
    let user_agent = concat!("oci-controller/", env!("CARGO_PKG_VERSION")).to_owned();
    Registry { user_agent, proxies: proxies.clone(), ..Registry::default() }
}
