//! The walk over a folder that is packed: order, ignore rules, links.
//!
//! Everything is opened relative to the handle of its folder and without following links, so that a tree that changes
//! underneath cannot lead out of itself. A link is followed only when that is asked for, and only inside the root.

use std::{
    collections::HashSet,
    fs::File,
    io::{Read, Write},
    os::{fd::OwnedFd, unix::fs::MetadataExt},
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, statat},
    io::Errno,
};

use crate::{
    archive::{Error, IGNORE_FILE, Ignore, MemberPath, PathFault, path::shown},
    limits,
};

use super::{PackOptions, archive::Archive};

pub(super) struct Walk<'w, 'a, 'e, W> {
    options: &'w PackOptions,
    archive: &'w mut Archive<'a, 'e, W>,
    /// As given by the user, for messages.
    shown_root: &'w Path,
    /// The same folder without links.
    real_root: PathBuf,
    root: File,
    ignore: Ignore,
    /// Real paths below the root that are left out.
    excluded: HashSet<PathBuf>,
    /// Components of the path in the archive.
    names: Vec<String>,
    /// Device and inode of the folders that are open, to break cycles of links.
    open: Vec<(u64, u64)>,
    ignored: u64,
    skipped: u64,
}

impl<'w, 'a, 'e, W: Write> Walk<'w, 'a, 'e, W> {
    pub(super) fn new(
        path: &'w Path,
        options: &'w PackOptions,
        archive: &'w mut Archive<'a, 'e, W>,
    ) -> Result<Self, Error> {
        let failed = |error| Error::io("open", path, error);
        let real_root = path.canonicalize().map_err(failed)?;
        let root = File::open(&real_root).map_err(failed)?;
        let excluded =
            options.exclude.iter().filter_map(|path| below(&real_root, path)).collect::<HashSet<_>>();
        Ok(Self {
            options,
            archive,
            shown_root: path,
            real_root,
            root,
            ignore: options.ignore.clone(),
            excluded,
            names: Vec::new(),
            open: Vec::new(),
            ignored: 0,
            skipped: 0,
        })
    }

    /// Packs everything below the root.
    pub(super) fn root(&mut self) -> Result<(), Error> {
        let root = self.root.try_clone().map_err(|error| Error::io("open", self.shown_root, error))?;
        self.folder(&root, Path::new(""))
    }

