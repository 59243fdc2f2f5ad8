//! Which object is run next.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use oci_decide::queue::Queue;

/// A queue with its own time in seconds.
struct Clock {
    start: Instant,
    queue: Queue<&'static str, &'static str>,
}

impl Clock {
    fn new(all: usize, lane: usize) -> Self {
        Self { start: Instant::now(), queue: Queue::new(all, lane) }
    }

    fn at(&self, second: u64) -> Instant {
        self.start + Duration::from_secs(second)
    }

    fn wake(&mut self, key: &'static str, lane: &'static str, second: u64) {
        self.queue.wake(&key, &lane, self.at(second));
    }

    /// All that can run at that time.
    fn take(&mut self, second: u64) -> Vec<&'static str> {
        let now = self.at(second);
        std::iter::from_fn(|| self.queue.next(now)).map(|(key, _)| key).collect()
    }

    fn done(&mut self, key: &'static str, next: Option<u64>) {
        let next = next.map(|second| self.at(second));
        self.queue.done(&key, next);
    }

    fn due(&self) -> Option<u64> {
        self.queue.due().map(|at| at.duration_since(self.start).as_secs())
    }
}

#[test]
fn queue_runs_by_time_and_then_by_arrival() {
    let mut clock = Clock::new(9, 9);
    for (key, second) in [("late", 3), ("b", 1), ("a", 1), ("future", 5), ("c", 1)] {
        clock.wake(key, key, second);
    }
    assert_eq!(clock.due(), Some(1));
    assert_eq!(clock.take(0), [""; 0]);
    assert_eq!(clock.take(3), ["b", "a", "c", "late"]);
    assert_eq!(clock.due(), Some(5));
    assert_eq!(clock.queue.running(), 4);
}

#[test]
fn queue_keeps_the_earlier_time_of_two() {
    let mut clock = Clock::new(9, 9);
    clock.wake("a", "l", 5);
    clock.wake("a", "l", 3);
    clock.wake("a", "l", 4);
    assert_eq!(clock.due(), Some(3));
    assert_eq!(clock.take(9), ["a"]);
}

#[test]
fn queue_leaves_a_place_as_it_is_when_woken_for_the_same_time() {
    let mut clock = Clock::new(9, 9);
    clock.wake("a", "l", 1);
    clock.wake("b", "l", 1);
    clock.wake("a", "l", 1);
    assert_eq!(clock.take(1), ["a", "b"]);
}

#[test]
fn queue_never_runs_an_object_twice_at_once() {
    let mut clock = Clock::new(9, 9);
    clock.wake("a", "l", 0);
    assert_eq!(clock.take(0), ["a"]);
    clock.wake("a", "l", 0);
    assert_eq!((clock.take(9), clock.due()), (vec![], None));
    clock.done("a", None);
    assert_eq!(clock.take(9), ["a"]);
    clock.done("a", None);
    assert_eq!((clock.take(9), clock.due()), (vec![], None));
}

#[test]
fn queue_takes_the_earliest_of_all_wishes_for_the_next_run() {
    for (woken, next, expected) in [
        (vec![], None, None),
        (vec![], Some(7), Some(7)),
        (vec![5], Some(7), Some(5)),
        (vec![9], Some(7), Some(7)),
        (vec![6, 5, 8], None, Some(5)),
    ] {
        let mut clock = Clock::new(9, 9);
        clock.wake("a", "l", 0);
        clock.take(0);
        for second in &woken {
            clock.wake("a", "l", *second);
        }
        clock.done("a", next);
        assert_eq!(clock.due(), expected, "{woken:?} {next:?}");
    }
}

#[test]
fn queue_lets_a_full_lane_wait_without_being_in_the_way() {
    let mut clock = Clock::new(9, 2);
    for (key, lane) in [("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b")] {
        clock.wake(key, lane, 0);
    }
    assert_eq!(clock.take(0), ["a1", "a2", "b1"]);
    assert_eq!((clock.queue.waiting(clock.at(0)), clock.due()), (1, None));
    clock.done("a2", Some(60));
    assert_eq!(clock.due(), Some(0));
    assert_eq!(clock.take(0), ["a3"]);
    assert_eq!(clock.queue.waiting(clock.at(0)), 0);
}

