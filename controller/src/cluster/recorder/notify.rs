//! Posting notifications: those of one object one after the other, and again where the receiver is away.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::{Client, Response, StatusCode, Url, header::RETRY_AFTER};
use tokio::{task::JoinSet, time::sleep};

use super::{Happened, RecorderOptions, notification::body, queue::Queue, quiet::Quiet};
use crate::observe::Told;

/// Most notifications that are posted at once.
const AT_ONCE: usize = 8;
/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Tries after the first.
const RETRIES: u32 = 4;
/// Longest pause, also where the receiver asks for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Whom a notification is about.
type Key = (Option<String>, Option<String>);

fn key(happened: &Happened) -> Key {
    (happened.about.namespace.clone(), happened.about.name.clone())
}

/// How notifications are posted.
#[derive(Debug)]
pub(super) struct Sender {
    client: Client,
    url: Url,
    options: RecorderOptions,
    pause: Duration,
}

/// What a try has shown.
enum Tried {
    /// The receiver has it, or had it before.
    Arrived,
    /// The receiver does not want it, and never will.
    Refused(String),
    /// It may work later.
    Away(String, Option<Duration>),
}

impl Sender {
    /// Posts to that address; `pause` is the one before the first retry.
    pub(super) fn new(
        url: Url,
        options: &RecorderOptions,
        pause: Duration,
    ) -> Result<Arc<Self>, reqwest::Error> {
        let agent = concat!("oci-controller/", env!("CARGO_PKG_VERSION"));
        let client = Client::builder().timeout(PATIENCE).user_agent(agent).build()?;
        Ok(Arc::new(Self { client, url, options: options.clone(), pause }))
    }

    /// Posts until it has arrived or there is no hope.
    async fn send(&self, happened: &Happened) -> Result<(), String> {
        let mut pause = self.pause;
        for left in (0..=RETRIES).rev() {
            match self.try_once(happened).await {
                Tried::Arrived => return Ok(()),
                Tried::Refused(why) => return Err(why),
                Tried::Away(why, _) if left == 0 => return Err(why),
                Tried::Away(_, asked) => sleep(asked.unwrap_or(pause).min(LONGEST_PAUSE)).await,
            }
            pause = pause.saturating_mul(2);
        }
        Ok(())
    }

    async fn try_once(&self, happened: &Happened) -> Tried {
        let body = body(happened, &self.options);
        match self.client.post(self.url.clone()).json(&body).send().await {
            Ok(answer) => judge(&answer),
            // Another try would be sent the same way.
            Err(error) if error.is_redirect() || error.is_builder() => Tried::Refused(text(error)),
            Err(error) => Tried::Away(text(error), None),
        }
    }
}

fn judge(answer: &Response) -> Tried {
    let status = answer.status();
    match status {
        // The receiver has seen it already.
        StatusCode::TOO_MANY_REQUESTS => Tried::Arrived,
        StatusCode::NOT_IMPLEMENTED => Tried::Refused(status.to_string()),
        status if status.is_server_error() => {
            let asked = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            Tried::Away(status.to_string(), asked.map(Duration::from_secs))
        }
        status if status.is_success() => Tried::Arrived,
        status => Tried::Refused(status.to_string()),
    }
}

/// Without the address, which may have a token in it.
fn text(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// Posts notifications until it is dropped.
pub(super) async fn run(sender: Arc<Sender>, queue: Arc<Queue<Arc<Happened>>>, told: Told) {
    let mut under_way: JoinSet<(Key, Result<(), String>)> = JoinSet::new();
    let mut busy: HashSet<Key> = HashSet::new();
    let mut quiet = Quiet::default();
    loop {
        tokio::select! {
            happened = queue.next(|next| !busy.contains(&key(next))), if under_way.len() < AT_ONCE => {
                let (sender, key) = (Arc::clone(&sender), key(&happened));
                busy.insert(key.clone());
                under_way.spawn(async move { (key, sender.send(&happened).await) });
            }
            Some(sent) = under_way.join_next() => {
                queue.done();
                let Ok((key, sent)) = sent else { continue };
                busy.remove(&key);
                match sent {
                    Ok(()) => {
                        told.sent.inc();
                    }
                    Err(error) => {
                        told.failed.inc();
                        if quiet.may("", Instant::now()) {
                            tracing::error!(error, "posting a notification failed");
                        }
                    }
                }
            }
        }
    }
}