    /// Entries that were ignored and skipped.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.ignored, self.skipped)
    }

    /// Packs the entries of an open folder, whose real path below the root is `real`.
    fn folder(&mut self, folder: &File, real: &Path) -> Result<(), Error> {
        let identity = self.identity(folder)?;
        let entries = self.entries(folder)?;
        let patterns = self.ignore.len();
        if self.options.source_ignore && entries.iter().any(|(name, _)| name == IGNORE_FILE) {
            self.read_ignore_file(folder)?;
        }
        self.open.push(identity);
        for (name, kind) in entries {
            let real = real.join(&name);
            self.names.push(name);
            self.entry(folder, &real, kind)?;
            self.names.pop();
        }
        self.open.pop();
        self.ignore.truncate(patterns);
        Ok(())
    }

    /// Names and types, in byte order of the names. What is neither file, folder nor link is counted and dropped.
    fn entries(&mut self, folder: &File) -> Result<Vec<(String, FileType)>, Error> {
        let failed = |error: Errno| Error::io("list", self.shown(), error);
        let mut entries = Vec::new();
        let mut skipped = 0;
        for entry in Dir::read_from(folder).map_err(failed)? {
            self.archive.control.check()?;
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => {
                    let stat = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
                    FileType::from_raw_mode(stat.st_mode)
                }
                known => known,
            };
            match kind {
                FileType::RegularFile | FileType::Directory | FileType::Symlink => {
                    let name = name.to_str().map_err(|_| {
                        let member = shown(&[self.prefix().as_bytes(), name.to_bytes()].concat());
                        Error::Path { member, fault: PathFault::NotUtf8 }
                    })?;
                    entries.push((name.to_owned(), kind));
                }
                _ => skipped += 1,
            }
        }
        self.skipped += skipped;
        entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Ok(entries)
    }

    /// Packs one entry; its name is the last of `names`.
    fn entry(&mut self, folder: &File, real: &Path, kind: FileType) -> Result<(), Error> {
        if self.excluded.contains(real) {
            return Ok(());
        }
        if kind == FileType::Symlink {
            return self.link(real);
        }
        let is_folder = kind == FileType::Directory;
        let ignored = self.is_ignored(is_folder);
        if ignored && (!is_folder || self.ignore.may_prune()) {
            return Ok(());
        }
        let name = self.names.last().map(String::as_str).unwrap_or_default();
        let file = match openat(folder, name, flags(is_folder), Mode::empty()) {
            Ok(file) => File::from(file),
            // It was there when the folder was listed; as a file it is a link now if it cannot be opened like this.
            Err(Errno::NOENT) => {
                return Err(Error::Changed { path: self.shown(), how: "disappeared" });
            }
            Err(Errno::LOOP | Errno::NOTDIR) => {
                return Err(Error::Changed { path: self.shown(), how: "changed" });
            }
            Err(error) => return Err(Error::io("open", self.shown(), error)),
        };
        self.opened(file, real, is_folder, ignored)
    }

    fn opened(&mut self, file: File, real: &Path, is_folder: bool, ignored: bool) -> Result<(), Error> {
        let member = MemberPath::parse(&self.names.join("/"))?;
        if is_folder {
            if !ignored {
                self.archive.folder(member.as_str())?;
            }
            return self.folder(&file, real);
        }
        let shown = self.shown();
        self.archive.file(&member, file, &shown)
    }

    /// Counts and tells what the patterns say about the current path.
    fn is_ignored(&mut self, is_folder: bool) -> bool {
        let ignored = self.ignore.is_ignored(&self.names, is_folder);
        self.ignored += u64::from(ignored);
        ignored
    }

    /// Packs what a link points to, or skips it.
    fn link(&mut self, real: &Path) -> Result<(), Error> {
        if !self.options.resolve_symlinks {
            self.skipped += 1;
            return Ok(());
        }
        // What is ignored may be broken.
        if self.is_ignored(false) {
            return Ok(());
        }
        let link = self.real_root.join(real);
        let target = match link.canonicalize() {
            Ok(target) => target,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Err(Error::io("follow the link", self.shown(), error));
            }
            Err(_) => {
                let target =
                    link.read_link().map_err(|error| Error::io("read the link", self.shown(), error))?;
                return Err(Error::LinkBroken { link: self.shown(), target });
            }
        };
        let Ok(inside) = target.strip_prefix(&self.real_root) else {
            return Err(Error::LinkOutside { link: self.shown(), target });
        };
        let metadata = target.symlink_metadata().map_err(|error| Error::io("inspect", &target, error))?;
        if !metadata.is_dir() && !metadata.is_file() {
            self.skipped += 1;
            return Ok(());
        }
        let is_folder = metadata.is_dir();
        let ignored = is_folder && self.is_ignored(true);
        if self.excluded.contains(inside) || (ignored && self.ignore.may_prune()) {
            return Ok(());
        }
        let file = File::from(self.open_inside(inside, is_folder)?);
        if is_folder && self.open.contains(&self.identity(&file)?) {
            let member = MemberPath::parse(&self.names.join("/"))?;
            return if ignored { Ok(()) } else { self.archive.folder(member.as_str()) };
        }
        self.opened(file, inside, is_folder, ignored)
    }

    /// Opens a real path below the root, one component after the other, so that no link can be slipped in.
    fn open_inside(&self, inside: &Path, is_folder: bool) -> Result<OwnedFd, Error> {
        let failed = |error: Errno| Error::io("open", self.real_root.join(inside), error);
        let mut at: OwnedFd = openat(&self.root, ".", flags(true), Mode::empty()).map_err(failed)?;
        let mut components = inside.components().peekable();
        while let Some(component) = components.next() {
            let flags = flags(is_folder || components.peek().is_some());
            at = openat(&at, component.as_os_str(), flags, Mode::empty()).map_err(failed)?;
        }
        Ok(at)
    }

    fn read_ignore_file(&mut self, folder: &File) -> Result<(), Error> {
        let path = self.shown().join(IGNORE_FILE);
        let file = match openat(folder, IGNORE_FILE, flags(false), Mode::empty()) {
            Ok(file) => File::from(file),
            // A link: neither packed nor obeyed.
            Err(Errno::LOOP) => return Ok(()),
            Err(error) => return Err(Error::io("open", path, error)),
        };
        let metadata = file.metadata().map_err(|error| Error::io("inspect", &path, error))?;
        if !metadata.is_file() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        let most = limits::IGNORE_FILE_BYTES + 1;
        file.take(most).read_to_end(&mut bytes).map_err(|error| Error::io("read", &path, error))?;
        // A pattern that is not UTF-8 can match no member's name.
        self.ignore.add_file(&self.names, &String::from_utf8_lossy(&bytes))
    }

    fn identity(&self, folder: &File) -> Result<(u64, u64), Error> {
        let metadata = folder.metadata().map_err(|error| Error::io("inspect", self.shown(), error))?;
        Ok((metadata.dev(), metadata.ino()))
    }

    fn prefix(&self) -> String {
        self.names.iter().flat_map(|name| [name.as_str(), "/"]).collect()
    }

    /// The current path as the user would write it.
    fn shown(&self) -> PathBuf {
        let mut path = self.shown_root.to_owned();
        path.extend(&self.names);
        path
    }
}

fn flags(is_folder: bool) -> OFlags {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // A pipe that took the place of a file must not make us wait.
    flags | if is_folder { OFlags::DIRECTORY } else { OFlags::NONBLOCK }
}

/// `path` relative to `root` without links, if it lies in there.
fn below(root: &Path, path: &Path) -> Option<PathBuf> {
    let real = path.canonicalize().or_else(|_| {
        // It may not exist yet; its folder does, or nothing can come to be there.
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new(".")).canonicalize()?;
        Ok::<_, std::io::Error>(parent.join(path.file_name().unwrap_or_default()))
    });
    let inside = real.ok()?.strip_prefix(root).ok()?.to_owned();
    inside.components().all(|part| matches!(part, Component::Normal(_))).then_some(inside)
}
