//! The hidden folder that members are written to before they take their place.

use std::{
    ffi::OsStr,
    fs,
    hash::{BuildHasher, Hasher, RandomState},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, Mode, OFlags, mkdirat, openat, renameat},
    io::Errno,
};

use crate::archive::Error;

/// Names that are tried; one of 2^64 names is taken by accident about never.
const ATTEMPTS: usize = 16;

/// A new folder, removed when dropped unless it was renamed.
pub(super) struct Staging {
    parent: OwnedFd,
    folder: OwnedFd,
    name: String,
    path: PathBuf,
    renamed: bool,
}

impl Staging {
    /// Creates `.<name>.<random>` in `parent`.
    pub(super) fn create(parent: &Path, name: &OsStr) -> Result<Self, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle =
            openat(CWD, parent, flags, Mode::empty()).map_err(|error| Error::io("open", parent, error))?;
        // The name is for people who find it; it must not make ours too long.
        let shown: String = name.to_string_lossy().chars().take(40).collect();
        for _ in 0..ATTEMPTS {
            let name = format!(".{shown}.{:016x}", RandomState::new().build_hasher().finish());
            let path = parent.join(&name);
            match mkdirat(&handle, &name, Mode::from_raw_mode(0o755)) {
                Ok(()) => {}
                Err(Errno::EXIST) => continue,
                Err(error) => return Err(Error::io("create", path, error)),
            }
            match openat(&handle, &name, flags | OFlags::NOFOLLOW, Mode::empty()) {
                Ok(folder) => {
                    return Ok(Self { parent: handle, folder, name, path, renamed: false });
                }
                Err(error) => {
                    let _ = fs::remove_dir(&path);
                    return Err(Error::io("open", path, error));
                }
            }
        }
        Err(Error::io("create", parent.join(format!(".{shown}.…")), Errno::EXIST))
    }

    pub(super) fn folder(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }

    /// Gives it its final name in the same parent; an empty folder of that name is replaced.
    pub(super) fn rename(self, name: &OsStr) -> Result<(), Errno> {
        self.try_rename(name).map_err(|(_, error)| error)
    }

    /// As [`Staging::rename`], and gives the folder back if that is refused.
    pub(super) fn try_rename(mut self, name: &OsStr) -> Result<(), (Self, Errno)> {
        match renameat(&self.parent, &self.name, &self.parent, name) {
            Ok(()) => {
                self.renamed = true;
                Ok(())
            }
            Err(error) => Err((self, error)),
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.renamed {
            // Nothing better can be done about a failure here: the error that led here is the one to report.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
