//! One run of one object.

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use kube::Client;
use oci_artifact::{Classify as _, archive::Control};
use oci_crds::v1::OciRepository;
use oci_decide::{Observed, Outcome, Resolved, Settings, Stored, progress};
use oci_source::{Progress, Source, store::Owner};
use tokio::sync::Notify;
use tracing::Instrument as _;

use super::{
    Restore,
    cache::{Cache, Entry, has_finalizer},
    departed::Departed,
    settle::Settled,
};
use crate::{
    cluster::{
        audiences::ClusterAudiences,
        call::{CallError, Cause},
        material::{ClusterMaterials, Names},
        objects::Objects,
        recorder::Recorder,
    },
    observe::Metrics,
    storage::Storage,
};

/// A run that takes longer than this says so in the status.
pub(super) const MOMENT: Duration = Duration::from_secs(1);

/// What runs work with.
pub struct Parts {
    /// The API server.
    pub client: Client,
    /// What is known of objects.
    pub cache: Arc<Cache>,
    /// Where artifacts are.
    pub storage: Storage,
    /// Where they come from.
    pub source: Source,
    /// Who tells others.
    pub recorder: Recorder,
    /// Who counts.
    pub metrics: Arc<Metrics>,
    /// What is the same for all objects.
    pub settings: Arc<Settings>,
    /// For how long superseded files stay.
    pub retention: Duration,
    /// Whose artifacts are missing since the start.
    pub restore: Arc<Restore>,
    /// The account of specs that name none.
    pub default_account: Option<String>,
    /// For whom no registry gets a token.
    pub audiences: Arc<ClusterAudiences>,
    /// Whether we may still write: asked right before each write.
    pub fence: Arc<dyn Fn() -> bool + Send + Sync>,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// Does runs.
pub struct Reconciler {
    pub(super) parts: Parts,
    pub(super) objects: Objects,
    /// Whether it was told that the CRD lacks fields.
    pub(super) pruning: AtomicBool,
    pub(super) departed: Departed,
}

impl Reconciler {
    /// With these parts.
    pub fn new(parts: Parts) -> Self {
        Self {
            objects: Objects::new(parts.client.clone()),
            parts,
            pruning: AtomicBool::default(),
            departed: Departed::default(),
        }
    }

    /// Runs an object; returns when it runs next, unless something happens earlier.
    pub async fn run(self: Arc<Self>, owner: Owner) -> Option<Instant> {
        let Some(entry) = self.parts.cache.get(&owner) else {
            return self.gone(&owner).await.and_then(|next| Instant::now().checked_add(next));
        };
        self.departed.forget(&owner);
        let begun = Instant::now();
        // What is logged about the registry, the store and the API server meanwhile says for whom.
        let span = tracing::info_span!("run", namespace = owner.namespace, name = owner.name);
        let next = Box::pin(self.run_known(&owner, entry)).instrument(span).await;
        self.parts.restore.settled(&owner);
        if self.parts.cache.get(&owner).is_some() {
            self.parts.metrics.ran(&owner.namespace, &owner.name, begun.elapsed());
        }
        next.and_then(|next| Instant::now().checked_add(next))
    }

    async fn run_known(&self, owner: &Owner, entry: Entry) -> Option<Duration> {
        if !(self.parts.fence)() {
            return None;
        }
        if entry.object.metadata.deletion_timestamp.is_some() {
            return self.forget(owner, &entry).await;
        }
        let object = match self.with_finalizer(owner, &entry).await {
            Ok(object) => object,
            Err(error) => return self.retry(owner, &entry, &error),
        };
        let observed = self.observe(owner, &object, &entry).await;
        let unwritten = entry.unwritten.as_deref().filter(|kept| kept.generation == observed.generation);
        if observed.stored == Stored::Nothing && unwritten.is_none() {
            // Whatever is there belongs to an object of that name that is gone.
            self.remove_files(owner).await;
        }
        let (object, observed, outcome) = match unwritten {
            Some(kept) => (object, observed, kept.outcome.clone()),
            None => Box::pin(self.work(owner, object, observed)).await,
        };
        match self.settle(owner, object, observed, outcome).await {
            Settled::Written(next) => next,
            Settled::Again => Some(Duration::ZERO),
            Settled::Gone => None,
            Settled::Failed(error) => {
                let entry = self.parts.cache.get(owner)?;
                self.retry(owner, &entry, &error)
            }
        }
    }

    /// What is known at this moment.
    async fn observe(&self, owner: &Owner, object: &OciRepository, entry: &Entry) -> Observed {
        let artifact = object.status.as_ref().and_then(|status| status.artifact.as_ref());
        let stored = match artifact {
            Some(artifact) => self.parts.storage.look(owner, artifact).await,
            None => Stored::Nothing,
        };
        let moment = ((self.parts.now)(), fastrand::f64());
        let settings = Arc::clone(&self.parts.settings);
        let mut observed = Observed::new(object, stored, entry.failures, moment, settings);
        if let Some(meant) = entry.meant(object) {
            observed.status.clone_from(meant);
        }
        observed
    }

    /// The object with our finalizer on it: without, its files would outlive it.
    async fn with_finalizer(&self, owner: &Owner, entry: &Entry) -> Result<OciRepository, CallError> {
        if has_finalizer(&entry.object) {
            return Ok(OciRepository::clone(&entry.object));
        }
        let added = match self.objects.add_finalizer(&entry.object, owner).await {
            Err(CallError { cause: Cause::Conflict, .. }) => {
                let fresh = self.objects.get(owner).await?;
                if fresh.metadata.deletion_timestamp.is_some() || has_finalizer(&fresh) {
                    fresh
                } else {
                    self.objects.add_finalizer(&fresh, owner).await?
                }
            }
            added => added?,
        };
        self.parts.cache.wrote(owner, added.clone());
        Ok(added)
    }

