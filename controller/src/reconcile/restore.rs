//! Objects whose artifacts are missing after a start: until they are dealt with, this process is not ready, so that
//! nobody is sent to a file that is not there.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use oci_source::store::Owner;
use tokio::sync::watch;

/// Who is still to be dealt with.
#[derive(Debug)]
pub struct Restore {
    missing: Mutex<HashSet<Owner>>,
    done: watch::Sender<bool>,
}

impl Default for Restore {
    fn default() -> Self {
        Self { missing: Mutex::default(), done: watch::Sender::new(false) }
    }
}

impl Restore {
    /// These have no artifact although their status says so. Told once, before the first of them may be settled.
    pub fn begin(&self, missing: HashSet<Owner>) {
        self.done.send_replace(missing.is_empty());
        *self.missing.lock().unwrap_or_else(PoisonError::into_inner) = missing;
    }

    /// The status of this one is true again, or it is gone.
    pub fn settled(&self, owner: &Owner) {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        if missing.remove(owner) && missing.is_empty() {
            self.done.send_replace(true);
        }
    }

    /// How many are left.
    pub fn left(&self) -> usize {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Waits until none is left.
    pub async fn done(&self) {
        // The sender lives as long as this.
        let _ = self.done.subscribe().wait_for(|done| *done).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str) -> Owner {
        Owner { namespace: "apps".to_owned(), name: name.to_owned() }
    }

    #[tokio::test]
    async fn restore_is_done_when_the_last_one_is_settled() {
        let restore = Restore::default();
        restore.begin(HashSet::from([owner("a"), owner("b")]));
        restore.settled(&owner("a"));
        restore.settled(&owner("a"));
        restore.settled(&owner("c"));
        assert_eq!(restore.left(), 1);
        assert!(!*restore.done.borrow());
        restore.settled(&owner("b"));
        restore.done().await;
    }

    #[tokio::test]
    async fn restore_of_nothing_is_done_at_once() {
        let restore = Restore::default();
        restore.begin(HashSet::new());
        restore.done().await;
    }
}
