//! When an object is looked at again.

use std::{sync::Arc, time::Duration};

use oci_artifact::Class;
use oci_decide::{Failure, Next, Observed, Outcome, Settings, Step, conclude};
use serde_json::json;

use crate::world::{observed, ready, v1};

fn with_interval(interval: &str) -> Observed {
    ready(&json!({ "spec": { "interval": interval } }))
}

fn next(observed: &Observed, outcome: &Outcome) -> Option<Duration> {
    match conclude(observed, outcome).next {
        Next::Never => None,
        Next::After(wait) => Some(wait),
    }
}

fn failure(step: Step, class: Class) -> Outcome {
    let failure = Failure { step, class, message: String::new(), hint: None };
    Outcome::Failed { failure, resolved: None }
}

const RETRY: Class = Class::Retry { after: None };

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

#[test]
fn regular_wait_is_the_interval_and_a_little() {
    for (interval, jitter_percent, dice, expected) in [
        ("10m", 5, 0.0, Some(570.0)),
        ("10m", 5, 0.5, Some(600.0)),
        ("10m", 5, 1.0, Some(630.0)),
        ("10m", 5, 0.75, Some(615.0)),
        ("10m", 0, 0.0, Some(600.0)),
        ("10m", 99, 0.0, Some(6.0)),
        ("10m", 255, 0.0, Some(6.0)),
        ("10m", 5, -7.0, Some(570.0)),
        ("10m", 5, 7.0, Some(630.0)),
        ("10m", 5, f64::NAN, Some(570.0)),
        ("0s", 5, 0.5, None),
        ("1s", 0, 0.5, Some(1.0)),
    ] {
        let settings = Arc::new(Settings { jitter_percent, ..Settings::default() });
        let observed = Observed { dice, settings, failures: 9, ..with_interval(interval) };
        let expected = expected.map(|wait| seconds(wait).as_millis());
        let found = next(&observed, &Outcome::Kept(v1())).map(|wait| wait.as_millis());
        assert_eq!(found, expected, "{interval} {jitter_percent} {dice}");
    }
    let longest = with_interval("2562047h47m16s");
    assert!(next(&longest, &Outcome::Kept(v1())).is_some());
}

#[test]
fn wait_after_failures_doubles_up_to_the_interval() {
    let after = |seconds| Class::Retry { after: Some(Duration::from_secs(seconds)) };
    for (name, interval, failures, class, dice, expected) in [
        ("the first", "10m", 0, RETRY, 1.0, 0.75),
        ("the first, at the least", "10m", 0, RETRY, 0.0, 0.5625),
        ("the second", "10m", 1, RETRY, 1.0, 1.5),
        ("the fifth", "10m", 4, RETRY, 1.0, 12.0),
        ("the tenth", "10m", 9, RETRY, 1.0, 384.0),
        ("more than the interval", "10m", 10, RETRY, 1.0, 600.0),
        ("more than the interval, at the least", "10m", 10, RETRY, 0.0, 450.0),
        ("for ever", "10m", u32::MAX, RETRY, 1.0, 600.0),
        ("more than the longest wait", "1h", 20, RETRY, 1.0, 900.0),
        ("an interval below the shortest wait", "100ms", 20, RETRY, 1.0, 0.75),
        ("no interval", "0s", 0, RETRY, 1.0, 0.75),
        ("no interval, for ever", "0s", 50, RETRY, 1.0, 900.0),
        ("denied", "10m", 1, Class::Denied, 1.0, 1.5),
        ("a conflict", "10m", 1, Class::Conflict, 1.0, 1.5),
        ("the other side asked", "10m", 0, after(30), 1.0, 30.0),
        ("the other side asked for less", "10m", 4, after(3), 1.0, 12.0),
        ("the other side asked for more than the interval", "1m", 0, after(300), 1.0, 300.0),
        ("the other side asked for an hour", "10m", 0, after(3_600), 1.0, 900.0),
        ("the same for ever", "10m", 0, Class::Terminal, 0.5, 600.0),
        ("the same for ever, a little later", "10m", 9, Class::Terminal, 1.0, 630.0),
        ("the same for ever, and no interval", "0s", 0, Class::Terminal, 0.5, 900.0),
    ] {
        let observed = Observed { dice, failures, ..with_interval(interval) };
        let found = next(&observed, &failure(Step::Digest, class));
        assert_eq!(found.unwrap().as_millis(), seconds(expected).as_millis(), "{name}");
    }
}

#[test]
fn wait_of_a_deletion_needs_no_interval() {
    let observed = Observed { dice: 1.0, failures: 1, ..observed(&json!({ "spec": { "interval": "x" } })) };
    for class in [RETRY, Class::Terminal] {
        assert_eq!(next(&observed, &failure(Step::Forget, class)), Some(seconds(1.5)));
    }
    let late = Observed { failures: 40, ..observed };
    assert_eq!(next(&late, &failure(Step::Forget, RETRY)), Some(seconds(900.0)));
}

#[test]
fn failures_are_counted_until_something_works() {
    let observed = Observed { failures: 3, ..with_interval("10m") };
    assert_eq!(conclude(&observed, &failure(Step::Digest, RETRY)).failures, 4);
    assert_eq!(conclude(&observed, &failure(Step::Digest, Class::Terminal)).failures, 4);
    assert_eq!(conclude(&observed, &Outcome::Kept(v1())).failures, 0);
    let many = Observed { failures: u32::MAX, ..observed };
    assert_eq!(conclude(&many, &failure(Step::Digest, RETRY)).failures, u32::MAX);
}