#[test]
fn queue_runs_no_more_than_all_at_once() {
    let mut clock = Clock::new(2, 9);
    for key in ["a", "b", "c"] {
        clock.wake(key, key, 0);
    }
    assert_eq!(clock.take(0), ["a", "b"]);
    assert_eq!((clock.due(), clock.queue.waiting(clock.at(0))), (None, 1));
    clock.done("a", Some(0));
    assert_eq!(clock.due(), Some(0));
    assert_eq!(clock.take(0), ["c"], "who waited longer goes first");
}

#[test]
fn queue_has_room_for_one_at_least() {
    let mut clock = Clock::new(0, 0);
    clock.wake("a", "l", 0);
    assert_eq!(clock.take(0), ["a"]);
}

#[test]
fn queue_moves_an_object_to_the_lane_it_is_woken_in() {
    let mut clock = Clock::new(9, 1);
    for (key, lane) in [("a1", "a"), ("a2", "a"), ("b1", "b")] {
        clock.wake(key, lane, 0);
    }
    assert_eq!(clock.take(0), ["a1", "b1"]);
    clock.wake("a2", "c", 5);
    assert_eq!(clock.take(0), ["a2"], "with the time that it had");

    // While it runs it counts for the lane that it began in, and for the other one from then on.
    clock.wake("a2", "b", 0);
    clock.wake("c1", "c", 0);
    assert_eq!(clock.take(0), [""; 0]);
    clock.done("a2", None);
    assert_eq!(clock.take(0), ["c1"]);
    clock.done("b1", None);
    assert_eq!(clock.take(0), ["a2"]);
}

#[test]
fn queue_forgets_what_is_removed() {
    let mut clock = Clock::new(9, 9);
    clock.wake("a", "l", 0);
    clock.wake("b", "l", 1);
    clock.queue.remove(&"a");
    clock.queue.remove(&"never seen");
    assert_eq!(clock.due(), Some(1));
    assert_eq!(clock.take(9), ["b"]);

    clock.wake("b", "l", 2);
    clock.queue.remove(&"b");
    assert_eq!(clock.queue.running(), 1, "the run is still under way");
    clock.done("b", Some(3));
    assert_eq!((clock.due(), clock.queue.running()), (None, 0));
    clock.done("b", Some(3));
    assert_eq!(clock.due(), None, "the end of a run that never began");
}

#[test]
fn queue_runs_an_object_that_comes_back_while_its_old_run_ends() {
    let mut clock = Clock::new(9, 9);
    clock.wake("a", "l", 0);
    clock.take(0);
    clock.queue.remove(&"a");
    clock.wake("a", "l", 4);
    clock.done("a", Some(2));
    assert_eq!(clock.due(), Some(4), "what the old object wanted is of no interest");
}

/// The same rules, written without any thought of speed.
#[derive(Default)]
struct Model {
    waiting: BTreeMap<u8, (u64, u64, u8)>,
    running: BTreeMap<u8, (u8, u8, Option<u64>, bool)>,
    arrivals: u64,
}

impl Model {
    const ALL: usize = 4;
    const LANE: usize = 2;

    fn wake(&mut self, key: u8, lane: u8, at: u64) {
        self.arrivals += 1;
        if let Some((_, next_lane, again, _)) = self.running.get_mut(&key) {
            *next_lane = lane;
            *again = Some(again.unwrap_or(at).min(at));
        } else {
            let place = self.waiting.entry(key).or_insert((at, self.arrivals, lane));
            place.2 = lane;
            if at < place.0 {
                (place.0, place.1) = (at, self.arrivals);
            }
        }
    }

    fn best(&self) -> Option<(u64, u64, u8)> {
        if self.running.len() >= Self::ALL {
            return None;
        }
        let used = |lane| self.running.values().filter(|(slot, ..)| *slot == lane).count();
        let open = self.waiting.iter().filter(|(_, (_, _, lane))| used(*lane) < Self::LANE);
        open.map(|(key, (at, number, _))| (*at, *number, *key)).min()
    }

