//! Waiting for an object: a watch of it alone, begun again whenever it ends.

use std::{pin::pin, time::Duration};

use futures_util::StreamExt as _;
use kube::api::WatchEvent;
use oci_crds::conditions::condition;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::{
    api::{Repositories, SILENCE},
    error::ClusterError,
    kstatus::{Verdict, judge},
    object::Stored,
};
use crate::ui::Conditions;

/// Shortest time from one watch to the next, whatever the server does.
const ROUND: Duration = Duration::from_secs(1);
/// Longest pause after something failed.
const PAUSE: Duration = Duration::from_secs(10);

/// What is waited for.
#[derive(Clone, Debug)]
pub(crate) enum Goal {
    /// The object is ready as it is specified now. A failure that the controller tries to overcome is waited out.
    Ready,
    /// The run that was asked for with this value has ended, well or not.
    Handled(String),
}

impl Goal {
    /// `None` while there is something to wait for.
    fn reached(&self, object: &Stored) -> Option<Result<(), ClusterError>> {
        let what = object.full_name();
        if object.is_suspended() {
            return Some(Err(ClusterError::Suspended { what }));
        }
        let handled = match self {
            Self::Ready => false,
            Self::Handled(token) if object.handled() == Some(token) => true,
            Self::Handled(_) => return None,
        };
        match judge(&object.state()) {
            Verdict::Current => Some(Ok(())),
            Verdict::Stalled(why) => {
                Some(Err(ClusterError::NotReady { what, why: why.clone().into(), stalled: true }))
            }
            Verdict::Failing(why) if handled => {
                Some(Err(ClusterError::NotReady { what, why: why.clone().into(), stalled: false }))
            }
            Verdict::Terminating => Some(Err(ClusterError::Deleted { what })),
            Verdict::Failing(_) | Verdict::InProgress => None,
        }
    }
}

/// Waits from a state of the object on, until `deadline`; tells each change of its conditions to `conditions`.
pub(crate) async fn wait(
    repositories: &Repositories,
    object: Stored,
    goal: &Goal,
    deadline: Option<Instant>,
    mut conditions: Conditions,
) -> Result<Stored, ClusterError> {
    conditions.know(&object.state().conditions);
    let mut waiting = Waiting { repositories, goal, conditions, object };
    let ended = match deadline {
        Some(deadline) => timeout_at(deadline, waiting.run()).await,
        None => Ok(waiting.run().await),
    };
    match ended {
        Ok(ended) => ended.map(|()| waiting.object),
        Err(_) => Err(waiting.not_in_time()),
    }
}

struct Waiting<'w> {
    repositories: &'w Repositories,
    goal: &'w Goal,
    conditions: Conditions,
    object: Stored,
}

impl Waiting<'_> {
    async fn run(&mut self) -> Result<(), ClusterError> {
        let mut pause = ROUND;
        if let Some(ended) = self.goal.reached(&self.object) {
            return ended;
        }
        loop {
            let next = Instant::now() + ROUND;
            match self.round().await {
                Ok(Some(())) => return Ok(()),
                Ok(None) => pause = ROUND,
                Err(error) if error.is_passing() || error.is_expired() => {
                    sleep(pause).await;
                    pause = (pause * 2).min(PAUSE);
                }
                Err(error) => return Err(error),
            }
            sleep_until(next).await;
            match self.repositories.get(self.object.name()).await {
                Ok(object) => {
                    if let Some(ended) = self.see(object) {
                        return ended;
                    }
                }
                Err(error) if error.is_passing() => {}
                Err(ClusterError::NotFound { what }) => return Err(ClusterError::Deleted { what }),
                Err(error) => return Err(error),
            }
        }
    }

    /// One watch, from the object's version to wherever it ends.
    async fn round(&mut self) -> Result<Option<()>, ClusterError> {
        let name = self.object.name().to_owned();
        let events = self.repositories.watch(&name, self.object.resource_version()).await?;
        let mut events = pin!(events);
        while let Ok(Some(event)) = timeout(SILENCE, events.next()).await {
            let event = event.map_err(|error| self.repositories.broken(error, &name))?;
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    if let Some(ended) = self.see(object.into()) {
                        return ended.map(Some);
                    }
                }
                WatchEvent::Deleted(_) => {
                    return Err(ClusterError::Deleted { what: self.object.full_name() });
                }
                WatchEvent::Bookmark(_) => {}
                WatchEvent::Error(status) => {
                    return Err(self.repositories.broken(kube::Error::Api(status), &name));
                }
            }
        }
        Ok(None)
    }

    fn see(&mut self, object: Stored) -> Option<Result<(), ClusterError>> {
        self.conditions.tell(&object.state().conditions);
        self.object = object;
        self.goal.reached(&self.object)
    }

    fn not_in_time(&self) -> ClusterError {
        let state = self.object.state();
        let last = match state.condition(condition::READY) {
            Some(ready) => format!("last: Ready={}: {}: {}", ready.status, ready.reason, ready.message),
            None => "no controller has looked at it; is one running?".to_owned(),
        };
        ClusterError::NotInTime { what: self.object.full_name(), last }
    }
}
