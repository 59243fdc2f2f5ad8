//! Small files in memory: most artifacts are, and opening one costs more than sending it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{body::Bytes, http::HeaderValue};

/// Files that are kept have at most so many bytes.
pub(super) const SMALL: u64 = 64 << 10;
/// Bytes of all files that are kept.
const TOTAL: usize = 8 << 20;
/// What a file costs beside its bytes.
const OVERHEAD: usize = 512;

/// A file, and what is said about it.
#[derive(Debug)]
pub(super) struct Small {
    pub(super) body: Bytes,
    pub(super) etag: HeaderValue,
    pub(super) modified: HeaderValue,
}

#[derive(Debug)]
struct Slot {
    file: Arc<Small>,
    /// Since it was last looked at by [`Slots::shrink`].
    used: AtomicBool,
}

/// Files that were asked for, by their number in the storage's index; the ones that nobody asks for go first.
#[derive(Debug, Default)]
pub(super) struct Cache(RwLock<Slots>);

#[derive(Debug, Default)]
struct Slots {
    files: HashMap<u64, Slot>,
    order: VecDeque<u64>,
    bytes: usize,
}

impl Cache {
    pub(super) fn get(&self, id: u64) -> Option<Arc<Small>> {
        let slots = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.files.get(&id)?;
        slot.used.store(true, Ordering::Relaxed);
        Some(Arc::clone(&slot.file))
    }

    pub(super) fn put(&self, id: u64, file: Arc<Small>) {
        let mut slots = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let bytes = file.body.len() + OVERHEAD;
        if slots.files.insert(id, Slot { file, used: AtomicBool::new(false) }).is_none() {
            slots.order.push_back(id);
            slots.bytes += bytes;
            slots.shrink();
        }
    }
}

impl Slots {
    /// Each file that was used since the last time gets another round; each loses it by that.
    fn shrink(&mut self) {
        while self.bytes > TOTAL {
            let Some(id) = self.order.pop_front() else {
                return;
            };
            let used = self.files.get(&id).is_some_and(|slot| slot.used.swap(false, Ordering::Relaxed));
            if used {
                self.order.push_back(id);
            } else if let Some(slot) = self.files.remove(&id) {
                self.bytes -= slot.file.body.len() + OVERHEAD;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(size: usize) -> Arc<Small> {
        let etag = HeaderValue::from_static("\"x\"");
        Arc::new(Small { body: vec![0; size].into(), modified: etag.clone(), etag })
    }

    #[test]
    fn cache_stays_below_its_bound_and_keeps_what_is_used() {
        let cache = Cache::default();
        cache.put(0, file(60_000));
        for id in 1..1_000 {
            assert!(cache.get(0).is_some(), "{id}");
            cache.put(id, file(60_000));
        }
        assert!(cache.get(1).is_none());
        assert!(cache.get(999).is_some());
        let slots = cache.0.read().unwrap();
        assert!(slots.bytes <= TOTAL, "{}", slots.bytes);
        assert_eq!(slots.bytes, slots.files.len() * (60_000 + OVERHEAD));
        assert_eq!(slots.order.len(), slots.files.len());
    }

    #[test]
    fn cache_counts_a_file_once() {
        let cache = Cache::default();
        cache.put(7, file(10));
        cache.put(7, file(10));
        assert_eq!(cache.0.read().unwrap().bytes, 10 + OVERHEAD);
    }
}
