//! How many log lines may be caused from outside.
//!
//! A client that is wrong is worth a line; one that is wrong a thousand times a second must not fill the disk of a node,
//! or push other lines out of it. What is left out is counted by the metrics all the same.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// So many lines of each cause in a span of time. Causes must be of a closed set.
#[derive(Debug)]
pub struct Quotas<C> {
    lines: u32,
    span: Duration,
    /// As many as there are causes.
    causes: Mutex<HashMap<C, Quota>>,
}

/// One span of one cause.
#[derive(Debug)]
struct Quota {
    begun: Instant,
    logged: u32,
    suppressed: u64,
}

impl<C: Eq + Hash> Quotas<C> {
    /// Allows `lines` of each cause in every `span`, which begins with its first line.
    pub fn new(lines: u32, span: Duration) -> Self {
        Self { lines, span, causes: Mutex::default() }
    }

    /// Whether a line may be written, and how many of its cause were suppressed since the last one.
    pub fn line(&self, cause: C, now: Instant) -> Option<u64> {
        let mut causes = self.causes.lock().unwrap_or_else(PoisonError::into_inner);
        let quota = causes.entry(cause).or_insert(Quota { begun: now, logged: 0, suppressed: 0 });
        if now.saturating_duration_since(quota.begun) >= self.span {
            (quota.begun, quota.logged) = (now, 0);
        }
        if quota.logged == self.lines {
            quota.suppressed = quota.suppressed.saturating_add(1);
            return None;
        }
        quota.logged += 1;
        Some(std::mem::take(&mut quota.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_bound_the_lines_of_each_cause() {
        let quotas = Quotas::new(3, Duration::from_secs(10));
        let start = Instant::now();
        let at = |seconds, cause: &'static str| quotas.line(cause, start + Duration::from_secs(seconds));
        for _ in 0..3 {
            assert_eq!(at(0, "malformed"), Some(0));
        }
        for _ in 0..1_000 {
            assert_eq!(at(9, "malformed"), None);
        }
        assert_eq!(at(9, "busy"), Some(0), "another cause has lines of its own");
        assert_eq!(at(10, "malformed"), Some(1_000), "the first line of a span tells what was left out");
        assert_eq!(at(10, "malformed"), Some(0));
        assert_eq!(at(19, "malformed"), Some(0));
        assert_eq!(at(19, "malformed"), None);
        assert_eq!(at(25, "malformed"), Some(1), "a span begins with its first line");
    }
}
