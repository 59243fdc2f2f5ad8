//! What a record says, and what is written into it. Pure: instants and times are arguments.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};

/// The record as we have seen it, and since when it is unchanged.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(Option<(LeaseSpec, Instant)>);

/// Whose a Lease is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    Us,
    /// Nobody, or somebody who has not renewed for too long.
    Nobody,
    Other(String),
}

impl Seen {
    /// Whose the Lease is, by what is read at `now`. `identity` is ours, `duration` the least that we wait for a
    /// holder.
    pub(super) fn holder(
        &mut self,
        lease: &Lease,
        now: Instant,
        identity: &str,
        duration: Duration,
    ) -> Holder {
        let spec = lease.spec.clone().unwrap_or_default();
        let since = match &self.0 {
            Some((seen, since)) if *seen == spec => *since,
            _ => now,
        };
        let holder = match spec.holder_identity.as_deref() {
            None | Some("") => Holder::Nobody,
            Some(holder) if holder == identity => Holder::Us,
            Some(_) if now.saturating_duration_since(since) >= patience(&spec, duration) => Holder::Nobody,
            Some(holder) => Holder::Other(holder.to_owned()),
        };
        self.0 = Some((spec, since));
        holder
    }
}

/// How long a holder is waited for: what it asks for, and at least what we would ask for.
fn patience(spec: &LeaseSpec, duration: Duration) -> Duration {
    let asked =
        spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or_default();
    Duration::from_secs(asked).max(duration)
}

/// The record of whoever takes or keeps the Lease.
pub(super) fn held(old: Option<&LeaseSpec>, identity: &str, duration: Duration, now: Timestamp) -> LeaseSpec {
    let mut spec = old.cloned().unwrap_or_default();
    if spec.holder_identity.as_deref() != Some(identity) {
        // The first holder of a new Lease is no transition.
        let transitions = old.map_or(0, |old| old.lease_transitions.unwrap_or_default().saturating_add(1));
        spec.lease_transitions = Some(transitions);
        spec.acquire_time = Some(MicroTime(now));
        spec.holder_identity = Some(identity.to_owned());
    }
    let whole = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    spec.lease_duration_seconds = Some(i32::try_from(whole).unwrap_or(i32::MAX));
    spec.renew_time = Some(MicroTime(now));
    spec
}

/// The record of a Lease that was given back.
pub(super) fn released(old: &LeaseSpec, now: Timestamp) -> LeaseSpec {
    LeaseSpec {
        holder_identity: None,
        lease_duration_seconds: Some(1),
        acquire_time: Some(MicroTime(now)),
        renew_time: Some(MicroTime(now)),
        ..old.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DURATION: Duration = Duration::from_secs(35);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn lease(spec: LeaseSpec) -> Lease {
        Lease { spec: Some(spec), ..Lease::default() }
    }

    #[test]
    fn record_counts_transitions_and_keeps_the_acquire_time() {
        let first = held(None, "a", Duration::from_millis(34_500), at(0));
        assert_eq!(first.lease_transitions, Some(0));
        assert_eq!(first.lease_duration_seconds, Some(35));
        let renewed = held(Some(&first), "a", DURATION, at(5));
        assert_eq!(
            (renewed.acquire_time.clone(), renewed.lease_transitions),
            (Some(MicroTime(at(0))), Some(0))
        );
        assert_eq!(renewed.renew_time, Some(MicroTime(at(5))));
        let taken = held(Some(&renewed), "b", DURATION, at(50));
        assert_eq!((taken.acquire_time.clone(), taken.lease_transitions), (Some(MicroTime(at(50))), Some(1)));
        let given_back = released(&taken, at(60));
        assert_eq!((given_back.holder_identity.clone(), given_back.lease_transitions), (None, Some(1)));
        assert_eq!(held(Some(&given_back), "a", DURATION, at(61)).lease_transitions, Some(2));
    }

    #[test]
    fn record_is_over_once_it_was_seen_unchanged_for_its_duration() {
        let (mut seen, begin) = (Seen::default(), Instant::now());
        let mut look = |spec: &LeaseSpec, second: u64| {
            seen.holder(&lease(spec.clone()), begin + Duration::from_secs(second), "me", DURATION)
        };
        // Its clock is an hour behind or ahead: nobody looks at it.
        for skew in [-3600, 3600] {
            let other = held(None, "other", DURATION, at(skew));
            let start = if skew < 0 { 0 } else { 100 };
            assert_eq!(look(&other, start), Holder::Other("other".to_owned()));
            assert_eq!(look(&other, start + 34), Holder::Other("other".to_owned()));
            let renewed = held(Some(&other), "other", DURATION, at(skew + 5));
            assert_eq!(look(&renewed, start + 36), Holder::Other("other".to_owned()));
            assert_eq!(look(&renewed, start + 70), Holder::Other("other".to_owned()));
            assert_eq!(look(&renewed, start + 71), Holder::Nobody);
        }
    }

    #[test]
    fn record_is_waited_for_as_long_as_its_holder_asks() {
        let (mut seen, begin) = (Seen::default(), Instant::now());
        let patient = lease(held(None, "other", Duration::from_mins(1), at(0)));
        let mut look = |lease: &Lease, second: u64| {
            seen.holder(lease, begin + Duration::from_secs(second), "me", DURATION)
        };
        assert_eq!(look(&patient, 0), Holder::Other("other".to_owned()));
        assert_eq!(look(&patient, 59), Holder::Other("other".to_owned()));
        assert_eq!(look(&patient, 60), Holder::Nobody);
    }

    #[test]
    fn record_without_a_holder_is_free() {
        let mut seen = Seen::default();
        let mut look = |lease: &Lease| seen.holder(lease, Instant::now(), "me", DURATION);
        assert_eq!(look(&Lease::default()), Holder::Nobody);
        assert_eq!(
            look(&lease(LeaseSpec { holder_identity: Some(String::new()), ..LeaseSpec::default() })),
            Holder::Nobody
        );
        assert_eq!(look(&lease(held(None, "me", DURATION, at(0)))), Holder::Us);
    }
}
