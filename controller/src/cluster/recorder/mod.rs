//! Tells people and other controllers what happened: an Event, and a notification to `--events-addr`.
//!
//! Telling never waits and never fails: what is told goes into two bounded queues, one for each receiver, so that a
//! dead one delays neither a run nor the other. Of a full queue the oldest goes, and is counted.

mod event;
mod events;
mod notification;
mod notify;
mod queue;
mod quiet;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use oci_decide::Notice;
use reqwest::Url;
use tokio::task::JoinHandle;

use crate::observe::{Metrics, Told};
use queue::Queue;

/// Most things that wait for one receiver.
pub const WAITING: usize = 1000;
/// The pause before a notification is posted again.
const PAUSE: Duration = Duration::from_secs(1);
/// The name of the controller in Events and notifications: source-controller's, since receivers know that one.
pub const CONTROLLER: &str = "source-controller";

/// How things are told.
#[derive(Clone, Debug)]
pub struct RecorderOptions {
    /// The name of the controller: [`CONTROLLER`].
    pub controller: &'static str,
    /// The name of this process's host.
    pub instance: String,
    /// Where notifications are posted.
    pub notify: Option<Url>,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// One thing that happened.
#[derive(Debug)]
struct Happened {
    about: ObjectReference,
    notice: Notice,
    at: Timestamp,
}

/// Tells what happened. Clones share everything; with the last one, the telling ends.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    now: fn() -> Timestamp,
    events: Line,
    notifications: Option<Line>,
}

/// A queue and the task that empties it.
#[derive(Debug)]
struct Line {
    queue: Arc<Queue<Arc<Happened>>>,
    told: Told,
    task: JoinHandle<()>,
}

impl Recorder {
    /// Begins to tell. Must be called inside a tokio runtime; fails where no HTTP client can be made.
    pub fn new(client: Client, options: RecorderOptions, metrics: &Metrics) -> Result<Self, reqwest::Error> {
        Self::with_pause(client, options, metrics, PAUSE)
    }

    /// The same with another pause before a notification is posted again; it is doubled after each further try.
    pub fn with_pause(
        client: Client,
        options: RecorderOptions,
        metrics: &Metrics,
        pause: Duration,
    ) -> Result<Self, reqwest::Error> {
        let queue = || Arc::new(Queue::new(WAITING));
        let now = options.now;
        let notifications = match &options.notify {
            None => None,
            Some(url) => {
                let (queue, told) = (queue(), metrics.notifications.clone());
                let sender = notify::Sender::new(url.clone(), &options, pause)?;
                let task = tokio::spawn(notify::run(sender, Arc::clone(&queue), told.clone()));
                Some(Line { queue, told, task })
            }
        };
        let (queue, told) = (queue(), metrics.events.clone());
        let task = tokio::spawn(events::run(client, options, Arc::clone(&queue), told.clone()));
        let events = Line { queue, told, task };
        Ok(Self(Arc::new(Inner { now, events, notifications })))
    }

    /// Tells what happened to an object.
    pub fn publish(&self, about: &ObjectReference, notice: &Notice) {
        let happened = Happened { about: about.clone(), notice: notice.clone(), at: (self.0.now)() };
        let happened = Arc::new(happened);
        for line in self.lines() {
            if line.queue.push(Arc::clone(&happened)) {
                line.told.dropped.inc();
            }
        }
    }

    /// Waits until everything is told, at most for this long. Returns whether it was.
    pub async fn flush(&self, patience: Duration) -> bool {
        let all = async {
            for line in self.lines() {
                line.queue.finished().await;
            }
        };
        tokio::time::timeout(patience, all).await.is_ok()
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        std::iter::once(&self.0.events).chain(&self.0.notifications)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The text up to this many bytes, and an ellipsis where something was cut.
fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(most.saturating_sub('…'.len_utf8()));
    format!("{}…", text.get(..end).unwrap_or_default())
}
