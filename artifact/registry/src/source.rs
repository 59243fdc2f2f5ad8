//! Where an uploaded blob's bytes come from: memory, a file or another registry, each readable more than once.

use std::{fs::File, future::Future, io, pin::Pin, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use oci_artifact::archive::Control;

use crate::error::{Error, Fault};

/// Bytes read from a file at once.
const CHUNK: usize = 64 << 10;

/// Bytes as they come.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;
/// What opening a source returns.
pub type Opening<'a> = Pin<Box<dyn Future<Output = Result<ByteStream, Error>> + Send + 'a>>;

/// A blob that can be read from its start again, because an upload may have to be repeated.
pub trait BlobSource: Send + Sync {
    /// Bytes in all.
    fn size(&self) -> u64;

    /// A stream from the first byte.
    fn open(&self) -> Opening<'_>;
}

impl BlobSource for Bytes {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn open(&self) -> Opening<'_> {
        let bytes = self.clone();
        Box::pin(async move { Ok(Box::pin(stream::iter([Ok(bytes)])) as ByteStream) })
    }
}

/// A file on disk, read in chunks and never whole.
#[derive(Clone, Debug)]
pub struct FileSource {
    file: Arc<File>,
    size: u64,
    control: Control,
}

impl FileSource {
    /// The first `size` bytes of `file`.
    pub fn new(file: File, size: u64) -> Self {
        Self { file: Arc::new(file), size, control: Control::new() }
    }

    /// The same file; bytes that are read are counted in `control`.
    #[must_use]
    pub fn counting(mut self, control: Control) -> Self {
        self.control = control;
        self
    }
}

impl BlobSource for FileSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn open(&self) -> Opening<'_> {
        let source = self.clone();
        Box::pin(async move { Ok(Box::pin(stream::try_unfold((source, 0), next_chunk)) as ByteStream) })
    }
}

async fn next_chunk(
    (source, offset): (FileSource, u64),
) -> Result<Option<(Bytes, (FileSource, u64))>, Error> {
    let left = source.size - offset;
    if left == 0 {
        return Ok(None);
    }
    let length = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
    let file = Arc::clone(&source.file);
    let read = tokio::task::spawn_blocking(move || read_exact_at(&file, offset, length)).await;
    let chunk = read.unwrap_or_else(|stopped| Err(io::Error::other(stopped))).map_err(|source| {
        Fault::File { what: "reading the file to upload", path: "(temporary file)".into(), source }
            .during("uploading")
    })?;
    source.control.add(chunk.len() as u64);
    let offset = offset + chunk.len() as u64;
    Ok(Some((chunk, (source, offset))))
}

fn read_exact_at(file: &File, offset: u64, length: usize) -> io::Result<Bytes> {
    use std::os::unix::fs::FileExt as _;
    let mut buffer = BytesMut::zeroed(length);
    file.read_exact_at(&mut buffer, offset)?;
    Ok(buffer.freeze())
}
