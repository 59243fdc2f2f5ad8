//! Moving finished members into a folder that exists.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, renameat, statat},
    io::Errno,
};

use crate::archive::{Control, Error};

use super::staging::Staging;

/// Moves everything in `staging` to the folder `real`, once it is known that nothing is in the way.
pub(super) fn merge(staging: &Staging, real: &Path, shown: &Path, control: &Control) -> Result<(), Error> {
    let to = open(CWD, real).map_err(|error| Error::io("open", shown, error))?;
    visit(staging.folder(), to.as_fd(), shown, &mut |_| control.check())?;
    visit(staging.folder(), to.as_fd(), shown, &mut |entry| {
        renameat(entry.from, entry.name, entry.to, entry.name)
            .map_err(|error| Error::io("replace", entry.shown.join(entry.name), error))
    })
}

/// Something that can be moved: a file, or a folder that the destination does not have.
struct Movable<'a> {
    from: BorrowedFd<'a>,
    to: BorrowedFd<'a>,
    name: &'a str,
    shown: &'a Path,
}

/// Calls `act` for whatever can be moved from one folder to another, and fails on what cannot.
fn visit(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    shown: &Path,
    act: &mut dyn FnMut(Movable<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    for (name, is_folder) in entries(from, shown)? {
        let path = shown.join(&name);
        let found = match statat(to, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Some(FileType::from_raw_mode(stat.st_mode)),
            Err(Errno::NOENT) => None,
            Err(error) => return Err(Error::io("inspect", path, error)),
        };
        match (is_folder, found) {
            (_, None) | (false, Some(FileType::RegularFile)) => {
                act(Movable { from, to, name: &name, shown })?;
            }
            (true, Some(FileType::Directory)) => {
                let open = |at| open(at, Path::new(&name)).map_err(|error| Error::io("open", &path, error));
                visit(open(from)?.as_fd(), open(to)?.as_fd(), &path, act)?;
            }
            (_, Some(found)) => return Err(occupied(path, found, is_folder)),
        }
    }
    Ok(())
}

/// Names and whether they are folders; listed before anything is moved, because moving changes the list.
fn entries(folder: BorrowedFd<'_>, shown: &Path) -> Result<Vec<(String, bool)>, Error> {
    let failed = |error: Errno| Error::io("list", shown, error);
    let mut entries = Vec::new();
    for entry in Dir::read_from(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // All names here were written by us, so they are UTF-8.
        let Ok(name) = entry.file_name().to_str() else {
            continue;
        };
        if matches!(name, "." | "..") {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => {
                let stat = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
                FileType::from_raw_mode(stat.st_mode)
            }
            known => known,
        };
        entries.push((name.to_owned(), kind == FileType::Directory));
    }
    entries.sort_unstable();
    Ok(entries)
}

fn open(at: impl AsFd, path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(at, path, flags, Mode::empty())
}

fn occupied(path: PathBuf, found: FileType, is_folder: bool) -> Error {
    let found = match found {
        FileType::RegularFile => "a file",
        FileType::Directory => "a folder",
        FileType::Symlink => "a symbolic link",
        _ => "a special file",
    };
    Error::Occupied { path, found, wanted: if is_folder { "a folder" } else { "a file" } }
}