    fn next(&mut self, now: u64) -> Option<(u8, u64)> {
        let (since, _, key) = self.best().filter(|(at, ..)| *at <= now)?;
        let (_, _, lane) = self.waiting.remove(&key).unwrap();
        self.running.insert(key, (lane, lane, None, false));
        Some((key, since))
    }

    fn done(&mut self, key: u8, next: Option<u64>) {
        let Some((_, lane, again, removed)) = self.running.remove(&key) else { return };
        let next = if removed { None } else { next };
        if let Some(at) = again.into_iter().chain(next).min() {
            self.wake(key, lane, at);
        }
    }

    fn remove(&mut self, key: u8) {
        self.waiting.remove(&key);
        if let Some(run) = self.running.get_mut(&key) {
            (run.2, run.3) = (None, true);
        }
    }
}

#[test]
fn queue_does_what_its_rules_say() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let start = Instant::now();
        let time = |at: u64| start + Duration::from_secs(at);
        let (mut queue, mut model, mut now) = (Queue::new(Model::ALL, Model::LANE), Model::default(), 0);
        for step in 0..400 {
            let (key, at) = (random.u8(..12), now + random.u64(..6));
            match random.u8(..10) {
                0..4 => {
                    let lane = random.u8(..4);
                    queue.wake(&key, &lane, time(at));
                    model.wake(key, lane, at);
                }
                4..7 => assert_eq!(
                    queue.next(time(now)),
                    model.next(now).map(|(key, since)| (key, time(since))),
                    "seed {seed} step {step}"
                ),
                7..9 => {
                    let next = random.bool().then_some(at);
                    queue.done(&key, next.map(time));
                    model.done(key, next);
                }
                _ => {
                    queue.remove(&key);
                    model.remove(key);
                    now += random.u64(..3);
                }
            }
            assert_eq!(queue.due(), model.best().map(|(at, ..)| time(at)), "seed {seed} step {step}");
            assert_eq!(queue.running(), model.running.len(), "seed {seed} step {step}");
            let late = model.waiting.values().filter(|(at, ..)| *at <= now).count();
            assert_eq!(queue.waiting(time(now)), late, "seed {seed} step {step}");
        }
    }
}

#[test]
fn queue_lets_nobody_starve() {
    let mut clock = Clock::new(3, 1);
    let keys = ["a1", "a2", "a3", "a4", "b1", "b2", "c1", "d1"];
    for key in keys {
        clock.wake(key, &key[..1], 0);
    }
    // Each wants to run again at once, for ever.
    for round in 0..20 {
        let mut seen = BTreeSet::new();
        for second in round * 100..round * 100 + 8 {
            let running = clock.take(second);
            assert!(clock.queue.running() <= 3);
            seen.extend(running.iter().copied());
            for key in running {
                clock.done(key, Some(second));
            }
        }
        assert_eq!(seen.len(), keys.len(), "{seen:?}");
    }
}

#[test]
fn queue_holds_nothing_of_who_has_nothing_to_do() {
    let mut clock = Clock::new(9, 9);
    let empty = format!("{:?}", Clock::new(9, 9).queue);
    for second in 0..100 {
        clock.wake("a", "l", second);
        clock.wake("b", "m", second);
        clock.take(second);
        clock.queue.remove(&"b");
        clock.done("a", None);
        clock.done("b", Some(second));
    }
    let text = |queue: &str| queue.rsplit_once("numbers").map(|(rest, _)| rest.to_owned());
    assert_eq!(text(&format!("{:?}", clock.queue)), text(&empty));
}

#[test]
fn queue_of_ten_thousand_in_one_lane_drains() {
    let start = Instant::now();
    let mut queue: Queue<u32, u8> = Queue::new(64, 8);
    for key in 0..10_000 {
        queue.wake(&key, &0, start);
    }
    let mut seen = 0;
    while let Some((key, _)) = queue.next(start) {
        seen += 1;
        queue.done(&key, None);
        if key % 2 == 0 {
            queue.wake(&(key + 10_001), &1, start + Duration::from_secs(1));
        }
    }
    assert_eq!((seen, queue.waiting(start + Duration::from_secs(1))), (10_000, 5_000));
}
