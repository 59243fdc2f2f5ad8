//! What the storage has: the files of every owner, by the names under which they are served.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use oci_artifact::name::Digest;
use oci_decide::retention::{Policy, Record, garbage};
use tokio::time::Instant;

/// What the index knows of a file's bytes.
pub(super) trait Item {
    fn digest(&self) -> &Digest;
    fn size(&self) -> u64;
    /// When it was written, in seconds since 1970.
    fn modified(&self) -> i64;
}

/// A file of an owner.
#[derive(Debug)]
pub(super) struct Entry<T> {
    pub(super) name: Arc<str>,
    pub(super) inode: Arc<T>,
    /// Since when neither status nor `latest` means it.
    superseded: Option<Instant>,
    /// The status names it, as far as is known.
    named: bool,
    /// It is the last that was published.
    newest: bool,
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Self { name: Arc::clone(&self.name), inode: Arc::clone(&self.inode), ..*self }
    }
}

/// The files of one owner.
#[derive(Debug)]
pub(super) struct Folder<T> {
    files: Vec<Entry<T>>,
    /// Whether this process knows which file the status names. Nothing is removed before.
    settled: bool,
}

impl<T> Default for Folder<T> {
    fn default() -> Self {
        Self { files: Vec::new(), settled: false }
    }
}

impl<T> Folder<T> {
    pub(super) fn file(&self, name: &str) -> Option<&Entry<T>> {
        self.files.iter().find(|entry| &*entry.name == name)
    }

    pub(super) fn files(&self) -> &[Entry<T>] {
        &self.files
    }

    fn newest(&self) -> Option<&Entry<T>> {
        self.files.iter().find(|entry| entry.newest)
    }

    /// Notes since when files are no longer needed.
    fn supersede(&mut self, now: Instant) {
        for entry in &mut self.files {
            if entry.named || entry.newest {
                entry.superseded = None;
            } else {
                entry.superseded.get_or_insert(now);
            }
        }
    }
}

/// The files of every owner.
#[derive(Debug)]
pub(super) struct Index<T> {
    folders: HashMap<Arc<str>, Folder<T>>,
    /// A folder that has a file with this content. A hint: what is missing here is only stored twice.
    contents: HashMap<Digest, Arc<str>>,
    files: u64,
    bytes: u64,
}

impl<T> Default for Index<T> {
    fn default() -> Self {
        Self { folders: HashMap::new(), contents: HashMap::new(), files: 0, bytes: 0 }
    }
}

impl<T: Item> Index<T> {
    /// Number of files, and their bytes.
    pub(super) fn totals(&self) -> (u64, u64) {
        (self.files, self.bytes)
    }

    pub(super) fn folder(&self, key: &str) -> Option<&Folder<T>> {
        self.folders.get(key)
    }

    /// Folders that have files.
    pub(super) fn keys(&self) -> Vec<Arc<str>> {
        self.folders.keys().cloned().collect()
    }

    pub(super) fn file(&self, key: &str, name: &str) -> Option<&Entry<T>> {
        self.folders.get(key)?.file(name)
    }

    /// The newest file of an owner.
    pub(super) fn newest(&self, key: &str) -> Option<&Entry<T>> {
        self.folders.get(key)?.newest()
    }

    /// A file with this content: its folder, and itself.
    pub(super) fn content(&self, digest: &Digest) -> Option<(Arc<str>, Entry<T>)> {
        let key = self.contents.get(digest)?;
        let entry = self.folders.get(key)?.files.iter().find(|entry| entry.inode.digest() == digest)?;
        Some((Arc::clone(key), entry.clone()))
    }

    /// One name of every file: its folder, and itself.
    pub(super) fn inodes(&self) -> Vec<(Arc<str>, Arc<str>)> {
        let mut seen = HashSet::new();
        let mut names = Vec::new();
        for (key, folder) in &self.folders {
            for entry in folder.files.iter().filter(|entry| seen.insert(Arc::as_ptr(&entry.inode))) {
                names.push((Arc::clone(key), Arc::clone(&entry.name)));
            }
        }
        names
    }

    /// Every name of a file.
    pub(super) fn names_of(&self, inode: &Arc<T>) -> Vec<(Arc<str>, Arc<str>)> {
        let mut names = Vec::new();
        for (key, folder) in &self.folders {
            for entry in folder.files.iter().filter(|entry| Arc::ptr_eq(&entry.inode, inode)) {
                names.push((Arc::clone(key), Arc::clone(&entry.name)));
            }
        }
        names
    }

