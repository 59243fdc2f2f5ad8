//! Waiting for a condition instead of sleeping.

use std::{fmt::Display, time::Duration};

use tokio::time::{Instant, sleep, timeout_at};

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Tries until it succeeds, and returns what it got; after `deadline` the test fails with the last reason.
///
/// `what` completes the sentence "waited for …".
pub async fn eventually<T, E: Display>(
    what: &str,
    deadline: Duration,
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let end = Instant::now() + deadline;
    let mut last = "it never answered".to_owned();
    let done = timeout_at(end, async {
        loop {
            match attempt().await {
                Ok(found) => return found,
                Err(reason) => last = reason.to_string(),
            }
            sleep(LOOK).await;
        }
    });
    let done = done.await;
    done.unwrap_or_else(|_| panic!("waited {} s for {what}: {last}", deadline.as_secs_f64()))
}
