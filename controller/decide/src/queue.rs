//! Which object is run next: by time, never one twice at once, and no registry more than its share.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    time::Instant,
};

/// Objects and when they are due. Time is an argument.
///
/// Each object is in a lane (its registry). At most `lane` objects of a lane run at once, and at most `all` of all
/// lanes; others of the lane wait without being in the way of other lanes. Who is due first runs first, and of those
/// that are due at the same time the one that was woken up first.
///
/// Everything but [`Queue::waiting`] takes logarithmic time. Keys are cloned, so they should be cheap to clone; an
/// object that neither runs nor waits takes no memory.
#[derive(Debug)]
pub struct Queue<K, L> {
    all: usize,
    lane: usize,
    running: HashMap<K, Run<L>>,
    waiting: HashMap<K, Place>,
    lanes: HashMap<LaneId, Lane<K, L>>,
    names: HashMap<L, LaneId>,
    /// The first of each lane that has room.
    ready: BTreeMap<Turn, LaneId>,
    numbers: u64,
}

/// Never used twice, so that nothing can mean a lane that is gone.
type LaneId = u64;

/// Time, then order of arrival. No two that wait have the same.
type Turn = (Instant, u64);

/// A run that is under way.
#[derive(Debug)]
struct Run<L> {
    /// The lane that it counts for.
    slot: LaneId,
    /// The lane of the next run.
    lane: L,
    /// When it was woken up for.
    again: Option<Instant>,
    /// Whether its object was removed: what its end says about the next run is of no interest then.
    removed: bool,
}

/// Where an object waits.
#[derive(Debug, Clone, Copy)]
struct Place {
    lane: LaneId,
    turn: Turn,
}

#[derive(Debug)]
struct Lane<K, L> {
    name: L,
    running: usize,
    waiting: BTreeMap<Turn, K>,
    /// What `Queue::ready` has of this lane.
    offered: Option<Turn>,
}

impl<K: Clone + Eq + Hash + Ord, L: Clone + Eq + Hash> Queue<K, L> {
    /// An empty queue with these bounds, each at least 1.
    pub fn new(all: usize, lane: usize) -> Self {
        Self {
            all: all.max(1),
            lane: lane.max(1),
            running: HashMap::new(),
            waiting: HashMap::new(),
            lanes: HashMap::new(),
            names: HashMap::new(),
            ready: BTreeMap::new(),
            numbers: 0,
        }
    }

    /// The object runs at `at`, or earlier if it is to already. While it runs, this is about the run after.
    pub fn wake(&mut self, key: &K, lane: &L, at: Instant) {
        if let Some(run) = self.running.get_mut(key) {
            run.lane = lane.clone();
            run.again = Some(run.again.map_or(at, |again| again.min(at)));
            return;
        }
        let turn = match self.leave(key) {
            Some(Place { turn, .. }) if turn.0 <= at => turn,
            _ => (at, self.number()),
        };
        self.enter(key, lane, turn);
    }

    /// The next object to run now, and since when it is due; it counts as running until [`Queue::done`].
    pub fn next(&mut self, now: Instant) -> Option<(K, Instant)> {
        if self.running.len() >= self.all {
            return None;
        }
        let (turn, slot) = self.ready.first_key_value().map(|(turn, slot)| (*turn, *slot))?;
        if turn.0 > now {
            return None;
        }
        let lane = self.lanes.get_mut(&slot)?;
        let key = lane.waiting.remove(&turn)?;
        lane.running += 1;
        let run = Run { slot, lane: lane.name.clone(), again: None, removed: false };
        self.waiting.remove(&key);
        self.running.insert(key.clone(), run);
        self.settle(slot);
        Some((key, turn.0))
    }

    /// When [`Queue::next`] may have something, if nothing else happens. `None`: not before something happens.
    pub fn due(&self) -> Option<Instant> {
        let room = self.running.len() < self.all;
        self.ready.first_key_value().filter(|_| room).map(|((at, _), _)| *at)
    }

    /// The object's run has ended. `next` is when it runs again, unless something woke it up for an earlier time.
    pub fn done(&mut self, key: &K, next: Option<Instant>) {
        let Some(run) = self.running.remove(key) else {
            return;
        };
        if let Some(lane) = self.lanes.get_mut(&run.slot) {
            lane.running -= 1;
        }
        self.settle(run.slot);
        let next = next.filter(|_| !run.removed);
        if let Some(at) = run.again.into_iter().chain(next).min() {
            let turn = (at, self.number());
            self.enter(key, &run.lane, turn);
        }
    }

    /// The object is gone. A run that is under way still ends with [`Queue::done`].
    pub fn remove(&mut self, key: &K) {
        self.leave(key);
        if let Some(run) = self.running.get_mut(key) {
            run.again = None;
            run.removed = true;
        }
    }

    /// Objects that are due and do not run: because their lane or everything is full, once [`Queue::next`] has nothing.
    /// Takes time for each lane and each of those objects.
    pub fn waiting(&self, now: Instant) -> usize {
        self.lanes.values().map(|lane| lane.waiting.keys().take_while(|(at, _)| *at <= now).count()).sum()
    }

    /// Objects that run.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Puts an object that does not wait into its lane.
    fn enter(&mut self, key: &K, name: &L, turn: Turn) {
        let id = self.names.get(name).copied().unwrap_or_else(|| self.open(name));
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.waiting.insert(turn, key.clone());
            self.waiting.insert(key.clone(), Place { lane: id, turn });
        }
        self.settle(id);
    }

    /// Takes an object out of the lane where it waits, if it does.
    fn leave(&mut self, key: &K) -> Option<Place> {
        let place = self.waiting.remove(key)?;
        if let Some(lane) = self.lanes.get_mut(&place.lane) {
            lane.waiting.remove(&place.turn);
        }
        self.settle(place.lane);
        Some(place)
    }

    fn open(&mut self, name: &L) -> LaneId {
        let id = self.number();
        self.names.insert(name.clone(), id);
        let lane = Lane { name: name.clone(), running: 0, waiting: BTreeMap::new(), offered: None };
        self.lanes.insert(id, lane);
        id
    }

    /// After a lane changed: what is ready follows, and a lane without anything goes.
    fn settle(&mut self, id: LaneId) {
        let Some(lane) = self.lanes.get_mut(&id) else {
            return;
        };
        let room = lane.running < self.lane;
        let first = lane.waiting.first_key_value().filter(|_| room).map(|(turn, _)| *turn);
        if first != lane.offered {
            if let Some(turn) = lane.offered.take() {
                self.ready.remove(&turn);
            }
            if let Some(turn) = first {
                self.ready.insert(turn, id);
            }
            lane.offered = first;
        }
        if lane.running == 0 && lane.waiting.is_empty() {
            self.names.remove(&lane.name);
            self.lanes.remove(&id);
        }
    }
}
