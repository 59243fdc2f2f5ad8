//! Whether what a status promises is there.

use std::{io, path::Path, sync::Arc};

use oci_artifact::name::Digest;
use oci_crds::v1::Artifact;
use oci_decide::Stored;
use oci_source::store::Owner;
use tokio::time::Instant;

use super::{Inner, publish::identity, remove::below};
use crate::storage::{
    file::{self, Inode},
    hash, names,
};

/// What was found under a name.
enum Finding {
    Whole,
    Missing,
    /// The file is not what it was, under any of its names.
    Damaged(String),
    /// Something else has the name.
    Replaced(String),
    /// The same content, as another file.
    Renewed(Inode),
}

impl Inner {
    /// What the storage has of an artifact.
    pub(super) fn look(&self, owner: &Owner, artifact: &Artifact) -> Stored {
        let Ok(key) = names::key(owner) else {
            return Stored::Missing;
        };
        let Some(name) = below(&artifact.path, &key) else {
            return Stored::Missing;
        };
        let _turn = self.turn(&key);
        let Some(entry) = self.index().file(&key, name).cloned() else {
            return Stored::Missing;
        };
        if let Some(fault) = differs(&entry.inode, artifact) {
            return self.put_away(&key, name, fault);
        }
        match check(&entry.inode, &self.path(&key, name)) {
            Finding::Whole => {}
            Finding::Missing => {
                self.index_mut().remove(&key, name);
                return Stored::Missing;
            }
            Finding::Damaged(fault) => {
                entry.inode.lock().condemn(&fault);
                return self.put_away(&key, name, fault);
            }
            Finding::Replaced(fault) => return self.put_away(&key, name, fault),
            Finding::Renewed(inode) => self.index_mut().replace(&key, name, Arc::new(inode)),
        }
        self.named(&key, &artifact.path);
        Stored::Whole
    }

    /// Notes which file a status names.
    pub(super) fn named(&self, key: &str, path: &str) {
        let Some(name) = below(path, key) else {
            return;
        };
        let now = Instant::now();
        if self.index_mut().name(key, name, now) {
            self.plan(key, now);
        }
    }

    fn put_away(&self, key: &str, name: &str, fault: String) -> Stored {
        self.drop_file(key, name);
        self.counters.damaged.add();
        Stored::Damaged(fault)
    }
}

/// Why a file cannot be the one that a status describes.
fn differs(inode: &Inode, artifact: &Artifact) -> Option<String> {
    if artifact.size.is_some_and(|size| u64::try_from(size).ok() != Some(inode.size())) {
        let promised = artifact.size.unwrap_or_default();
        return Some(format!("it has {} bytes, not {promised}", inode.size()));
    }
    if inode.has(&artifact.digest) { None } else { Some(format!("its digest is {}", inode.digest())) }
}

/// Compares the file under a name with what is known of it; reads it only if something has changed.
fn check(inode: &Inode, path: &Path) -> Finding {
    let known = {
        let state = inode.lock();
        if let Some(damage) = state.damage() {
            return Finding::Damaged(damage.to_owned());
        }
        match identity(path) {
            Ok(now) if now == state.identity() => return Finding::Whole,
            Err(error) if file::is_other(&error) => return Finding::Missing,
            _ => state.identity(),
        }
    };
    match reread(inode, path) {
        Ok((digest, now)) if digest == *inode.digest() => {
            if now.file() != known.file() {
                return Finding::Renewed(Inode::new(digest, now));
            }
            inode.lock().accept(now);
            Finding::Whole
        }
        Ok((digest, now)) => {
            let fault = format!("its digest is now {digest}");
            if now.file() == known.file() { Finding::Damaged(fault) } else { Finding::Replaced(fault) }
        }
        Err(error) => Finding::Replaced(format!("it cannot be read: {error}")),
    }
}

fn reread(inode: &Inode, path: &Path) -> io::Result<(Digest, file::Identity)> {
    hash::hash(&file::open(path)?, inode.digest().algorithm())
}
