//! A handle to stop a long run from outside and to see how far it is.
//!
//! Packing and reading are synchronous and may take minutes, while signals and progress bars live elsewhere. Both
//! sides share a [`Control`]: one side asks it at every member and chunk, the other sets it or polls it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use super::Error;

/// Shared by the run and whoever watches it; a clone is the same handle.
#[derive(Clone, Debug, Default)]
pub struct Control(Arc<State>);

#[derive(Debug, Default)]
struct State {
    cancelled: AtomicBool,
    bytes: AtomicU64,
}

impl Control {
    /// A handle of a run that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to stop; it ends with [`Error::Cancelled`] and leaves nothing behind.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether the run was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Relaxed)
    }

    /// Reports that `count` more bytes are done.
    pub fn add(&self, count: u64) {
        self.0.bytes.fetch_add(count, Ordering::Relaxed);
    }

    /// Bytes done: of file content when packing, of the stored layer when reading.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Fails once the run was asked to stop.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_is_shared_by_its_clones() {
        let control = Control::new();
        let other = control.clone();
        other.add(3);
        control.add(4);
        assert_eq!(other.bytes(), 7);
        assert!(control.check().is_ok());
        other.cancel();
        assert!(matches!(control.check(), Err(Error::Cancelled)));
    }
}
