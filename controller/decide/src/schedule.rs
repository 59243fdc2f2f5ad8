//! When an object is looked at again.

use std::time::Duration;

use oci_artifact::Class;

use crate::{Failure, Observed, Step};

/// Longest wait that the other side can ask for.
const LONGEST_ASKED: Duration = Duration::from_mins(15);

/// When an object is looked at again, unless something wakes it up earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Only if something changes.
    Never,
    /// After this time.
    After(Duration),
}

/// After a run that did what was wanted.
pub(crate) fn regular(observed: &Observed) -> Next {
    interval(observed).map_or(Next::Never, |interval| Next::After(jittered(observed, interval)))
}

/// After a run that failed.
pub(crate) fn retry(observed: &Observed, failure: &Failure) -> Next {
    let settings = &observed.settings;
    // Where success would mean never again, failure does not: Flux tries on, and so does the status say.
    let regular = interval(observed);
    let asked = match failure.class {
        // An artifact does not mend itself; but what is to be removed has to go.
        Class::Terminal if failure.step != Step::Forget => {
            return Next::After(jittered(observed, regular.unwrap_or(settings.max_retry)));
        }
        Class::Retry { after } => after.unwrap_or_default().min(LONGEST_ASKED),
        Class::Terminal | Class::Denied | Class::Conflict => Duration::ZERO,
    };
    // What works again is found out within an interval.
    let longest = regular
        .map_or(settings.max_retry, |interval| interval.max(settings.min_retry).min(settings.max_retry));
    let doubled = settings.min_retry.saturating_mul(2_u32.saturating_pow(observed.failures)).min(longest);
    Next::After(doubled.mul_f64(0.75 + 0.25 * dice(observed)).max(asked))
}

/// How often the registry is asked; `None` for once.
fn interval(observed: &Observed) -> Option<Duration> {
    let interval = observed.report.checked.as_ref()?.interval;
    (!interval.is_zero()).then_some(interval)
}

/// A little longer or shorter, so that objects that were made together do not stay together.
fn jittered(observed: &Observed, wait: Duration) -> Duration {
    let share = f64::from(observed.settings.jitter_percent.min(99)) / 100.0;
    wait.mul_f64(1.0 + share * (2.0 * dice(observed) - 1.0))
}

/// The dice, whatever was thrown.
fn dice(observed: &Observed) -> f64 {
    if observed.dice.is_nan() { 0.0 } else { observed.dice.clamp(0.0, 1.0) }
}