    pub(super) async fn remove_files(&self, owner: &Owner) -> bool {
        let removed = self.parts.storage.forget(owner).await;
        if let Err(error) = &removed {
            tracing::error!(namespace = owner.namespace, name = owner.name, %error, "removing the files of an object failed");
        }
        removed.is_ok()
    }

    /// Removes the files of a deleted object, then lets it go.
    async fn forget(&self, owner: &Owner, entry: &Entry) -> Option<Duration> {
        if !self.remove_files(owner).await {
            return Some(self.again(owner, entry.failures));
        }
        if !has_finalizer(&entry.object) || !(self.parts.fence)() {
            return None;
        }
        let removed = match self.objects.remove_finalizer(&entry.object, owner).await {
            Err(CallError { cause: Cause::Conflict, .. }) => match self.objects.get(owner).await {
                Ok(fresh) if has_finalizer(&fresh) => self.objects.remove_finalizer(&fresh, owner).await,
                fresh => fresh,
            },
            removed => removed,
        };
        match removed {
            Ok(_) | Err(CallError { cause: Cause::NotFound, .. }) => None,
            Err(error) => self.retry(owner, entry, &error),
        }
    }

    /// Decides and carries out. What takes longer than a moment is told meanwhile.
    async fn work(
        &self,
        owner: &Owner,
        object: OciRepository,
        observed: Observed,
    ) -> (OciRepository, Observed, Outcome) {
        let names = Names::of(&object.spec, self.parts.default_account.as_deref());
        let (client, audiences) = (self.parts.client.clone(), Arc::clone(&self.parts.audiences));
        let materials = ClusterMaterials::new(client, &owner.namespace, names, audiences);
        let seen = Seen::default();
        let control = Control::new();
        let _stop = StopOnDrop(control.clone());
        let mut told = None;
        let outcome = {
            let run = self.parts.source.run(&observed, &materials, &seen, &control);
            let tell = async { told = self.tell(owner, &object, &observed, &seen).await };
            let (mut run, mut tell) = (std::pin::pin!(run), std::pin::pin!(tell));
            tokio::select! {
                biased;
                outcome = &mut run => outcome,
                () = &mut tell => run.await,
            }
        };
        self.parts.cache.learned(owner, &materials.learned());
        match told {
            Some(object) => {
                let mut status = object.status.clone().unwrap_or_default();
                // A lost file that was made again is no news, although the status has not named it meanwhile.
                status.artifact.clone_from(&observed.status.artifact);
                (object, Observed { status, ..observed }, outcome)
            }
            None => (object, observed, outcome),
        }
    }

    /// After a moment, if there is something to tell: that something new is on its way.
    async fn tell(
        &self,
        owner: &Owner,
        object: &OciRepository,
        observed: &Observed,
        seen: &Seen,
    ) -> Option<OciRepository> {
        tokio::time::sleep(MOMENT).await;
        let new = observed.status.observed_generation != Some(observed.generation)
            || matches!(observed.stored, Stored::Missing | Stored::Damaged(_));
        if !new {
            seen.told.notified().await;
        }
        let resolved = seen.resolved.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let status = progress(observed, resolved.as_ref());
        if !(self.parts.fence)() {
            return None;
        }
        match self.objects.write_status(object, owner, &status).await {
            Ok(written) => {
                let written = written?;
                self.parts.cache.wrote(owner, written.clone());
                self.parts.restore.settled(owner);
                Some(written)
            }
            Err(error) => {
                tracing::debug!(namespace = owner.namespace, name = owner.name, %error, "progress was not written");
                None
            }
        }
    }

    /// After a failed call: once more later.
    fn retry(&self, owner: &Owner, entry: &Entry, error: &CallError) -> Option<Duration> {
        if error.cause == Cause::NotFound {
            return None;
        }
        if error.cause == Cause::Conflict {
            tracing::debug!(namespace = owner.namespace, name = owner.name, %error, "trying again");
        } else {
            let (namespace, name, hint) = (&owner.namespace, &owner.name, error.hint());
            tracing::error!(namespace, name, %error, hint, "trying again later");
        }
        Some(self.again(owner, entry.failures))
    }

    /// The pause after one more failure of ours or of the API server.
    fn again(&self, owner: &Owner, failures: u32) -> Duration {
        let settings = &self.parts.settings;
        let unwritten = self.parts.cache.get(owner).and_then(|entry| entry.unwritten);
        self.parts.cache.ran(owner, failures.saturating_add(1), unwritten.map(|kept| *kept));
        let pause = settings.min_retry.saturating_mul(1 << failures.min(20)).min(settings.max_retry);
        pause.mul_f64(0.75 + fastrand::f64() / 4.0)
    }
}

/// What a run has found out so far.
#[derive(Debug, Default)]
struct Seen {
    resolved: Mutex<Option<Resolved>>,
    told: Notify,
}

impl Progress for Seen {
    fn resolved(&self, resolved: &Resolved) {
        *self.resolved.lock().unwrap_or_else(PoisonError::into_inner) = Some(resolved.clone());
        self.told.notify_one();
    }
}

/// Work on other threads ends with the run.
struct StopOnDrop(Control);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
