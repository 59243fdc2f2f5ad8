//! Whose files were found missing or damaged by something else than their own run.

use std::{
    collections::HashSet,
    mem,
    sync::{Mutex, PoisonError},
};

use oci_source::store::Owner;
use tokio::sync::Notify;

use crate::storage::names;

/// Keys of owners, each once until it was told.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    keys: Mutex<HashSet<Box<str>>>,
    added: Notify,
}

impl Lost {
    pub(super) fn add(&self, key: &str) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(key.into());
        self.added.notify_one();
    }

    /// Waits until there are some, and takes them. One at a time may wait.
    pub(super) async fn next(&self) -> Vec<Owner> {
        loop {
            let keys = mem::take(&mut *self.keys.lock().unwrap_or_else(PoisonError::into_inner));
            if !keys.is_empty() {
                return keys.iter().filter_map(|key| names::owner(key)).collect();
            }
            self.added.notified().await;
        }
    }
}
