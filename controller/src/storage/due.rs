//! Owners that have files to remove, and when.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::Notify, time::Instant};

/// Whose files are to be looked at, and when.
#[derive(Debug, Default)]
pub(super) struct Due {
    all: Mutex<HashMap<Arc<str>, Instant>>,
    changed: Notify,
}

impl Due {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Instant>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// At this time, whatever was planned before.
    pub(super) fn plan(&self, key: &str, at: Instant) {
        self.lock().insert(key.into(), at);
        self.changed.notify_one();
    }

    /// At this time, or earlier if that was planned. Wakes nobody up.
    pub(super) fn also(&self, key: Arc<str>, at: Instant) {
        let mut all = self.lock();
        let planned = all.entry(key).or_insert(at);
        *planned = at.min(*planned);
    }

    pub(super) fn forget(&self, key: &str) {
        self.lock().remove(key);
    }

    /// Takes those whose time has come.
    pub(super) fn take(&self, now: Instant) -> Vec<Arc<str>> {
        let mut all = self.lock();
        let ready: Vec<_> =
            all.iter().filter(|(_, at)| **at <= now).map(|(key, _)| Arc::clone(key)).collect();
        all.retain(|_, at| *at > now);
        ready
    }

    /// Waits until something was planned, or the next time has come.
    pub(super) async fn wait(&self) {
        let next = self.lock().values().min().copied();
        let alarm = async {
            match next {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.changed.notified() => {}
            () = alarm => {}
        }
    }
}
