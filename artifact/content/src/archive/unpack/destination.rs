//! What is at the destination before anything is written.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, fchmod};

use crate::archive::Error;

use super::staging::Staging;

/// What is at the destination.
pub(super) enum Place {
    /// Nothing; the parents may be missing too.
    Missing { parent: PathBuf, name: OsString },
    /// An empty folder; `real` is its path without links.
    Empty { parent: PathBuf, name: OsString, real: PathBuf },
    /// A folder that has something in it, or no parent.
    Folder { real: PathBuf },
}

impl Place {
    pub(super) fn find(destination: &Path) -> Result<Self, Error> {
        let failed = |error| Error::io("open", destination, error);
        match destination.metadata() {
            Ok(metadata) if metadata.is_dir() => {
                let real = destination.canonicalize().map_err(failed)?;
                let empty = fs::read_dir(&real).map_err(failed)?.next().is_none();
                Ok(match (real.parent(), real.file_name()) {
                    (Some(parent), Some(name)) if empty => {
                        Self::Empty { parent: parent.to_owned(), name: name.to_owned(), real }
                    }
                    _ => Self::Folder { real },
                })
            }
            Ok(_) => Err(Error::NotAFolder(destination.to_owned())),
            // A link to nothing is not ours to replace.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !destination.is_symlink() => {
                let name =
                    destination.file_name().ok_or_else(|| Error::NotAFolder(destination.to_owned()))?;
                let parent = destination.parent().filter(|parent| !parent.as_os_str().is_empty());
                Ok(Self::Missing {
                    parent: parent.unwrap_or(Path::new(".")).to_owned(),
                    name: name.to_owned(),
                })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(Error::NotAFolder(destination.to_owned()))
            }
            Err(error) => Err(failed(error)),
        }
    }
}

/// A hidden folder that can take the place of the empty folder `real` without anyone noticing; `None` if it would be
/// noticed: a mount point, somebody's working folder, another owner, a parent that we may not write to.
pub(super) fn replacement(parent: &Path, name: &OsString, real: &Path) -> Option<Staging> {
    let old = real.symlink_metadata().ok()?;
    let here = Path::new(".").metadata().ok()?;
    if (old.dev(), old.ino()) == (here.dev(), here.ino()) || is_mount_point(real, parent, &old) {
        return None;
    }
    let staging = Staging::create(parent, name).ok()?;
    let new = rustix::fs::fstat(staging.folder()).ok()?;
    if (new.st_uid, new.st_gid) != (old.uid(), old.gid()) {
        return None;
    }
    fchmod(staging.folder(), Mode::from_raw_mode((old.mode() & 0o7777) as rustix::fs::RawMode)).ok()?;
    Some(staging)
}

fn is_mount_point(real: &Path, parent: &Path, old: &fs::Metadata) -> bool {
    if parent.metadata().map_or(true, |parent| parent.dev() != old.dev()) {
        return true;
    }
    // A bind mount of the same file system shows only here.
    #[cfg(target_os = "linux")]
    if let Ok(found) = rustix::fs::statx(
        rustix::fs::CWD,
        real,
        rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
        rustix::fs::StatxFlags::BASIC_STATS,
    ) {
        return found.stx_attributes.contains(rustix::fs::StatxAttributes::MOUNT_ROOT);
    }
    let _ = real;
    false
}

/// Folders above the destination that did not exist; removed again unless kept.
#[derive(Default)]
pub(super) struct CreatedParents(Vec<PathBuf>);

impl CreatedParents {
    pub(super) fn create(parent: &Path) -> Result<Self, Error> {
        let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let missing: Vec<&Path> = parent.ancestors().take_while(missing).collect();
        let mut created = Self::default();
        for path in missing.into_iter().rev() {
            match fs::create_dir(path) {
                Ok(()) => created.0.push(path.to_owned()),
                // Somebody else was faster, so it is not ours to remove.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
                Err(error) => return Err(Error::io("create", path, error)),
            }
        }
        Ok(created)
    }

    pub(super) fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for CreatedParents {
    fn drop(&mut self) {
        for path in self.0.iter().rev() {
            // Not empty means that somebody uses it by now.
            if fs::remove_dir(path).is_err() {
                break;
            }
        }
    }
}
