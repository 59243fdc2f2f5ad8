//! `spec.interval` and `spec.timeout`.

use std::time::Duration;

use super::{Code, Fault, Path, fault::quote, given};
use crate::{duration, v1::Spec};

/// The timeout where none is given, as in Flux.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_mins(1);
/// Longest timeout that makes sense: the transfer of a layer has a bound of its own.
pub const LONGEST_TIMEOUT: Duration = Duration::from_hours(1);
/// Shortest interval that is not refused.
pub const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// The interval.
pub(super) fn interval(spec: &Spec, faults: &mut Vec<Fault>) -> Option<Duration> {
    let path = Path::new("spec.interval");
    let Some(text) = given(spec.interval.as_ref()) else {
        let message = "the interval is missing".to_owned();
        faults.push(Fault::new(Code::IntervalMissing, &path, None, message).hint("write it like `5m`"));
        return None;
    };
    let mut fault = |code, message: String| {
        faults.push(Fault::new(code, &path, Some(text), message).hint("write it like `5m`"));
    };
    match duration::parse(text) {
        Ok(interval) if interval.is_zero() => {
            fault(
                Code::IntervalZero,
                format!("{} means that the registry is asked once and never again", quote(text)),
            );
            Some(interval)
        }
        Ok(interval) => {
            if interval < SHORTEST_INTERVAL {
                fault(Code::IntervalShort, format!("{} is shorter than a second", quote(text)));
            }
            Some(interval)
        }
        Err(error) => {
            fault(Code::IntervalInvalid, format!("{} is no duration: {error}", quote(text)));
            None
        }
    }
}

/// The timeout.
pub(super) fn timeout(spec: &Spec, faults: &mut Vec<Fault>) -> Option<Duration> {
    let path = Path::new("spec.timeout");
    let Some(text) = given(spec.timeout.as_ref()) else {
        return Some(DEFAULT_TIMEOUT);
    };
    let mut fault = |code, message: String| {
        faults.push(Fault::new(code, &path, Some(text), message).hint("write it like `60s`, or remove it"));
    };
    match duration::parse(text) {
        Ok(timeout) if timeout.is_zero() => {
            fault(Code::TimeoutZero, format!("{} leaves no time for a run", quote(text)));
            // Flux applies a timeout to logins and verification only, so that such an object runs there.
            Some(DEFAULT_TIMEOUT)
        }
        Ok(timeout) => {
            if timeout > LONGEST_TIMEOUT {
                fault(
                    Code::TimeoutLong,
                    format!("{} is more than an hour; the download itself has its own limit", quote(text)),
                );
            }
            Some(timeout)
        }
        Err(error) => {
            fault(Code::TimeoutInvalid, format!("{} is no duration: {error}", quote(text)));
            None
        }
    }
}
