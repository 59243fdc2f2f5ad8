//! From a draft to a file that is served.
//!
//! Data reach the disk before the name does, and the name before anybody hears of it. A kill at any instant leaves the
//! file or nothing: a draft, which the next start removes.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::symlink,
    path::Path,
    sync::Arc,
};

use oci_source::store::{Content, Published, StoreError};
use tempfile::{Builder, NamedTempFile};
use tokio::time::Instant;

use super::{Inner, make_folder};
use crate::storage::{
    KIND, LATEST,
    error::Attempt,
    file::{Identity, Inode},
    names,
};

impl Inner {
    /// Makes a draft the newest file of an owner.
    pub(super) fn publish(
        &self,
        key: &str,
        draft: NamedTempFile,
        content: &Content,
    ) -> Result<Published, StoreError> {
        let _turn = self.turn(key);
        let name = match self.same(key, content) {
            Some(name) => name,
            None => self.place(key, draft, content)?,
        };
        let now = Instant::now();
        self.index_mut().renew(key, &name, now);
        self.link_latest(key, &name);
        self.due.plan(key, now);
        Ok(Published { path: format!("{KIND}/{key}/{name}"), at: (self.now)() })
    }

    /// A file of this owner that was made from the same revision and has the same content.
    fn same(&self, key: &str, content: &Content) -> Option<String> {
        let found = {
            let index = self.index();
            let mut files = index.folder(key)?.files().iter();
            files
                .find(|entry| {
                    names::is_of(&entry.name, &content.revision.digest)
                        && *entry.inode.digest() == content.digest
                        && entry.inode.size() == content.size
                })?
                .clone()
        };
        let path = self.path(key, &found.name);
        let whole = found.inode.lock().identity() == identity(&path).ok()?;
        if whole {
            return Some(found.name.to_string());
        }
        // It is read when somebody looks at it; here a new one takes its place.
        self.drop_file(key, &found.name);
        None
    }

    /// Gives a draft a name, or a link to the same content of somebody else.
    fn place(&self, key: &str, draft: NamedTempFile, content: &Content) -> Result<String, StoreError> {
        let name = self.free_name(key, content);
        let folder = self.folder(key);
        let path = folder.join(&name);
        self.make_folders(key)?;
        let inode = match self.share(content, &path) {
            Some(inode) => {
                self.counters.shared.add();
                inode
            }
            None => Arc::new(move_in(draft, content, &path)?),
        };
        if let Err(error) = sync_folder(&folder) {
            unlink(&inode, &path);
            return Err(error);
        }
        self.index_mut().insert(key, &name, inode);
        Ok(name)
    }

    /// A name that never had another content.
    fn free_name(&self, key: &str, content: &Content) -> String {
        let index = self.index();
        let folder = index.folder(key);
        let taken = |name: &str| folder.is_some_and(|folder| folder.file(name).is_some());
        let revision = &content.revision.digest;
        let first = !folder
            .is_some_and(|folder| folder.files().iter().any(|file| names::is_of(&file.name, revision)));
        let mut names = names::candidates(revision, &content.digest, first);
        // The last one has the whole digest: if it is taken, then by damage.
        let last = names::candidates(revision, &content.digest, false).last().unwrap_or_default();
        names.find(|name| !taken(name)).unwrap_or(last)
    }

    /// Makes the folder of an owner. A new name lasts when the folder that has it was written.
    fn make_folders(&self, key: &str) -> Result<(), StoreError> {
        let mut path = self.root.clone();
        for part in std::iter::once(KIND).chain(key.split('/')) {
            let parent = path.clone();
            path.push(part);
            let there = fs::symlink_metadata(&path).is_ok_and(|about| about.is_dir());
            if !there {
                make_folder(&path).attempt(|| format!("creating the folder {}", path.display()))?;
                sync_folder(&parent)?;
            }
        }
        Ok(())
    }

    /// Links a file that has this content already. `None` if there is none, or the file system does not like it.
    fn share(&self, content: &Content, path: &Path) -> Option<Arc<Inode>> {
        let (key, entry) = self.index().content(&content.digest)?;
        let source = self.path(&key, &entry.name);
        if entry.inode.size() != content.size {
            return None;
        }
        let mut state = entry.inode.lock();
        if state.damage().is_some() || identity(&source).ok()? != state.identity() {
            return None;
        }
        // Under another name first: linking replaces nothing, renaming does.
        let link = Builder::new().make_in(self.drafts(), |link| fs::hard_link(&source, link));
        let link = link.inspect_err(|error| tracing::debug!(%error, "content is not shared")).ok()?;
        let placed = link.into_temp_path().persist(path).is_ok();
        let now = identity(if placed { path } else { &source }).ok()?;
        if state.follow(now) && placed {
            drop(state);
            return Some(entry.inode);
        }
        drop(state);
        if placed {
            let _ = fs::remove_file(path);
        }
        None
    }

    /// For people who look at the volume; nobody is served by it.
    fn link_latest(&self, key: &str, name: &str) {
        let latest = self.path(key, LATEST);
        if fs::read_link(&latest).is_ok_and(|target| target == Path::new(name)) {
            return;
        }
        let linked = Builder::new()
            .make_in(self.drafts(), |link| symlink(name, link))
            .and_then(|link| link.into_temp_path().persist(&latest).map_err(|failed| failed.error));
        if let Err(error) = linked {
            tracing::debug!(path = %latest.display(), %error, "the link to the newest file was not renewed");
        }
    }
}

/// Moves a draft to its name.
fn move_in(draft: NamedTempFile, content: &Content, path: &Path) -> Result<Inode, StoreError> {
    let attempted = || format!("storing {}", path.display());
    draft.as_file().sync_all().attempt(|| format!("writing {} to the disk", draft.path().display()))?;
    let size = draft.as_file().metadata().attempt(attempted)?.len();
    if size != content.size {
        let error = io::Error::other(format!("{size} bytes were written instead of {}", content.size));
        return Err(error).attempt(attempted);
    }
    let file = draft.persist(path).map_err(|failed| failed.error).attempt(attempted)?;
    // Only now: a file system may count renaming as a change.
    let identity = file.metadata().map(|about| Identity::of(&about));
    match identity {
        Ok(Some(identity)) => Ok(Inode::new(content.digest.clone(), identity)),
        other => {
            let _ = fs::remove_file(path);
            Err(other.err().unwrap_or_else(|| io::Error::other("it is no regular file"))).attempt(attempted)
        }
    }
}

fn sync_folder(path: &Path) -> Result<(), StoreError> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .attempt(|| format!("writing the folder {} to the disk", path.display()))
}

/// The identity of what has this name, links not followed.
pub(super) fn identity(path: &Path) -> io::Result<Identity> {
    Identity::of(&fs::symlink_metadata(path)?).ok_or_else(|| io::Error::other("it is no regular file"))
}

/// Removes a name of a file, as best it can.
fn unlink(inode: &Inode, path: &Path) {
    if let Err(error) = super::remove::unlink(inode, path) {
        tracing::warn!(path = %path.display(), %error, "a file that was not published cannot be removed");
    }
}
