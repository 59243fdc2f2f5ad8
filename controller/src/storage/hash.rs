//! The digest of a file's bytes.

use std::{
    fs::File,
    io::{self, Read},
    time::Duration,
};

use oci_artifact::name::{Algorithm, Digest, Hasher};

use super::file::Identity;

/// Bytes that are read at once: enough that the calls cost nothing, little enough for the processor's cache.
const PIECE: usize = 256 << 10;

/// Reads the whole file. The identity is the one that it had before; `None` if it was written meanwhile.
pub(super) fn hash(file: File, algorithm: Algorithm) -> io::Result<Option<(Digest, Identity)>> {
    let mut reading = Reading::new(file, algorithm)?;
    while reading.step()? > 0 {}
    reading.finish()
}

/// A file that is being read, piece by piece.
pub(super) struct Reading {
    file: File,
    before: Identity,
    hasher: Hasher,
    buffer: Box<[u8]>,
    total: u64,
}

impl Reading {
    pub(super) fn new(file: File, algorithm: Algorithm) -> io::Result<Self> {
        // Files are read from the beginning to the end; the kernel may fetch ahead. Only a hint.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Sequential);
        let before = regular(&file)?;
        let buffer = vec![0; PIECE].into();
        Ok(Self { file, before, hasher: Hasher::new(algorithm), buffer, total: 0 })
    }

    /// Which file it is, whatever its name.
    pub(super) fn file(&self) -> (u64, u64) {
        self.before.file()
    }

    /// Reads a piece and returns its size; nothing at the end.
    pub(super) fn step(&mut self) -> io::Result<usize> {
        // A file that grows while it is read would never end.
        if self.total > self.before.size() {
            return Ok(0);
        }
        loop {
            match self.file.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => {
                    let count = read?;
                    self.hasher.update(self.buffer.get(..count).unwrap_or_default());
                    self.total += count as u64;
                    return Ok(count);
                }
            }
        }
    }

    /// The digest of all pieces, and the identity before the first. `None` if it was written meanwhile.
    pub(super) fn finish(self) -> io::Result<Option<(Digest, Identity)>> {
        let whole = self.total == self.before.size() && regular(&self.file)?.resembles(&self.before);
        Ok(whole.then(|| (self.hasher.finish(), self.before)))
    }
}

fn regular(file: &File) -> io::Result<Identity> {
    Identity::of(&file.metadata()?).ok_or_else(|| io::Error::other("it is no regular file"))
}

/// How long `bytes` take at `rate` bytes per second.
pub(super) fn time_for(bytes: usize, rate: u64) -> Duration {
    let nanoseconds = (bytes as u64).saturating_mul(1_000_000_000) / rate.max(1);
    Duration::from_nanos(nanoseconds)
}
