//! Registries that do not answer are left alone for a while, so that they hold nobody up.
//!
//! ```text
//! open ──a call finds nobody──► shut for 1 s, 2 s, … 60 s ──time is over──► one call probes, others still fail
//!   ▲                             ▲                                          │            │
//!   │                             └──────────────────────nobody──────────────┘            │
//!   └──────────────────────────────────────────────────────────────────────an answer──────┘
//! ```

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a registry is left alone after the first fault; doubled for each further one.
const FIRST: Duration = Duration::from_secs(1);
/// The longest time that it is left alone.
const LONGEST: Duration = Duration::from_mins(1);
/// Registries that are remembered; of more the one whose time is over first is forgotten.
const MOST: usize = 1_024;

/// A call that was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shut<W> {
    /// How long no call is made.
    pub(crate) left: Duration,
    /// What the last call came to.
    pub(crate) why: W,
}

#[derive(Clone, Debug)]
struct Entry<W> {
    until: Instant,
    pause: Duration,
    /// A call is under way that will tell.
    probing: bool,
    why: W,
}

/// What is known of each route. Time and dice are arguments.
#[derive(Debug)]
struct State<R, W>(HashMap<R, Entry<W>>);

impl<R: Clone + Eq + Hash, W: Clone> State<R, W> {
    /// Whether a call may be made, and whether it is the probe.
    fn enter(&mut self, route: &R, now: Instant) -> Result<bool, Shut<W>> {
        let Some(entry) = self.0.get_mut(route) else {
            return Ok(false);
        };
        if now < entry.until {
            return Err(Shut { left: entry.until - now, why: entry.why.clone() });
        }
        if entry.probing {
            return Err(Shut { left: FIRST, why: entry.why.clone() });
        }
        entry.probing = true;
        Ok(true)
    }

    fn answered(&mut self, route: &R) {
        self.0.remove(route);
    }

    /// A call found nobody. `dice` is in `[0, 1)`. Calls that were made before the route was shut change nothing.
    fn unanswered(&mut self, route: &R, now: Instant, dice: f64, why: W) {
        let known = self.0.get(route);
        if known.is_some_and(|entry| now < entry.until) {
            return;
        }
        let pause = known.map_or(FIRST, |entry| (entry.pause * 2).min(LONGEST));
        let until = now + pause.mul_f64(0.75 + dice / 2.0);
        if known.is_none() && self.0.len() >= MOST {
            let first = self.0.iter().min_by_key(|(_, entry)| entry.until).map(|(route, _)| route.clone());
            if let Some(first) = first {
                self.0.remove(&first);
            }
        }
        self.0.insert(route.clone(), Entry { until, pause, probing: false, why });
    }

    /// The probe ended without an answer to the question.
    fn abandoned(&mut self, route: &R) {
        if let Some(entry) = self.0.get_mut(route) {
            entry.probing = false;
        }
    }
}

/// Shared by all runs.
#[derive(Debug)]
pub(crate) struct Breaker<R, W>(Mutex<State<R, W>>);

impl<R: Clone + Eq + Hash, W: Clone> Breaker<R, W> {
    /// All routes are open.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State(HashMap::new())))
    }

    /// Asks to make a call.
    pub(crate) fn enter<'a>(&'a self, route: &'a R, now: Instant) -> Result<Pass<'a, R, W>, Shut<W>> {
        let probe = self.state(|state| state.enter(route, now))?;
        Ok(Pass { breaker: self, route, probe })
    }

    fn state<T>(&self, with: impl FnOnce(&mut State<R, W>) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The right to make one call. Dropping it says nothing about the route.
#[derive(Debug)]
pub(crate) struct Pass<'a, R: Clone + Eq + Hash, W: Clone> {
    breaker: &'a Breaker<R, W>,
    route: &'a R,
    probe: bool,
}

