//! Files of the bucket that lie in a folder beside us: whole ones, whose digests were checked, and no more bytes than they
//! may have together. The ones that were used longest ago go first. Nothing of it outlives the process.

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use oci_artifact::name::Digest;
use tempfile::NamedTempFile;
use tokio::{sync::Notify, time::Instant};

use super::error::Cause;
use crate::storage::file::{Identity, Inode};

/// How long a file waits for room that others' downloads take.
const PATIENCE: Duration = Duration::from_mins(1);

/// The files, by their paths in the bucket.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    limit: u64,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    slots: HashMap<Arc<str>, Slot>,
    /// Bytes of all files, and of those that are on their way.
    bytes: u64,
    /// Counts uses, and names of files.
    clock: u64,
}

#[derive(Debug)]
struct Slot {
    inode: Arc<Inode>,
    place: PathBuf,
    used: u64,
    /// When it was known to be in the bucket.
    seen: Instant,
}

/// A file that is open, so that it can be read whatever becomes of its name.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) inode: Arc<Inode>,
    pub(super) file: File,
    /// When it was known to be in the bucket.
    pub(super) seen: Instant,
}

/// Room for a file that is on its way.
#[derive(Debug)]
pub(super) struct Room {
    cache: Arc<Cache>,
    size: u64,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.cache.state().bytes -= self.size;
        self.cache.freed.notify_waiters();
    }
}

