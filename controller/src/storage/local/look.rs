//! Whether what a status promises is there.

use std::{path::Path, sync::Arc};

use oci_artifact::name::{Digest, DigestError};
use oci_crds::v1::Artifact;
use oci_decide::Stored;
use oci_source::store::Owner;
use tokio::time::Instant;

use super::{Inner, publish::identity};
use crate::storage::{
    KIND,
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
        let Some(name) = names::below(&artifact.path, &key) else {
            return Stored::Missing;
        };
        let _turn = self.turn(&key);
        let Some(entry) = self.index().file(&key, name).cloned() else {
            return Stored::Missing;
        };
        let path = self.path(&key, name);
        match differs(&entry.inode, artifact, &path) {
            Promise::Kept => {}
            Promise::Unknown => return Stored::Missing,
            Promise::Broken(fault) => return self.put_away(&key, name, fault),
        }
        match self.check(&entry.inode, &path) {
            Finding::Whole => {}
            Finding::Missing => {
                self.index_mut().remove(&key, name);
                return Stored::Missing;
            }
            Finding::Damaged(fault) => {
                entry.inode.lock().condemn(&fault);
                let names = self.index().names_of(&entry.inode);
                names
                    .iter()
                    .filter(|(sharer, _)| **sharer != *key)
                    .for_each(|(sharer, _)| self.lost.add(sharer));
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
        let Some(name) = names::below(path, key) else {
            return;
        };
        let now = Instant::now();
        if self.index_mut().name(key, name, now) {
            self.due.plan(key, now);
        }
    }

    /// Takes one name of a file out of everybody's way.
    pub(super) fn put_away(&self, key: &str, name: &str, fault: String) -> Stored {
        tracing::warn!(file = %format!("{KIND}/{key}/{name}"), fault, "a stored file is damaged, it is put away");
        self.drop_file(key, name);
        self.counters.damaged.add();
        Stored::Damaged(fault)
    }

    /// Compares the file under a name with what is known of it; reads it only if something has changed.
    fn check(&self, inode: &Inode, path: &Path) -> Finding {
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
        self.counters.reread.add();
        match file::open(path).and_then(|file| hash::hash(file, inode.digest().algorithm())) {
            Ok(Some((digest, now))) if digest == *inode.digest() => {
                if now.file() != known.file() {
                    return Finding::Renewed(Inode::new(digest, now));
                }
                inode.lock().accept(now);
                Finding::Whole
            }
            Ok(Some((digest, now))) if now.file() == known.file() => {
                Finding::Damaged(format!("its digest is now {digest}"))
            }
            Ok(Some((digest, _))) => Finding::Replaced(format!("its digest is now {digest}")),
            Ok(None) => Finding::Replaced("somebody writes it".to_owned()),
            Err(error) => Finding::Replaced(format!("it cannot be read: {error}")),
        }
    }
}

/// Whether a file is what a status says.
enum Promise {
    Kept,
    Broken(String),
    /// The status has a digest that cannot be computed here.
    Unknown,
}

fn differs(inode: &Inode, artifact: &Artifact, path: &Path) -> Promise {
    if let Some(size) = artifact.size.filter(|size| u64::try_from(*size).ok() != Some(inode.size())) {
        return Promise::Broken(format!("it has {} bytes, not {size}", inode.size()));
    }
    if inode.has(&artifact.digest) {
        return Promise::Kept;
    }
    match Digest::parse(&artifact.digest) {
        // The status was written when another algorithm was configured.
        Ok(promised) if promised.algorithm() != inode.digest().algorithm() => {
            match inode.other(promised.algorithm(), path) {
                Some(other) if other == promised => Promise::Kept,
                Some(other) => Promise::Broken(format!("its digest is {other}")),
                None => Promise::Unknown,
            }
        }
        Err(DigestError::Algorithm(_)) => Promise::Unknown,
        _ => Promise::Broken(format!("its digest is {}", inode.digest())),
    }
}
