//! What is counted of a storage.

use std::sync::atomic::{AtomicU64, Ordering};

/// Figures of a storage at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StorageStats {
    /// Files in the index.
    pub files: u64,
    /// Their bytes; content that several files share counts for each.
    pub bytes: u64,
    /// Publications so far that took no space, because the same content was there.
    pub shared: u64,
    /// Files so far that were read again because the file system said that something had changed.
    pub reread: u64,
    /// Files so far that were not what was stored, and that were put away.
    pub damaged: u64,
    /// Files so far that were removed because newer ones took their place.
    pub swept: u64,
    /// Requests so far that were not answered with a file because it was not the one that was stored.
    pub refused: u64,
}

/// What only grows.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) shared: Count,
    pub(super) reread: Count,
    pub(super) damaged: Count,
    pub(super) swept: Count,
    pub(super) refused: Count,
}

impl Counters {
    /// With what the index has.
    pub(super) fn stats(&self, (files, bytes): (u64, u64)) -> StorageStats {
        StorageStats {
            files,
            bytes,
            shared: self.shared.get(),
            reread: self.reread.get(),
            damaged: self.damaged.get(),
            swept: self.swept.get(),
            refused: self.refused.get(),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
