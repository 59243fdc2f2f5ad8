//! Files that go.

use std::{collections::HashSet, fs, io, path::Path, sync::Arc};

use oci_source::store::{Owner, StoreError};

use super::{Inner, publish::identity, scan};
use crate::storage::{
    KIND,
    error::Attempt,
    file::{self, Identity, Inode},
    names,
};

impl Inner {
    /// Removes everything of an owner.
    pub(super) fn forget(&self, key: &str) -> Result<(), StoreError> {
        let _turn = self.turn(key);
        // From here on it is not served; what follows may be tried again.
        let files = self.index_mut().remove_all(key);
        self.due.forget(key);
        for entry in files {
            let path = self.path(key, &entry.name);
            unlink(&entry.inode, &path).attempt(|| format!("removing {}", path.display()))?;
        }
        let folder = self.folder(key);
        let removed = match fs::symlink_metadata(&folder) {
            Ok(about) if about.is_dir() => fs::remove_dir_all(&folder),
            Ok(_) => fs::remove_file(&folder),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
        .attempt(|| format!("removing the folder {}", folder.display()))
    }

    /// Who has files, or a folder for them.
    pub(super) fn owners(&self) -> Result<Vec<Owner>, StoreError> {
        let kind = self.root.join(KIND);
        let mut keys: HashSet<String> = self.index().keys().iter().map(ToString::to_string).collect();
        for namespace in scan::folders(&kind)? {
            let owners = scan::folders(&kind.join(&namespace))?;
            keys.extend(owners.into_iter().map(|name| format!("{namespace}/{name}")));
        }
        Ok(keys.iter().filter_map(|key| names::owner(key)).collect())
    }

    /// Removes a file and forgets it; `false` if it could not be removed, which is then somebody else's to clean up.
    pub(super) fn drop_file(&self, key: &str, name: &str) -> bool {
        let Some(entry) = self.index_mut().remove(key, name) else {
            return false;
        };
        let path = self.path(key, name);
        let removed = unlink(&entry.inode, &path);
        if let Err(error) = &removed {
            tracing::warn!(path = %path.display(), %error, "a stored file cannot be removed");
        }
        removed.is_ok()
    }

    /// Takes a file that is not the one that was stored out of everybody's way, under all of its names.
    pub(super) fn condemn(&self, inode: &Arc<Inode>, fault: &str) {
        inode.lock().condemn(fault);
        let names = self.index().names_of(inode);
        for (key, name) in names {
            let _turn = self.turn(&key);
            let _ = self.put_away(&key, &name, fault.to_owned());
            self.lost.add(&key);
        }
    }
}

/// Removes a name of a file; the other names go on as before. Done as well if something else has the name.
pub(super) fn unlink(inode: &Inode, path: &Path) -> io::Result<()> {
    let mut state = inode.lock();
    let as_known = identity(path).is_ok_and(|now| now == state.identity());
    // Open, it can be looked at without any name.
    let rest = if as_known { file::open(path).ok() } else { None };
    let removed = match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => fs::remove_dir_all(path),
        removed => removed,
    };
    match removed {
        Err(error) if !gone(&error) => return Err(error),
        _ => {}
    }
    if let Some(now) = rest.and_then(|file| Identity::of(&file.metadata().ok()?)) {
        state.follow(now);
    }
    Ok(())
}

fn gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
