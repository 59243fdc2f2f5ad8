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

/// Reads the whole file. The identity is the one that it had before and after.
pub(super) fn hash(file: &File, algorithm: Algorithm) -> io::Result<(Digest, Identity)> {
    hash_gently(file, algorithm, |_| Ok(()))
}

/// Reads the whole file; `pause` is called after each piece with its size.
pub(super) fn hash_gently(
    mut file: &File,
    algorithm: Algorithm,
    mut pause: impl FnMut(usize) -> io::Result<()>,
) -> io::Result<(Digest, Identity)> {
    let identity = |file: &File| {
        Identity::of(&file.metadata()?).ok_or_else(|| io::Error::other("it is no regular file"))
    };
    let before = identity(file)?;
    let mut hasher = Hasher::new(algorithm);
    let mut buffer = vec![0; PIECE];
    let mut total = 0;
    loop {
        let count = match file.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else {
            break;
        };
        hasher.update(piece);
        total += count as u64;
        // A file that grows while it is read would never end.
        if total > before.size() {
            break;
        }
        pause(count)?;
    }
    if identity(file)? != before || total != before.size() {
        return Err(io::Error::other("it was changed while it was read"));
    }
    Ok((hasher.finish(), before))
}

/// How long `bytes` may take at most `rate` bytes per second.
pub(super) fn share_of_a_second(bytes: usize, rate: u64) -> Duration {
    let nanoseconds = (bytes as u64).saturating_mul(1_000_000_000) / rate.max(1);
    Duration::from_nanos(nanoseconds)
}
