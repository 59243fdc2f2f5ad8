//! What is done in the background: superseded files go, and every file is read once in a while.

use std::{convert::Infallible, io, sync::Arc};

use oci_source::store::StoreError;
use tokio::{sync::watch, time::Instant};

use super::{Inner, Local};
use crate::storage::{
    file::{self, Inode},
    hash::{self, Reading},
};

/// Works while `leading` is true, until its sender is gone.
pub(super) async fn keep(local: Local, mut leading: watch::Receiver<bool>) {
    let fence = leading.clone();
    let mut next_check = Instant::now() + local.0.options.check_every;
    while leading.wait_for(|leads| *leads).await.is_ok() {
        tokio::select! {
            never = sweep(&local, &fence) => match never {},
            never = check(&local, &fence, &mut next_check) => match never {},
            lost = leading.wait_for(|leads| !leads) => if lost.is_err() { return },
        }
    }
}

/// Removes files when they are due. Sleeps until then, or until something else is.
async fn sweep(local: &Local, fence: &watch::Receiver<bool>) -> Infallible {
    loop {
        let fence = fence.clone();
        let swept = local.blocking(move |inner| inner.sweep(&fence)).await;
        if let Err(error) = swept {
            tracing::error!(%error, "superseded files were not removed");
        }
        local.0.due.wait().await;
    }
}

/// Reads every file again, at a gentle pace.
async fn check(local: &Local, fence: &watch::Receiver<bool>, next: &mut Instant) -> Infallible {
    loop {
        tokio::time::sleep_until(*next).await;
        let files = local.0.index().inodes();
        for (key, name) in files {
            if let Err(error) = check_one(local, fence, &key, &name).await {
                tracing::error!(%error, file = %format!("{key}/{name}"), "a stored file was not checked");
            }
        }
        *next = Instant::now() + local.0.options.check_every;
    }
}

async fn check_one(
    local: &Local,
    fence: &watch::Receiver<bool>,
    key: &Arc<str>,
    name: &Arc<str>,
) -> Result<(), StoreError> {
    let Some(inode) = local.0.index().file(key, name).map(|entry| Arc::clone(&entry.inode)) else {
        return Ok(());
    };
    let path = local.0.path(key, name);
    let algorithm = inode.digest().algorithm();
    let begun = local.blocking(move |_| Reading::new(file::open(&path)?, algorithm)).await?;
    let fault = match begun {
        Ok(reading) => read(local, reading, &inode).await?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            local.0.lost.add(key);
            None
        }
        Err(error) => Some(Fault { text: format!("it cannot be read: {error}"), shared: false }),
    };
    let Some(fault) = fault else {
        return Ok(());
    };
    let (fence, key, name) = (fence.clone(), Arc::clone(key), Arc::clone(name));
    let act = move |inner: &Inner| {
        if !*fence.borrow() {
        } else if fault.shared {
            inner.condemn(&inode, &fault.text);
        } else {
            let _turn = inner.turn(&key);
            let _ = inner.put_away(&key, &name, fault.text);
            inner.lost.add(&key);
        }
    };
    local.blocking(act).await
}

/// What is wrong with what has a file's name.
struct Fault {
    text: String,
    /// Whether it is the file itself, and so what all of its names have.
    shared: bool,
}

/// Reads a file to its end, and compares its digest.
async fn read(local: &Local, mut reading: Reading, inode: &Inode) -> Result<Option<Fault>, StoreError> {
    let rate = local.0.options.check_rate;
    let shared = inode.lock().identity().file() == reading.file();
    let fault = |text| Ok(Some(Fault { text, shared }));
    loop {
        let step;
        (reading, step) = local
            .blocking(move |_| {
                let step = reading.step();
                (reading, step)
            })
            .await?;
        match step {
            Ok(0) => break,
            Ok(count) => tokio::time::sleep(hash::time_for(count, rate)).await,
            Err(error) => return fault(format!("it cannot be read: {error}")),
        }
    }
    match reading.finish() {
        Ok(Some((digest, _))) if digest != *inode.digest() => fault(format!("its digest is now {digest}")),
        // Whole, or written meanwhile: that is found by its identity.
        Ok(_) => Ok(None),
        Err(error) => fault(format!("it cannot be read: {error}")),
    }
}

impl Inner {
    /// Removes what is due.
    fn sweep(&self, fence: &watch::Receiver<bool>) {
        let now = Instant::now();
        for key in self.due.take(now) {
            let _turn = self.turn(&key);
            let (names, next) = self.index().garbage(&key, self.options.retention, now);
            for name in names {
                if !*fence.borrow() {
                    // Whoever leads next is told again.
                    self.due.also(key, now);
                    return;
                }
                if self.drop_file(&key, &name) {
                    self.counters.swept.add();
                }
            }
            if let Some(next) = next {
                self.due.also(key, next);
            }
        }
    }
}
