//! A file as it was stored, and by what it is known again without reading it.

use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use oci_artifact::name::{Algorithm, Digest};
use rustix::fs::OFlags;

use super::hash;

/// What the file system says about a regular file. Nobody changes its bytes without changing this: the time of the
/// last change cannot be set by programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    number: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Identity {
    /// `None` if it is no regular file.
    pub(crate) fn of(about: &Metadata) -> Option<Self> {
        about.is_file().then(|| Self {
            device: about.dev(),
            number: about.ino(),
            size: about.len(),
            modified: (about.mtime(), about.mtime_nsec()),
            changed: (about.ctime(), about.ctime_nsec()),
        })
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// What two names of the same file have in common.
    pub(super) fn file(&self) -> (u64, u64) {
        (self.device, self.number)
    }

    /// Whether only the time of the change differs, as after a link was made or removed.
    pub(crate) fn resembles(&self, other: &Self) -> bool {
        Self { changed: other.changed, ..*self } == *other
    }
}

/// The number of the next [`Inode`].
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A file of the storage; several names may share it.
#[derive(Debug)]
pub(crate) struct Inode {
    id: u64,
    digest: Digest,
    other: OnceLock<Digest>,
    size: u64,
    /// Seconds since 1970.
    modified: i64,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    identity: Identity,
    /// What is wrong with it.
    damage: Option<Box<str>>,
}

impl Inode {
    pub(super) fn new(digest: Digest, identity: Identity) -> Self {
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            digest,
            other: OnceLock::new(),
            size: identity.size,
            modified: identity.modified.0,
            state: Mutex::new(State { identity, damage: None }),
        }
    }

    /// A number that no other file of this process has.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The digest of its bytes.
    pub(crate) fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Whether a text is this digest.
    pub(super) fn has(&self, digest: &str) -> bool {
        let known = &self.digest;
        let hex = digest.strip_prefix(known.algorithm().name()).and_then(|rest| rest.strip_prefix(':'));
        hex == Some(known.hex())
    }

    /// The digest by the other algorithm: read once, and only from the file that is known.
    pub(super) fn other(&self, algorithm: Algorithm, path: &Path) -> Option<Digest> {
        if let Some(other) = self.other.get() {
            return Some(other.clone());
        }
        let (digest, identity) = hash::hash(open(path).ok()?, algorithm).ok()??;
        if identity != self.lock().identity {
            return None;
        }
        Some(self.other.get_or_init(|| digest).clone())
    }

    /// Its bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// When it was written, in seconds since 1970.
    pub(crate) fn modified(&self) -> i64 {
        self.modified
    }

    /// Whoever makes or removes links holds this meanwhile, so that nobody takes the changed identity for damage.
    /// May be held during system calls, but never while bytes are read.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens `path` if it still is this file. `Ok(None)`: it is another, or none.
    pub(crate) fn open(&self, path: &Path) -> io::Result<Option<File>> {
        let state = self.lock();
        let file = match open(path) {
            Err(error) if is_other(&error) => return Ok(None),
            opened => opened?,
        };
        let same = state.damage.is_none() && Identity::of(&file.metadata()?) == Some(state.identity);
        Ok(same.then_some(file))
    }
}

impl State {
    pub(super) fn identity(&self) -> Identity {
        self.identity
    }

    /// Takes over the identity after a link was made or removed. `false`: more than that has changed.
    pub(super) fn follow(&mut self, now: Identity) -> bool {
        let same = self.identity.resembles(&now);
        if same {
            self.identity = now;
        }
        same
    }

    /// Takes over the identity of a file that was read and found whole.
    pub(super) fn accept(&mut self, now: Identity) {
        self.identity = now;
    }

    pub(super) fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    pub(super) fn condemn(&mut self, damage: &str) {
        self.damage.get_or_insert_with(|| damage.into());
    }
}

/// Opens for reading, and never what a link points to. Waits for nobody, should it be a pipe.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// Whether opening failed because there is no file, or something that is none.
pub(super) fn is_other(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}
