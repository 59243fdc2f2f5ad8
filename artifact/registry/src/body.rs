//! Reading bodies: within a bound of bytes, and never slower than patience allows.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use oci_artifact::limits::OverBudget;
use tokio::time::{Instant, timeout};

use crate::{error::Fault, failure, transport::Reply};

/// Longest wait for the head of an answer, and for the next bytes of a body, in either direction.
pub(crate) const IDLE: Duration = Duration::from_mins(1);
/// Bytes in a second that a blob must bring at least, so that a drip does not hold its reader for ever.
const FLOOR: u64 = 1 << 10;
/// How much waiting is averaged before [`FLOOR`] is judged.
const WINDOW: Duration = Duration::from_secs(30);

/// All of a body of at most `limit` bytes; more is an error.
pub(crate) async fn read_all(mut reply: Reply, limit: u64, what: &'static str) -> Result<Bytes, Fault> {
    let mut out = BytesMut::new();
    while let Some(chunk) = next(&mut reply).await? {
        if (out.len() + chunk.len()) as u64 > limit {
            return Err(OverBudget { what, limit }.into());
        }
        out.extend_from_slice(&chunk);
    }
    Ok(out.freeze())
}

/// The first `limit` bytes of a body that is only shown; what fails while reading ends it.
pub(crate) async fn read_start(mut reply: Reply, limit: u64) -> Bytes {
    let mut out = BytesMut::new();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    while out.len() < limit {
        match next(&mut reply).await {
            Ok(Some(chunk)) => out.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    out.truncate(limit);
    out.freeze()
}

/// The next bytes, or `None` at the end.
pub(crate) async fn next(reply: &mut Reply) -> Result<Option<Bytes>, Fault> {
    match timeout(reply.idle, reply.response.chunk()).await {
        Ok(Ok(chunk)) => Ok(chunk),
        Ok(Err(error)) => Err(failure::classify(&error, &reply.url).after_an_answer()),
        Err(_) => Err(Fault::Stalled { origin: failure::origin(&reply.url), after: reply.idle, received: 0 }),
    }
}

/// The next bytes of a blob, which must also keep a pace.
pub(crate) async fn next_paced(reply: &mut Reply, pace: &mut Pace) -> Result<Option<Bytes>, Fault> {
    let started = Instant::now();
    let chunk = next(reply).await?;
    let length = chunk.as_ref().map_or(0, Bytes::len);
    match pace.add(started.elapsed(), length as u64) {
        Some((after, received)) if chunk.is_some() => {
            Err(Fault::Stalled { origin: failure::origin(&reply.url), after, received })
        }
        _ => Ok(chunk),
    }
}

/// What came in how much waiting. The time that the reader of the bytes takes for itself does not count.
#[derive(Default)]
pub(crate) struct Pace {
    waited: Duration,
    received: u64,
}

impl Pace {
    /// Counts one wait; returns the window's waiting and bytes if they were too few.
    fn add(&mut self, waited: Duration, bytes: u64) -> Option<(Duration, u64)> {
        self.waited += waited;
        self.received += bytes;
        if self.waited < WINDOW {
            return None;
        }
        let window = std::mem::take(self);
        let slow = window.received < FLOOR * window.waited.as_secs();
        slow.then_some((window.waited, window.received))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn pace_refuses_a_drip_after_one_window() {
        let mut pace = Pace::default();
        let judged = (0..30).find_map(|_| pace.add(SECOND, 1));
        assert_eq!(judged, Some((WINDOW, 30)));
    }

    #[test]
    fn pace_takes_the_floor_and_begins_anew_after_each_window() {
        let mut pace = Pace::default();
        assert!((0..300).all(|_| pace.add(SECOND, FLOOR).is_none()));
        let judged = (0..29).all(|_| pace.add(SECOND, 0).is_none());
        assert!(judged, "too little is judged at the window's end only");
        assert_eq!(pace.add(SECOND, FLOOR * 30 - 1), Some((WINDOW, FLOOR * 30 - 1)));
    }

    #[test]
    fn pace_takes_a_long_silence_that_much_follows() {
        assert!(Pace::default().add(SECOND * 50, 64 << 10).is_none());
    }
}
