//! From an outcome to the cluster: one status write, and events after it.

use std::{sync::atomic::Ordering, time::Duration};

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Resource as _;
use oci_crds::{
    KIND,
    v1::{OciRepository, Status},
};
use oci_decide::{Conclusion, Next, Observed, Outcome, conclude};
use oci_source::store::Owner;

use super::{cache::Unwritten, run::Reconciler};
use crate::cluster::call::{CallError, Cause};

/// Times that a conclusion is drawn anew because somebody else wrote meanwhile.
const CONFLICTS: usize = 5;

/// What became of an outcome.
pub(super) enum Settled {
    /// The status says it; the next run is after this time, if there is one.
    Written(Option<Duration>),
    /// The object changed meanwhile, so that it is about another one.
    Again,
    /// The object is gone, or we may not write any more.
    Gone,
    /// It could not be written; what matters of it is kept for the next run.
    Failed(CallError),
}

impl Reconciler {
    /// Writes what follows from an outcome.
    pub(super) async fn settle(
        &self,
        owner: &Owner,
        mut object: OciRepository,
        mut observed: Observed,
        outcome: Outcome,
    ) -> Settled {
        let mut error = None;
        for _ in 0..CONFLICTS {
            if !(self.parts.fence)() {
                return Settled::Gone;
            }
            let conclusion = conclude(&observed, &outcome);
            let conflict = match self.write(owner, &object, &conclusion.status).await {
                Ok(()) => {
                    return Settled::Written(self.concluded(owner, &object, &outcome, &conclusion));
                }
                Err(conflict) if conflict.cause == Cause::Conflict => conflict,
                Err(CallError { cause: Cause::NotFound, .. }) => return Settled::Gone,
                Err(failed) => return self.keep(owner, &observed, outcome, failed),
            };
            object = match self.objects.get(owner).await {
                Ok(fresh) if fresh.metadata.uid != object.metadata.uid => return Settled::Gone,
                Ok(fresh) => fresh,
                Err(CallError { cause: Cause::NotFound, .. }) => return Settled::Gone,
                Err(failed) => return self.keep(owner, &observed, outcome, failed),
            };
            if object.metadata.generation != Some(observed.generation) {
                self.parts.cache.wrote(owner, object);
                return Settled::Again;
            }
            observed.status = object.status.clone().unwrap_or_default();
            error = Some(conflict);
        }
        match error {
            Some(conflict) => self.keep(owner, &observed, outcome, conflict),
            None => Settled::Again,
        }
    }

    /// Writes a status, unless the object has it, or what the API server keeps of it.
    async fn write(&self, owner: &Owner, object: &OciRepository, status: &Status) -> Result<(), CallError> {
        let known = self.parts.cache.get(owner);
        if known.is_some_and(|known| known.meant(object) == Some(status)) {
            return Ok(());
        }
        if let Some(written) = self.objects.write_status(object, owner, status).await? {
            let lost = self.parts.cache.wrote_status(owner, written, status);
            if !lost.is_empty() && !self.pruning.swap(true, Ordering::Relaxed) {
                let hint = "update it, or signatures are verified again after each restart: `kubectl oci doctor` says how";
                tracing::warn!(
                    fields = lost.join(", "),
                    hint,
                    "the CRD that is installed lacks fields of the status"
                );
            }
        }
        Ok(())
    }

    /// A stored artifact is not fetched again because the API server was away when it was to be told.
    fn keep(&self, owner: &Owner, observed: &Observed, outcome: Outcome, failed: CallError) -> Settled {
        if matches!(outcome, Outcome::Stored { .. }) {
            let unwritten = Unwritten { generation: observed.generation, outcome };
            self.parts.cache.ran(owner, observed.failures, Some(unwritten));
        }
        Settled::Failed(failed)
    }

    /// The status is written: now everybody else may know.
    fn concluded(
        &self,
        owner: &Owner,
        object: &OciRepository,
        outcome: &Outcome,
        conclusion: &Conclusion,
    ) -> Option<Duration> {
        self.parts.cache.ran(owner, conclusion.failures, None);
        self.parts.metrics.outcome(outcome);
        if let Outcome::Stored { artifact, .. } = outcome {
            self.parts.storage.named(owner, &artifact.path);
        }
        let reference = reference(object);
        for notice in &conclusion.notices {
            self.parts.recorder.publish(&reference, notice);
        }
        log(owner, outcome, conclusion);
        match conclusion.next {
            Next::Never => None,
            Next::After(pause) => Some(pause),
        }
    }
}

fn log(owner: &Owner, outcome: &Outcome, conclusion: &Conclusion) {
    let (namespace, name) = (&owner.namespace, &owner.name);
    let notice = conclusion.notices.last();
    match (outcome, notice) {
        (Outcome::Failed { failure, .. }, Some(notice)) => {
            tracing::error!(namespace, name, reason = notice.reason.as_str(), step = ?failure.step, next = ?conclusion.next, "{}", notice.message);
        }
        (Outcome::Failed { failure, .. }, None) => {
            tracing::debug!(namespace, name, step = ?failure.step, next = ?conclusion.next, "{}", failure.message);
        }
        (_, Some(notice)) => {
            tracing::info!(namespace, name, reason = notice.reason.as_str(), next = ?conclusion.next, "{}", notice.message);
        }
        (_, None) => tracing::debug!(namespace, name, next = ?conclusion.next, "nothing new"),
    }
}

/// What events are about.
fn reference(object: &OciRepository) -> ObjectReference {
    let about = object.meta();
    ObjectReference {
        api_version: Some(OciRepository::group_version()),
        kind: Some(KIND.to_owned()),
        namespace: about.namespace.clone(),
        name: about.name.clone(),
        uid: about.uid.clone(),
        resource_version: about.resource_version.clone(),
        ..ObjectReference::default()
    }
}
