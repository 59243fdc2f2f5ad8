//! From the bytes of a layer to the bytes of its archive: size check, decompression, limits.
//!
//! Gzip with any number of members, as Go reads it, or a plain tar. The kind is told by the first bytes, because media
//! types are often wrong. Faults travel inside of [`io::Error`] through the decoder and come out as [`Error`] again.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use crate::{
    archive::{Control, Error},
    limits,
};

/// Bytes that are read from the layer, and from the decoder, at once.
const BUFFER: usize = 64 << 10;
/// A tar header, which is what tells a plain archive from something else.
const BLOCK: usize = 512;

/// The uncompressed archive as a stream.
pub(super) struct Source<R: Read> {
    inner: BufReader<Decoder<R>>,
    control: Control,
    taken: u64,
    most: u64,
}

enum Decoder<R: Read> {
    Gzip(Box<MultiGzDecoder<Layer<R>>>),
    Plain(Layer<R>),
}

type Layer<R> = Chain<Cursor<Vec<u8>>, BufReader<Exact<R>>>;

/// The stored layer, which must have exactly the declared size.
struct Exact<R> {
    inner: R,
    control: Control,
    seen: u64,
    size: u64,
}

/// What is wrong, on its way through the decoder.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("cancelled")]
    Cancelled,
    #[error("reading the layer failed")]
    Layer(io::Error),
    #[error("the size is wrong")]
    Size { how: &'static str, expected: u64 },
}

impl<R: Read> Source<R> {
    /// Looks at the first bytes of the layer and chooses the decoder.
    pub(super) fn open(layer: R, size: u64, control: &Control) -> Result<Self, Error> {
        if size > limits::LAYER_BYTES {
            return Err(Error::limit("the layer", "bytes", limits::LAYER_BYTES));
        }
        let exact = Exact { inner: layer, control: control.clone(), seen: 0, size };
        let mut layer = BufReader::with_capacity(BUFFER, exact);
        let mut head = Vec::with_capacity(BLOCK);
        (&mut layer).take(BLOCK as u64).read_to_end(&mut head).map_err(from_stream)?;
        let gzip = match head.as_slice() {
            [] => return Err(Error::EmptyLayer),
            [0x1f, 0x8b, ..] => true,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => return Err(Error::Format("compressed with zstd")),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => return Err(Error::Format("compressed with xz")),
            [b'B', b'Z', b'h', ..] => return Err(Error::Format("compressed with bzip2")),
            [b'P', b'K', 3, 4, ..] => return Err(Error::Format("a zip file")),
            block if is_header(block) => false,
            _ => return Err(Error::Format("of an unknown format")),
        };
        let layer = Cursor::new(head).chain(layer);
        let inner =
            if gzip { Decoder::Gzip(Box::new(MultiGzDecoder::new(layer))) } else { Decoder::Plain(layer) };
        let ratio = size.saturating_mul(limits::EXPANSION_RATIO).max(limits::EXPANSION_FREE_BYTES);
        Ok(Self {
            inner: BufReader::with_capacity(BUFFER, inner),
            control: control.clone(),
            taken: 0,
            most: ratio.min(limits::STREAM_BYTES),
        })
    }

    /// Fills `buffer` as far as the archive goes, and says how far that is.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            self.control.check()?;
            match self.inner.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(from_stream(error)),
            }
        }
        self.count(filled)?;
        Ok(filled)
    }

    /// Skips `count` bytes; fewer are skipped only at the end of the archive.
    pub(super) fn skip(&mut self, count: u64) -> Result<u64, Error> {
        let mut left = count;
        while left > 0 {
            self.control.check()?;
            let now = self.inner.fill_buf().map_err(from_stream)?.len();
            if now == 0 {
                break;
            }
            let now = usize::try_from(left).unwrap_or(usize::MAX).min(now);
            self.inner.consume(now);
            self.count(now)?;
            left -= now as u64;
        }
        Ok(count - left)
    }

    /// Reads to the very end, which checks the trailer of the gzip and the size of the layer; all must be zero.
    pub(super) fn drain(mut self) -> Result<(), Error> {
        loop {
            self.control.check()?;
            let rest = self.inner.fill_buf().map_err(from_stream)?;
            if rest.iter().any(|byte| *byte != 0) {
                return Err(Error::Trailing);
            }
            let count = rest.len();
            if count == 0 {
                return Ok(());
            }
            self.inner.consume(count);
            self.count(count)?;
        }
    }

    fn count(&mut self, count: usize) -> Result<(), Error> {
        self.taken += count as u64;
        if self.taken <= self.most {
            return Ok(());
        }
        let what = if self.most == limits::STREAM_BYTES {
            "bytes of headers and content"
        } else {
            "extracted bytes, which is the most for its size"
        };
        Err(Error::limit("the layer", what, self.most))
    }
}

/// Whether the block is a tar header, or the zeros of an archive without members.
fn is_header(block: &[u8]) -> bool {
    block.len() == BLOCK && (block.iter().all(|byte| *byte == 0) || super::field::checksum_holds(block))
}

fn from_stream(error: io::Error) -> Error {
    if !error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Fault>) {
        return Error::Gzip(error);
    }
    let fault = error.downcast::<Fault>().ok();
    match fault {
        Some(Fault::Layer(error)) => Error::Layer(error),
        Some(Fault::Size { how, expected }) => Error::LayerSize { how, expected },
        Some(Fault::Cancelled) | None => Error::Cancelled,
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Plain(layer) => layer.read(buffer),
        }
    }
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.control.is_cancelled() {
            return Err(io::Error::other(Fault::Cancelled));
        }
        let count = loop {
            match self.inner.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result.map_err(|error| io::Error::other(Fault::Layer(error)))?,
            }
        };
        self.seen += count as u64;
        self.control.add(count as u64);
        let wrong = |how| Err(io::Error::other(Fault::Size { how, expected: self.size }));
        if self.seen > self.size {
            return wrong("more");
        }
        if count == 0 && !buffer.is_empty() && self.seen < self.size {
            return wrong("less");
        }
        Ok(count)
    }
}
