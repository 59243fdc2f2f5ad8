//! What the leader does in the background: superseded files go, and the bucket is listed once in a while.

use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use super::{Inner, KIND_FOLDER, blob, error::BucketError};

/// After a file could not be removed.
const PAUSE: Duration = Duration::from_secs(30);

/// Works while `leading` is true, until its sender is gone.
pub(super) async fn keep(inner: &Inner, mut leading: watch::Receiver<bool>) {
    while leading.wait_for(|leads| *leads).await.is_ok() {
        tokio::select! {
            never = sweep(inner) => match never {},
            never = compare(inner) => match never {},
            lost = leading.wait_for(|leads| !leads) => if lost.is_err() { return },
        }
    }
}

/// Removes files when they are due. Sleeps until then, or until something else is.
async fn sweep(inner: &Inner) -> Infallible {
    loop {
        let now = Instant::now();
        for key in inner.due.take(now) {
            match inner.sweep(&key, now).await {
                Ok(None) => {}
                Ok(Some(next)) => inner.due.also(key, next),
                Err(error) => {
                    tracing::error!(%error, "superseded files were not removed, trying again");
                    inner.due.also(key, now + PAUSE);
                }
            }
        }
        inner.due.wait().await;
    }
}

/// Compares the bucket with what is known of it.
async fn compare(inner: &Inner) -> Infallible {
    loop {
        tokio::time::sleep(inner.options.list_every).await;
        if let Err(error) = inner.compare().await {
            tracing::error!(%error, "the bucket was not compared with what is known of it");
        }
    }
}

impl Inner {
    /// Removes what is due of an owner; returns when the next file is.
    async fn sweep(&self, key: &str, now: Instant) -> Result<Option<Instant>, BucketError> {
        let _turn = self.turn(key).await;
        let (names, next) = self.index().garbage(key, self.options.storage.retention, now);
        for name in names {
            self.remove(key, &name).await?;
            self.counters.swept.add();
        }
        Ok(next)
    }

    /// Finds files that somebody removed, or changed so that they have another size, and files that nobody knows.
    async fn compare(&self) -> Result<(), BucketError> {
        let begun = Instant::now();
        let listed = self.client.list(KIND_FOLDER).await?;
        let mut found: HashMap<_, _> =
            listed.iter().filter_map(blob).map(|(key, name, blob)| ((key, name), blob)).collect();
        let known = self.index().all();
        for (key, name, file) in &known {
            let same = found.remove(&(&**key, &**name)).is_some_and(|blob| blob.size == file.size);
            if !same && file.since < begun {
                self.miss(key, name, begun).await;
            }
        }
        let now = Instant::now();
        for ((key, name), blob) in found {
            let _turn = self.turn(key).await;
            let mut index = self.index_mut();
            if index.file(key, name).is_none() {
                index.insert(key, name, Arc::new(blob));
                index.supersede(key, now);
                self.due.plan(key, now);
            }
        }
        Ok(())
    }

    /// A file is not in the bucket as it was: unless it was written again meanwhile, its owner is told.
    async fn miss(&self, key: &str, name: &str, begun: Instant) {
        let _turn = self.turn(key).await;
        let mut index = self.index_mut();
        if index.file(key, name).is_some_and(|entry| entry.inode.since < begun) {
            tracing::warn!(file = %format!("{key}/{name}"), "a file is not in the bucket any more as it was stored");
            index.remove(key, name);
            drop(index);
            self.cache.forget(&format!("{key}/{name}"));
            self.counters.damaged.add();
            self.lost.add(key);
        }
    }
}
