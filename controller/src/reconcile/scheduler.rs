//! Runs objects when they are due.

use std::{
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use oci_decide::queue::Queue;
use oci_source::store::Owner;
use tokio::{sync::Notify, task::JoinSet};

use super::Lane;
use crate::observe::Metrics;

/// Runs of all lanes together at once. Most of them wait for a registry and need next to nothing.
const RUNS: usize = 128;

/// Who is due when.
#[derive(Debug)]
pub struct Scheduler {
    queue: Mutex<Queue<Owner, Lane>>,
    changed: Notify,
}

impl Scheduler {
    /// At most `per_lane` runs of one registry at once.
    pub fn new(per_lane: usize) -> Self {
        Self { queue: Mutex::new(Queue::new(RUNS.max(per_lane), per_lane)), changed: Notify::new() }
    }

    fn queue(&self) -> MutexGuard<'_, Queue<Owner, Lane>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs an object at `at`, or earlier if it is to already.
    pub fn wake(&self, owner: &Owner, lane: &Lane, at: Instant) {
        self.queue().wake(owner, lane, at);
        self.changed.notify_one();
    }

    /// Objects that are due but have to wait.
    pub fn waiting(&self, now: Instant) -> usize {
        self.queue().waiting(now)
    }

    /// Objects that run.
    pub fn running(&self) -> usize {
        self.queue().running()
    }

    /// Runs whatever is due, until it is dropped, which stops all runs. `work` does one run and says when the next is.
    pub async fn run<F>(&self, metrics: &Metrics, work: impl Fn(Owner) -> F)
    where
        F: Future<Output = Option<Instant>> + Send + 'static,
    {
        let mut runs: JoinSet<(Owner, Option<Instant>)> = JoinSet::new();
        loop {
            let due = self.start(&mut runs, metrics, &work);
            let alarm = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.changed.notified() => {}
                () = alarm => {}
                Some(ended) = runs.join_next() => {
                    if let Ok((owner, next)) = ended {
                        self.queue().done(&owner, next);
                    }
                }
            }
        }
    }

    /// Takes what is due, as if it had run.
    #[cfg(test)]
    pub(super) fn take(&self, now: Instant) -> Vec<Owner> {
        let mut queue = self.queue();
        let due: Vec<Owner> = std::iter::from_fn(|| queue.next(now)).map(|(owner, _)| owner).collect();
        for owner in &due {
            queue.done(owner, None);
        }
        due
    }

    /// Starts what is due; returns when something will be.
    fn start<F>(
        &self,
        runs: &mut JoinSet<(Owner, Option<Instant>)>,
        metrics: &Metrics,
        work: &impl Fn(Owner) -> F,
    ) -> Option<Instant>
    where
        F: Future<Output = Option<Instant>> + Send + 'static,
    {
        let now = Instant::now();
        let mut queue = self.queue();
        while let Some((owner, due)) = queue.next(now) {
            metrics.late(now.saturating_duration_since(due));
            let run = work(owner.clone());
            runs.spawn(async move { (owner, run.await) });
        }
        queue.due()
    }
}
