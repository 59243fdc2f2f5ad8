//! Which object is run next: by time, never one twice at once, and no registry more than its share.

use std::{hash::Hash, time::Instant};

/// Objects and when they are due. Time is an argument.
///
/// Each object is in a lane (its registry). At most `lane` objects of a lane run at once, and at most `all` of all
/// lanes; others of the lane wait without being in the way of other lanes.
#[derive(Debug)]
pub struct Queue<K, L> {
    _todo: std::marker::PhantomData<(K, L)>,
}

impl<K: Clone + Eq + Hash + Ord, L: Clone + Eq + Hash> Queue<K, L> {
    /// An empty queue with these bounds, each at least 1.
    pub fn new(all: usize, lane: usize) -> Self {
        let _ = (all, lane);
        Self { _todo: std::marker::PhantomData }
    }

    /// The object runs at `at`, or earlier if it is to already. While it runs, this is about the run after.
    pub fn wake(&mut self, key: &K, lane: &L, at: Instant) {
        let _ = (key, lane, at);
    }

    /// The next object to run now; it counts as running until [`Queue::done`].
    pub fn next(&mut self, now: Instant) -> Option<K> {
        let _ = now;
        None
    }

    /// When [`Queue::next`] may have something, if nothing else happens. `None`: not before something happens.
    pub fn due(&self) -> Option<Instant> {
        None
    }

    /// The object's run has ended. `next` is when it runs again, unless something woke it up for an earlier time.
    pub fn done(&mut self, key: &K, next: Option<Instant>) {
        let _ = (key, next);
    }

    /// The object is gone. A run that is under way still ends with [`Queue::done`].
    pub fn remove(&mut self, key: &K) {
        let _ = key;
    }

    /// Objects that wait although they are due, because their lane or everything is full.
    pub fn waiting(&self, now: Instant) -> usize {
        let _ = now;
        0
    }

    /// Objects that run.
    pub fn running(&self) -> usize {
        0
    }
}
