//! A bounded map whose entries go when nobody uses them. Time is an argument.

use std::{
    collections::HashMap,
    hash::Hash,
    time::{Duration, Instant},
};

/// At most so many entries; the one that was not used for longest makes place, and what was not used for a while goes.
#[derive(Debug)]
pub(crate) struct Pool<K, V> {
    entries: HashMap<K, (V, Instant)>,
    most: usize,
    idle: Duration,
}

impl<K: Clone + Eq + Hash, V> Pool<K, V> {
    /// An empty pool of at most `most` entries, which is at least 1.
    pub(crate) fn new(most: usize, idle: Duration) -> Self {
        Self { entries: HashMap::new(), most: most.max(1), idle }
    }

    /// The entry, which counts as used now.
    pub(crate) fn get(&mut self, key: &K, now: Instant) -> Option<&V> {
        self.sweep(now);
        let (value, used) = self.entries.get_mut(key)?;
        *used = now;
        Some(value)
    }

    /// Sets an entry. What it had before is dropped.
    pub(crate) fn put(&mut self, key: K, value: V, now: Instant) {
        if !self.entries.contains_key(&key) && self.entries.len() >= self.most {
            let oldest = self.entries.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                self.entries.remove(&oldest);
            }
        }
        self.entries.insert(key, (value, now));
    }

    fn sweep(&mut self, now: Instant) {
        let idle = self.idle;
        self.entries.retain(|_, (_, used)| now.saturating_duration_since(*used) < idle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(100);

    #[test]
    fn pool_drops_what_was_not_used_for_longest() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut pool = Pool::new(2, IDLE);
        pool.put("a", 1, at(0));
        pool.put("b", 2, at(1));
        assert_eq!(pool.get(&"a", at(2)), Some(&1));
        pool.put("c", 3, at(3));
        assert_eq!(pool.get(&"b", at(3)), None);
        assert_eq!(pool.get(&"a", at(3)), Some(&1));
        assert_eq!(pool.get(&"c", at(3)), Some(&3));
        pool.put("c", 4, at(3));
        assert_eq!(pool.get(&"a", at(3)), Some(&1), "a new value takes no second place");
    }

    #[test]
    fn pool_drops_what_is_idle_for_long() {
        let start = Instant::now();
        let mut pool = Pool::new(8, IDLE);
        pool.put("a", 1, start);
        assert_eq!(pool.get(&"a", start + IDLE / 2), Some(&1));
        assert_eq!(pool.get(&"a", start + IDLE / 2 + IDLE), None);
    }
}
