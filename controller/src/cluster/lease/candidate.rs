//! Running for a Lease, and keeping it.

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};
use oci_artifact::Classify as _;
use tokio::{
    sync::oneshot,
    time::{sleep_until, timeout},
};

use super::{
    LeaseOptions,
    fence::Gate,
    record::{self, Holder, Seen},
};
use crate::cluster::call::{CallError, Cause, cause};

/// One process that wants a Lease.
pub(super) struct Candidate {
    leases: Api<Lease>,
    options: LeaseOptions,
    gate: Gate,
    seen: Seen,
    /// The Lease as we wrote it last, if it was ours then.
    ours: Option<Lease>,
    /// What was logged last, so that it is not said again every few seconds.
    said: String,
}

/// What a try has shown.
enum Found {
    /// The Lease is ours.
    Ours,
    /// It is somebody else's.
    Other(String),
}

impl Candidate {
    pub(super) fn new(client: Client, options: LeaseOptions, gate: Gate) -> Self {
        let leases = Api::namespaced(client, &options.namespace);
        Self { leases, options, gate, seen: Seen::default(), ours: None, said: String::new() }
    }

    /// Tries until it is told to stop; then gives back what it has.
    pub(super) async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        tokio::select! {
            biased;
            _ = &mut stopped => {}
            () = self.run_for_ever() => {}
        }
        self.stop();
        if self.options.release_on_cancel {
            self.give_back().await;
        }
    }

    async fn run_for_ever(&mut self) {
        loop {
            let begun = Instant::now();
            let deadline = self.gate.deadline();
            let patience = self.patience();
            // What is not answered by the deadline is too late.
            let tried = tokio::select! {
                biased;
                () = at(deadline) => None,
                tried = timeout(patience, self.attempt()) => Some(tried),
            };
            match tried {
                Some(Ok(Ok(Found::Ours))) => self.hold(begun),
                Some(Ok(Ok(Found::Other(holder)))) => self.follow(&holder),
                Some(Ok(Err(error))) => self.fail(cause(&error)),
                Some(Err(_)) => self.fail(Cause::Unavailable(format!("no answer within {patience:?}"))),
                None => {}
            }
            self.wait(begun).await;
        }
    }

    /// Until the next try. Meanwhile, the leadership may end.
    async fn wait(&mut self, begun: Instant) {
        let mut pause = self.options.retry_period;
        if !self.gate.is_open() {
            self.stop();
            // Candidates that begin together do not go on together.
            pause = pause.mul_f64(1.0 + fastrand::f64() / 5.0);
        }
        let next = begun.checked_add(pause);
        tokio::select! {
            biased;
            () = at(self.gate.deadline()) => self.stop(),
            () = at(next) => {}
        }
    }

    /// Most time for one try: there are several before the deadline.
    fn patience(&self) -> Duration {
        self.options.renew_deadline / 4
    }

    /// Renews the Lease, or takes it if nobody has it.
    async fn attempt(&mut self) -> Result<Found, kube::Error> {
        if let Some(ours) = self.ours.clone() {
            match self.write(ours).await {
                Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => {
                    self.ours = None;
                }
                written => return written,
            }
        }
        let Some(lease) = self.leases.get_opt(&self.options.name).await? else {
            return self.create().await;
        };
        let (identity, duration) = (&self.options.identity, self.options.duration);
        match self.seen.holder(&lease, Instant::now(), identity, duration) {
            Holder::Other(holder) => Ok(Found::Other(holder)),
            Holder::Us | Holder::Nobody => self.write(lease).await,
        }
    }

    /// Writes our record over the one that was read; fails where somebody else wrote meanwhile.
    async fn write(&mut self, mut lease: Lease) -> Result<Found, kube::Error> {
        lease.spec = Some(self.spec(lease.spec.as_ref()));
        // Carries the resourceVersion that was read.
        let written = self.leases.replace(&self.options.name, &PostParams::default(), &lease).await?;
        self.ours = Some(written);
        Ok(Found::Ours)
    }

    async fn create(&mut self) -> Result<Found, kube::Error> {
        let metadata = ObjectMeta { name: Some(self.options.name.clone()), ..ObjectMeta::default() };
        let lease = Lease { metadata, spec: Some(self.spec(None)) };
        self.ours = Some(self.leases.create(&PostParams::default(), &lease).await?);
        Ok(Found::Ours)
    }

    fn spec(&self, old: Option<&LeaseSpec>) -> LeaseSpec {
        record::held(old, &self.options.identity, self.options.duration, (self.options.now)())
    }

    /// We lead, from before the try was sent: others count from when they see it, which is later.
    fn hold(&mut self, begun: Instant) {
        let Some(deadline) = begun.checked_add(self.options.renew_deadline) else {
            return;
        };
        if self.gate.open_until(deadline) {
            tracing::info!(lease = self.lease(), identity = self.options.identity, "leading");
        }
        self.said.clear();
    }

    /// We do not lead.
    fn stop(&self) {
        if self.gate.close() {
            tracing::info!(lease = self.lease(), identity = self.options.identity, "not leading any more");
        }
    }

    /// A try failed. If we lead, we do until the deadline.
    fn fail(&mut self, cause: Cause) {
        let why = cause.to_string();
        if self.said != why {
            let (lease, leading) = (self.lease(), self.gate.is_open());
            let error = CallError { attempted: format!("taking or renewing Lease {lease}"), cause };
            tracing::error!(lease, leading, %error, hint = error.hint(), "taking or renewing the Lease failed");
            self.said = why;
        }
    }

    fn follow(&mut self, holder: &str) {
        self.stop();
        if self.said != holder {
            tracing::info!(lease = self.lease(), holder, "waiting for the Lease");
            holder.clone_into(&mut self.said);
        }
    }

    fn lease(&self) -> String {
        format!("{}/{}", self.options.namespace, self.options.name)
    }

    /// Gives the Lease back, if it is ours.
    async fn give_back(&mut self) {
        let released = timeout(self.patience(), async {
            if let Some(ours) = self.ours.take()
                && self.write_released(ours).await?
            {
                return Ok(());
            }
            // The last try was not waited for: it may have been the one that took the Lease.
            if let Some(lease) = self.leases.get_opt(&self.options.name).await? {
                self.write_released(lease).await?;
            }
            Ok::<(), kube::Error>(())
        });
        if !matches!(released.await, Ok(Ok(()))) {
            tracing::info!(
                lease = self.lease(),
                "the Lease was not given back: others wait until it is over"
            );
        }
    }

    /// Returns whether the Lease was as we knew it.
    async fn write_released(&self, mut lease: Lease) -> Result<bool, kube::Error> {
        match lease.spec.take() {
            Some(spec) if spec.holder_identity.as_ref() == Some(&self.options.identity) => {
                lease.spec = Some(record::released(&spec, (self.options.now)()));
            }
            _ => return Ok(true),
        }
        match self.leases.replace(&self.options.name, &PostParams::default(), &lease).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Candidate {
    /// The task is over, by whatever way: so is the leadership.
    fn drop(&mut self) {
        self.gate.close();
    }
}

/// Waits until then; for ever without a time.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant.into()).await,
        None => std::future::pending().await,
    }
}