    /// Adds a file, or replaces what was known under its name.
    pub(super) fn insert(&mut self, key: &str, name: &str, inode: Arc<T>) {
        self.remove(key, name);
        let (key, folder) = match self.folders.get_key_value(key) {
            Some((known, _)) => (Arc::clone(known), self.folders.get_mut(key)),
            None => (Arc::from(key), None),
        };
        self.files += 1;
        self.bytes += inode.size();
        self.contents.entry(inode.digest().clone()).or_insert_with(|| Arc::clone(&key));
        let entry = Entry { name: name.into(), inode, superseded: None, named: false, newest: false };
        match folder {
            Some(folder) => folder.files.push(entry),
            None => self.folders.entry(key).or_default().files.push(entry),
        }
    }

    /// The same file as before, by another inode.
    pub(super) fn replace(&mut self, key: &str, name: &str, inode: Arc<T>) {
        let files = self.folders.get_mut(key).map(|folder| &mut folder.files);
        if let Some(entry) = files.and_then(|files| files.iter_mut().find(|entry| &*entry.name == name)) {
            entry.inode = inode;
        }
    }

    /// Makes a file the newest of its owner.
    pub(super) fn renew(&mut self, key: &str, name: &str, now: Instant) {
        if let Some(folder) = self.folders.get_mut(key) {
            for entry in &mut folder.files {
                entry.newest = &*entry.name == name;
            }
            folder.supersede(now);
        }
    }

    /// Makes the file that was written last the newest one, where nothing better is known.
    pub(super) fn guess_newest(&mut self) {
        for folder in self.folders.values_mut().filter(|folder| folder.newest().is_none()) {
            if let Some(entry) = folder.files.iter_mut().max_by_key(|entry| entry.inode.modified()) {
                entry.newest = true;
            }
        }
    }

    /// Notes that the status names this file. Returns whether that is new.
    pub(super) fn name(&mut self, key: &str, name: &str, now: Instant) -> bool {
        let Some(folder) = self.folders.get_mut(key) else {
            return false;
        };
        if folder.settled && folder.file(name).is_none_or(|entry| entry.named) {
            return false;
        }
        for entry in &mut folder.files {
            let named = &*entry.name == name;
            // Whoever read the old status may download for as long again.
            if !folder.settled || entry.named && !named {
                entry.superseded = None;
            }
            entry.named = named;
            // After a start the status knows better than the link.
            entry.newest = if folder.settled { entry.newest } else { named };
        }
        folder.settled = true;
        folder.supersede(now);
        true
    }

    /// Everything: folders, names and files.
    pub(super) fn all(&self) -> Vec<(Arc<str>, Arc<str>, Arc<T>)> {
        let folders = self.folders.iter();
        let files = folders.flat_map(|(key, folder)| folder.files.iter().map(move |entry| (key, entry)));
        files
            .map(|(key, entry)| (Arc::clone(key), Arc::clone(&entry.name), Arc::clone(&entry.inode)))
            .collect()
    }

    /// Notes since when files of an owner are no longer needed, after one was found that nobody put there.
    pub(super) fn supersede(&mut self, key: &str, now: Instant) {
        if let Some(folder) = self.folders.get_mut(key) {
            folder.supersede(now);
        }
    }

    /// Forgets a file.
    pub(super) fn remove(&mut self, key: &str, name: &str) -> Option<Entry<T>> {
        let folder = self.folders.get_mut(key)?;
        let at = folder.files.iter().position(|entry| &*entry.name == name)?;
        let entry = folder.files.remove(at);
        let empty = folder.files.is_empty();
        self.uncount(key, &entry);
        if empty {
            self.folders.remove(key);
        }
        Some(entry)
    }

    /// Forgets all files of an owner.
    pub(super) fn remove_all(&mut self, key: &str) -> Vec<Entry<T>> {
        let files = self.folders.remove(key).map(|folder| folder.files).unwrap_or_default();
        for entry in &files {
            self.uncount(key, entry);
        }
        files
    }

    fn uncount(&mut self, key: &str, entry: &Entry<T>) {
        self.files -= 1;
        self.bytes -= entry.inode.size();
        if self.contents.get(entry.inode.digest()).is_some_and(|noted| &**noted == key) {
            self.contents.remove(entry.inode.digest());
        }
    }

    /// The files of an owner that may be removed now, and when the next one may be.
    pub(super) fn garbage(
        &self,
        key: &str,
        policy: Policy,
        now: Instant,
    ) -> (Vec<Arc<str>>, Option<Instant>) {
        let Some(folder) = self.folders.get(key).filter(|folder| folder.settled) else {
            return (Vec::new(), None);
        };
        let records: Vec<_> = folder
            .files
            .iter()
            .map(|entry| Record {
                file: Arc::clone(&entry.name),
                superseded: entry.superseded.map(|since| now.saturating_duration_since(since)),
            })
            .collect();
        let (names, next) = garbage(&records, policy);
        (names, next.and_then(|wait| now.checked_add(wait)))
    }
}