impl<R: Clone + Eq + Hash, W: Clone> Pass<'_, R, W> {
    /// Somebody answered, whatever it was.
    pub(crate) fn answered(mut self) {
        self.probe = false;
        self.breaker.state(|state| state.answered(self.route));
    }

    /// Nobody answered.
    pub(crate) fn unanswered(mut self, now: Instant, dice: f64, why: W) {
        self.probe = false;
        self.breaker.state(|state| state.unanswered(self.route, now, dice, why));
    }
}

impl<R: Clone + Eq + Hash, W: Clone> Drop for Pass<'_, R, W> {
    fn drop(&mut self) {
        if self.probe {
            self.breaker.state(|state| state.abandoned(self.route));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A route that is shut since a call at its start.
    fn shut() -> (Breaker<&'static str, &'static str>, Instant) {
        let (breaker, start) = (Breaker::new(), Instant::now());
        breaker.enter(&"r", start).unwrap().unanswered(start, 0.5, "refused");
        (breaker, start)
    }

    fn left(breaker: &Breaker<&'static str, &'static str>, now: Instant) -> Option<Duration> {
        breaker.enter(&"r", now).err().map(|shut| shut.left)
    }

    #[test]
    fn breaker_shuts_after_a_fault_and_says_why_and_for_how_long() {
        let (breaker, start) = shut();
        let refused = breaker.enter(&"r", start + FIRST / 4).unwrap_err();
        assert_eq!(refused, Shut { left: FIRST * 3 / 4, why: "refused" });
        assert!(breaker.enter(&"other", start).is_ok());
    }

    #[test]
    fn breaker_lets_one_call_probe() {
        let (breaker, start) = shut();
        let probe = breaker.enter(&"r", start + FIRST).unwrap();
        assert_eq!(left(&breaker, start + FIRST), Some(FIRST));
        probe.answered();
        assert_eq!(left(&breaker, start + FIRST), None);
        assert_eq!(left(&breaker, start + FIRST), None, "an open route has no probes");
    }

    #[test]
    fn breaker_gives_the_probe_of_a_cancelled_run_to_another() {
        let (breaker, start) = shut();
        drop(breaker.enter(&"r", start + FIRST).unwrap());
        assert_eq!(left(&breaker, start + FIRST), None);
    }

    #[test]
    fn breaker_doubles_the_pause_up_to_a_minute() {
        let (breaker, start) = shut();
        let mut now = start + FIRST;
        for seconds in [2, 4, 8, 16, 32, 60, 60] {
            breaker.enter(&"r", now).unwrap().unanswered(now, 0.5, "refused");
            assert_eq!(left(&breaker, now), Some(Duration::from_secs(seconds)));
            now += Duration::from_secs(seconds);
        }
        breaker.enter(&"r", now).unwrap().answered();
        breaker.enter(&"r", now).unwrap().unanswered(now, 0.5, "refused");
        assert_eq!(left(&breaker, now), Some(FIRST));
    }

    #[test]
    fn breaker_counts_calls_at_once_as_one() {
        let (breaker, start) = (Breaker::new(), Instant::now());
        let together = [breaker.enter(&"r", start).unwrap(), breaker.enter(&"r", start).unwrap()];
        for pass in together {
            pass.unanswered(start, 0.5, "refused");
        }
        assert_eq!(left(&breaker, start), Some(FIRST));
    }

    #[test]
    fn breaker_spreads_the_pause_by_the_dice() {
        for (dice, milliseconds) in [(0.0, 750), (0.999_999_9, 1_250)] {
            let (breaker, start) = (Breaker::new(), Instant::now());
            breaker.enter(&"r", start).unwrap().unanswered(start, dice, "refused");
            assert_eq!(
                left(&breaker, start).map(|left| left.as_millis().next_multiple_of(2)),
                Some(milliseconds)
            );
        }
    }

    #[test]
    fn breaker_remembers_so_many_routes() {
        let (breaker, start) = (Breaker::new(), Instant::now());
        for number in 0..=MOST {
            let now = start + Duration::from_micros(number as u64);
            breaker.enter(&number, now).unwrap().unanswered(now, 0.5, ());
        }
        assert!(breaker.enter(&0, start).is_ok());
        assert!(breaker.enter(&MOST, start).is_err());
    }
}
