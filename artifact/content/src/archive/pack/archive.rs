//! The uncompressed archive while it is written: headers, content, end marker.
//!
//! Keeps the promises that a reader will check: the content has the size that the header says, and the limits of
//! reading hold for what is written.

use std::{
    fs::File,
    io::{Read, Write},
    os::unix::fs::MetadataExt,
    path::Path,
};

use crate::{
    archive::{Control, Error, MemberPath},
    limits,
};

use super::{
    gzip::Encoder,
    header::{self, Kind, Modes},
};

/// Bytes read from a file at once.
pub(super) const CHUNK: usize = 128 << 10;

/// The uncompressed archive that is being written.
pub(super) struct Archive<'a, 'e, W> {
    encoder: &'a mut Encoder<'e, W>,
    modes: Modes,
    pub(super) control: &'a Control,
    headers: Vec<u8>,
    buffer: Vec<u8>,
    pub(super) members: u64,
    pub(super) files: u64,
    content: u64,
}

impl<'a, 'e, W: Write> Archive<'a, 'e, W> {
    pub(super) fn new(encoder: &'a mut Encoder<'e, W>, modes: Modes, control: &'a Control) -> Self {
        let buffer = vec![0; CHUNK];
        Self { encoder, modes, control, headers: Vec::new(), buffer, members: 0, files: 0, content: 0 }
    }

    /// Adds a folder.
    pub(super) fn folder(&mut self, name: &str) -> Result<(), Error> {
        self.header(name, Kind::Folder)
    }

    /// Adds an open regular file with all of its content; `path` names it in errors.
    pub(super) fn file(&mut self, member: &MemberPath, mut file: File, path: &Path) -> Result<(), Error> {
        let stat = |file: &File| file.metadata().map_err(|error| Error::io("inspect", path, error));
        let before = stat(&file)?;
        self.begin(member, before.len(), before.mode() & 0o111 != 0)?;
        self.content(&mut file, before.len(), path)?;
        let after = stat(&file)?;
        if (after.mtime(), after.mtime_nsec()) != (before.mtime(), before.mtime_nsec()) {
            return Err(Error::Changed { path: path.to_owned(), how: "changed" });
        }
        Ok(())
    }

    pub(super) fn begin(&mut self, member: &MemberPath, size: u64, executable: bool) -> Result<(), Error> {
        self.content += size;
        check_extracted(self.content)?;
        self.files += 1;
        self.header(member.as_str(), Kind::File { size, executable })
    }

    fn header(&mut self, name: &str, kind: Kind) -> Result<(), Error> {
        self.control.check()?;
        self.members += 1;
        if self.members > limits::MEMBERS {
            return Err(Error::limit("the archive", "members", limits::MEMBERS));
        }
        self.headers.clear();
        header::append(&mut self.headers, name, kind, self.modes)?;
        self.encoder.write(&self.headers)
    }

    /// Copies exactly `size` bytes, and makes sure that no more follow.
    pub(super) fn content(&mut self, reader: &mut impl Read, size: u64, path: &Path) -> Result<(), Error> {
        let changed = |how| Error::Changed { path: path.to_owned(), how };
        let mut left = size;
        loop {
            self.control.check()?;
            // One byte more than is left: a read that does not fill this has seen the end, which saves a second call.
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).saturating_add(1).min(self.buffer.len());
            let count = match reader.read(self.buffer.get_mut(..wanted).unwrap_or_default()) {
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::io("read", path, error)),
            };
            left = left.checked_sub(count as u64).ok_or_else(|| changed("grew"))?;
            self.encoder.write(self.buffer.get(..count).unwrap_or_default())?;
            self.control.add(count as u64);
            match (left, count) {
                (0, count) if count < wanted => break,
                (0, _) => {}
                (_, 0) => return Err(changed("shrank")),
                _ => {}
            }
        }
        self.encoder.write([0; header::BLOCK].get(..header::padding(size)).unwrap_or_default())
    }

    /// Adds the content of a member of another archive, which has `size` bytes or ends in an error. `read` fills its
    /// buffer, except at the end.
    pub(super) fn copy(
        &mut self,
        size: u64,
        mut read: impl FnMut(&mut [u8]) -> Result<usize, Error>,
    ) -> Result<(), Error> {
        let mut left = size;
        while left > 0 {
            let count = read(&mut self.buffer)?;
            if count == 0 {
                return Err(Error::Truncated("a member".to_owned()));
            }
            self.encoder.write(self.buffer.get(..count).unwrap_or_default())?;
            left = left.saturating_sub(count as u64);
        }
        self.encoder.write([0; header::BLOCK].get(..header::padding(size)).unwrap_or_default())
    }

    /// Two zero blocks, and no padding to a record of 10 KiB.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        self.encoder.write(&[0; 2 * header::BLOCK])?;
        let limit = limits::STREAM_BYTES;
        if self.encoder.content_size() > limit {
            return Err(Error::limit("the archive", "bytes", limit));
        }
        Ok(())
    }
}

pub(super) fn check_extracted(size: u64) -> Result<(), Error> {
    let limit = limits::EXTRACTED_BYTES;
    if size > limit {
        return Err(Error::limit("the archive", "bytes in files", limit));
    }
    Ok(())
}
