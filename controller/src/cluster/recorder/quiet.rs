//! Not the same complaint over and over.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// Time between two complaints about the same.
const SPAN: Duration = Duration::from_mins(1);
/// Most subjects that are remembered.
const SUBJECTS: usize = 1000;

/// When what was complained about.
#[derive(Debug, Default)]
pub(super) struct Quiet(HashMap<String, Instant>);

impl Quiet {
    /// Whether to complain now.
    pub(super) fn may(&mut self, subject: &str, now: Instant) -> bool {
        self.0.retain(|_, last| now.saturating_duration_since(*last) < SPAN);
        if self.0.contains_key(subject) || self.0.len() >= SUBJECTS {
            return false;
        }
        self.0.insert(subject.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_come_once_a_minute_for_each_subject() {
        let (mut quiet, begin) = (Quiet::default(), Instant::now());
        let mut may = |subject: &str, second| quiet.may(subject, begin + Duration::from_secs(second));
        assert!(may("a", 0) && !may("a", 59) && may("b", 59) && may("a", 60));
        for number in 0..SUBJECTS {
            may(&number.to_string(), 61);
        }
        assert!(!may("one too many", 61));
        assert!(may("one too many", 200));
    }
}
