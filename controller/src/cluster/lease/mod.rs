//! Leader election over a Lease: at most one process works on the objects of a shard.
//!
//! The rules of client-go: a Lease is over for others once *they* have seen its record unchanged for its duration, on
//! their own monotonic clock, so that clocks need not agree. The holder stops by itself earlier, after
//! `renew_deadline` without a renewal, counted from before the last successful one was sent, whether or not the server
//! answers. Every write carries the resourceVersion that was just read, so of two candidates one fails.
//!
//! ```text
//! holder   ──renew──┤········ renew_deadline ········┤ not leading
//! others        └─seen─┤·········· duration ················┤ may take over
//! ```
//!
//! Whoever writes asks the [`Term`] right before: it needs no task that runs, so a process that was stopped and goes
//! on later finds that its time is over before it does anything.

mod candidate;
mod fence;
mod record;

use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use tokio::{sync::oneshot, task::JoinHandle};

use candidate::Candidate;
use fence::Gate;
pub use fence::{Fence, Term};

/// How a Lease is held.
#[derive(Clone, Debug)]
pub struct LeaseOptions {
    /// Where the Lease is.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Who we are: another one for every process, also for the next one in the same pod. See [`identity`].
    pub identity: String,
    /// How long others wait for a holder that does not renew; written in whole seconds, rounded up.
    pub duration: Duration,
    /// After which time without a renewal the holder stops; shorter than `duration`.
    pub renew_deadline: Duration,
    /// The time between two tries; shorter than `renew_deadline`.
    pub retry_period: Duration,
    /// Whether the Lease is given back by [`Leadership::release`].
    pub release_on_cancel: bool,
    /// The clock, for the times in the record, which nobody decides on.
    pub now: fn() -> Timestamp,
}

/// Times with which two could lead at once, or nobody for long.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// Another one could lead while this one still does.
    #[error("the Lease lasts {duration:?}, which is not longer than the renew deadline of {deadline:?}")]
    Duration {
        /// Of the Lease.
        duration: Duration,
        /// Of the holder.
        deadline: Duration,
    },
    /// There would be no second try.
    #[error("the renew deadline of {deadline:?} is not longer than the retry period of {period:?}")]
    Deadline {
        /// Of the holder.
        deadline: Duration,
        /// Between two tries.
        period: Duration,
    },
}

/// A name that no other process has: the host's, and random digits.
pub fn identity(host: &str) -> String {
    format!("{host}_{:016x}", fastrand::u64(..))
}

/// Runs for a Lease, for as long as it lives. Dropping it ends the leadership here, without giving the Lease back.
#[derive(Debug)]
pub struct Leadership {
    fence: Fence,
    /// Without leader election, there is nothing to do.
    campaign: Option<Campaign>,
}

#[derive(Debug)]
struct Campaign {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Begins to run for a Lease. Must be called inside a tokio runtime.
///
/// Each try is bounded, also with a client that retries by itself.
pub fn campaign(client: Client, options: LeaseOptions) -> Result<Leadership, LeaseError> {
    let (duration, deadline, period) = (options.duration, options.renew_deadline, options.retry_period);
    if duration <= deadline {
        return Err(LeaseError::Duration { duration, deadline });
    }
    if deadline <= period {
        return Err(LeaseError::Deadline { deadline, period });
    }
    let (gate, fence) = Gate::new();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(Candidate::new(client, options, gate).run(stopped));
    Ok(Leadership { fence, campaign: Some(Campaign { stop, task }) })
}

impl Leadership {
    /// Without leader election: this process leads from the beginning to the end.
    pub fn alone() -> Self {
        Self { fence: Fence::open(), campaign: None }
    }

    /// Tells whether we lead, for readiness and metrics.
    pub fn fence(&self) -> Fence {
        self.fence.clone()
    }

    /// Waits until we lead.
    pub async fn lead(&self) -> Term {
        self.fence.lead().await
    }

    /// Stops leading, and gives the Lease back if it is to be. Whatever works under it must have ended before.
    /// Returns after at most half of the renew deadline.
    pub async fn release(mut self) {
        if let Some(mut campaign) = self.campaign.take() {
            // An error of either means that it has ended already.
            let _ = campaign.stop.send(());
            let _ = (&mut campaign.task).await;
        }
    }
}

impl Drop for Leadership {
    fn drop(&mut self) {
        if let Some(campaign) = &self.campaign {
            campaign.task.abort();
        }
    }
}
