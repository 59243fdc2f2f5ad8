//! From a folder, a file or a stream to the bytes of a layer.
//!
//! The layout is that of the Flux CLI: `.` first, depth first, the entries of a folder in byte order of their names,
//! folders without a trailing slash, nothing but files and folders. Modes are normalised to 0644 and 0755, which Flux
//! does not do, so that the same tree gives the same digest whatever the umask was.
//!
//! Nothing is staged on disk. The digests of both streams come from the one pass that writes them.

mod archive;
mod gzip;
mod header;
mod repack;
mod walk;

#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

use crate::name::{Algorithm, Digest};

use self::{
    archive::{Archive, CHUNK, check_extracted},
    gzip::Encoder,
    header::Modes,
    walk::Walk,
};

pub use self::repack::{RepackOptions, Repacked, Sink, repack};

use super::{Control, Error, Ignore, MemberPath};

/// A stream up to this size is kept in memory until its size is known.
const SPOOL_IN_MEMORY: usize = 1 << 20;

/// What to pack.
pub enum Input<'a> {
    /// A folder with everything below, or one file. A link is followed.
    Path(&'a Path),
    /// Bytes without a file, such as standard input.
    Stream {
        /// The member's name in the archive.
        name: &'a str,
        /// Its content.
        reader: &'a mut dyn Read,
    },
}

/// How to pack a folder.
#[derive(Clone, Debug, Default)]
pub struct PackOptions {
    /// What to leave out.
    pub ignore: Ignore,
    /// Whether `.sourceignore` files in the tree count as well. They are packed either way.
    pub source_ignore: bool,
    /// Whether links are packed as what they point to, instead of left out.
    pub resolve_symlinks: bool,
    /// Paths that are never packed, such as the output when it lies in the folder.
    pub exclude: Vec<PathBuf>,
    /// Threads that compress; 0 means one for each processor. The output does not depend on it.
    pub threads: usize,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Digest of the layer.
    pub digest: Digest,
    /// Bytes of the layer.
    pub size: u64,
    /// Digest of the uncompressed archive: equal for equal trees, whatever compressed them.
    pub content_digest: Digest,
    /// Bytes of the uncompressed archive.
    pub content_size: u64,
    /// Files in the archive.
    pub files: u64,
    /// Entries that ignore patterns left out; what is below an ignored folder may not be counted.
    pub ignored: u64,
    /// Links, sockets, pipes and devices that were left out.
    pub skipped: u64,
}

/// Writes the archive of `input` to `sink`.
///
/// # Errors
///
/// On any error what was written to `sink` is worthless.
pub fn pack(
    input: Input<'_>,
    options: &PackOptions,
    control: &Control,
    sink: impl Write,
) -> Result<Packed, Error> {
    let fill = |encoder: &mut Encoder<'_, _>| {
        let mut archive = Archive::new(encoder, Modes::SHARED, control);
        archive.folder(".")?;
        let (ignored, skipped) = match input {
            Input::Path(path) => pack_path(path, options, &mut archive)?,
            Input::Stream { name, reader } => {
                pack_stream(name, reader, &mut archive)?;
                (0, 0)
            }
        };
        archive.end()?;
        Ok((archive.files, ignored, skipped))
    };
    let ((files, ignored, skipped), written) =
        gzip::compress(sink, options.threads, Algorithm::Sha256, fill)?;
    Ok(Packed {
        digest: written.digest,
        size: written.size,
        content_digest: written.content_digest,
        content_size: written.content_size,
        files,
        ignored,
        skipped,
    })
}

/// Packs a folder or file; returns how many entries were ignored and skipped.
fn pack_path<W: Write>(
    path: &Path,
    options: &PackOptions,
    archive: &mut Archive<'_, '_, W>,
) -> Result<(u64, u64), Error> {
    // Asked before it is opened: opening a pipe waits, opening a device may do something.
    let metadata = path.metadata().map_err(|error| Error::io("open", path, error))?;
    if metadata.is_dir() {
        let mut walk = Walk::new(path, options, archive)?;
        walk.root()?;
        let counts = walk.counts();
        if archive.members == 1 {
            return Err(Error::Empty { path: path.to_owned(), ignored: counts.0, skipped: counts.1 });
        }
        return Ok(counts);
    }
    if !metadata.is_file() {
        return Err(Error::NotPackable(path.to_owned()));
    }
    let file = File::open(path).map_err(|error| Error::io("open", path, error))?;
    let name = path.file_name().ok_or_else(|| Error::NotPackable(path.to_owned()))?;
    let member = MemberPath::from_bytes(name.as_encoded_bytes())?;
    archive.file(&member, file, path)?;
    Ok((0, 0))
}

fn pack_stream<W: Write>(
    name: &str,
    reader: &mut dyn Read,
    archive: &mut Archive<'_, '_, W>,
) -> Result<(), Error> {
    let member = MemberPath::parse(name)?;
    let mut spool = tempfile::SpooledTempFile::new(SPOOL_IN_MEMORY);
    let failed = |operation| move |error| Error::io(operation, name, error);
    let mut buffer = vec![0; CHUNK];
    let mut size = 0;
    loop {
        archive.control.check()?;
        let count = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed("read")(error)),
        };
        size += count as u64;
        check_extracted(size)?;
        spool.write_all(buffer.get(..count).unwrap_or_default()).map_err(failed("spool"))?;
    }
    spool.rewind().map_err(failed("spool"))?;
    archive.begin(&member, size, false)?;
    archive.content(&mut spool, size, Path::new(name))
}