impl Cache {
    /// In a folder that is emptied first.
    pub(super) fn new(folder: PathBuf, limit: u64) -> io::Result<Self> {
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir(&folder)?,
        }
        Ok(Self { folder, limit, state: Mutex::default(), freed: Notify::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a file, if it is here as it was put here. Blocks for a moment.
    pub(super) fn open(&self, path: &str) -> Option<Opened> {
        let (inode, place, seen) = {
            let mut state = self.state();
            state.clock += 1;
            let clock = state.clock;
            let slot = state.slots.get_mut(path)?;
            slot.used = clock;
            (Arc::clone(&slot.inode), slot.place.clone(), slot.seen)
        };
        if let Ok(Some(file)) = inode.open(&place) {
            return Some(Opened { inode, file, seen });
        }
        self.forget(path);
        None
    }

    /// Notes that a file is in the bucket still.
    pub(super) fn saw(&self, path: &str) {
        if let Some(slot) = self.state().slots.get_mut(path) {
            slot.seen = Instant::now();
        }
    }

    /// Removes a file. Whoever reads it may go on.
    pub(super) fn forget(&self, path: &str) {
        let slot = {
            let mut state = self.state();
            let slot = state.slots.remove(path);
            if let Some(slot) = &slot {
                state.bytes -= slot.inode.size();
            }
            slot
        };
        if let Some(slot) = slot {
            remove(&slot.place);
            self.freed.notify_waiters();
        }
    }

    /// Removes all files whose paths begin so.
    pub(super) fn forget_all(&self, start: &str) {
        let paths: Vec<_> =
            self.state().slots.keys().filter(|path| path.starts_with(start)).cloned().collect();
        for path in &paths {
            self.forget(path);
        }
    }

    /// Whether a file may be here at all.
    pub(super) fn fits(&self, size: u64) -> Result<(), Cause> {
        if size <= self.limit { Ok(()) } else { Err(Cause::TooLarge { size, limit: self.limit }) }
    }

    /// Makes room for a file; waits if files that are on their way take it.
    pub(super) async fn room(self: &Arc<Self>, size: u64) -> Result<Room, Cause> {
        self.fits(size)?;
        let wait = async {
            loop {
                let freed = self.freed.notified();
                if self.take(size) {
                    return Room { cache: Arc::clone(self), size };
                }
                freed.await;
            }
        };
        let room = tokio::time::timeout(PATIENCE, wait).await;
        room.map_err(|_| Cause::Answer("other downloads take all the room that --storage-cache-size gives"))
    }

    fn take(&self, size: u64) -> bool {
        let mut gone = Vec::new();
        let taken = {
            let mut state = self.state();
            while state.bytes + size > self.limit {
                let oldest = state.slots.iter().min_by_key(|(_, slot)| slot.used);
                let Some(path) = oldest.map(|(path, _)| Arc::clone(path)) else { break };
                if let Some(slot) = state.slots.remove(&path) {
                    state.bytes -= slot.inode.size();
                    gone.push(slot.place);
                }
            }
            let fits = state.bytes + size <= self.limit;
            state.bytes += if fits { size } else { 0 };
            fits
        };
        for place in &gone {
            remove(place);
        }
        taken
    }

    /// Takes over a file that was checked. Blocks for a moment.
    pub(super) fn keep(
        &self,
        path: &str,
        draft: NamedTempFile,
        digest: &Digest,
        room: Room,
    ) -> io::Result<()> {
        self.forget(path);
        let mut state = self.state();
        state.clock += 1;
        let used = state.clock;
        let place = self.folder.join(used.to_string());
        let file = draft.persist(&place).map_err(|failed| failed.error)?;
        let identity = Identity::of(&file.metadata()?).filter(|identity| identity.size() == room.size);
        let Some(identity) = identity else {
            remove(&place);
            return Err(io::Error::other("it was changed after it was checked"));
        };
        let inode = Arc::new(Inode::new(digest.clone(), identity));
        state.bytes += room.size;
        state.slots.insert(path.into(), Slot { inode, place, used, seen: Instant::now() });
        drop(state);
        drop(room);
        Ok(())
    }
}

/// What cannot be removed is removed with the folder at the next start.
fn remove(place: &Path) {
    if let Err(error) = fs::remove_file(place) {
        tracing::debug!(place = %place.display(), %error, "a file of the cache was not removed");
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// A cache of 100 bytes.
    fn cache(root: &Path) -> Arc<Cache> {
        Arc::new(Cache::new(root.join("cache"), 100).unwrap())
    }

    async fn put(cache: &Arc<Cache>, path: &str, size: usize) {
        let room = cache.room(size as u64).await.unwrap();
        let mut draft = NamedTempFile::new_in(&cache.folder).unwrap();
        draft.write_all(&vec![7; size]).unwrap();
        cache.keep(path, draft, &Digest::of(&vec![7; size]), room).unwrap();
    }

    #[tokio::test]
    async fn cache_keeps_what_is_used_and_no_more_than_it_may() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        for path in ["a", "b"] {
            put(&cache, path, 40).await;
        }
        assert!(cache.open("a").is_some());
        put(&cache, "c", 40).await;
        assert!(cache.open("b").is_none() && cache.open("a").is_some() && cache.open("c").is_some());
        assert_eq!((cache.state().bytes, fs::read_dir(&cache.folder).unwrap().count()), (80, 2));
        put(&cache, "d", 100).await;
        assert!(cache.open("a").is_none() && cache.open("c").is_none() && cache.open("d").is_some());
        assert!(matches!(cache.room(101).await, Err(Cause::TooLarge { size: 101, limit: 100 })));
        cache.forget_all("d");
        assert_eq!((cache.state().bytes, fs::read_dir(&cache.folder).unwrap().count()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn room_is_waited_for_while_others_take_it() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        let taken = cache.room(60).await.unwrap();
        assert!(matches!(cache.room(60).await, Err(Cause::Answer(_))), "not for ever");
        let waiting = cache.room(60);
        let freeing = async {
            tokio::task::yield_now().await;
            drop(taken);
        };
        let (taking, ()) = tokio::join!(waiting, freeing);
        assert_eq!(cache.state().bytes, 60);
        drop(taking);
        assert_eq!(cache.state().bytes, 0);
    }

    #[tokio::test]
    async fn cache_gives_no_file_that_somebody_wrote_to() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        put(&cache, "a", 40).await;
        let place = fs::read_dir(&cache.folder).unwrap().next().unwrap().unwrap().path();
        fs::write(&place, [8; 40]).unwrap();
        assert!(cache.open("a").is_none());
        assert!(!place.exists());
    }
}
