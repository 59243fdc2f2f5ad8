//! Deflate on several threads with an output that does not depend on how many.
//!
//! As pigz does: the stream is cut into blocks of [`BLOCK`] bytes, each is compressed on its own with the 32 KiB before
//! it as dictionary and ends on a byte boundary, and the results are joined to one gzip member. Blocks are cut by
//! position only, so neither the threads nor the sizes of the writes show in the output; zlib-rs alone gives other
//! bytes for other write sizes. An encoder is never used twice, for the same reason.
//!
//! What fits into one block is compressed on the calling thread; only more starts the others. Memory: at most
//! [`IN_FLIGHT`] blocks a thread. Specification: RFC 1951 and RFC 1952.

use std::{
    io::Write,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use flate2::{Compress, Compression, FlushCompress};

use crate::{
    archive::Error,
    limits,
    name::{Algorithm, Digest, Hasher},
};

/// Input bytes of a block. Changing it changes every digest. Twice as much would compress no better and cost 2 MiB.
const BLOCK: usize = 128 << 10;
/// Bytes before a block that its matches may point to.
const WINDOW: usize = 32 << 10;
/// Room for a compressed block: stored blocks bound the growth to 5 bytes in 16 KiB; the flush and the end take a few
/// more.
const OUTPUT: usize = BLOCK + BLOCK / 1_000 + 1_024;
/// Blocks that a thread has at hand; more only costs memory.
const IN_FLIGHT: usize = 2;
/// More threads than this are fed too slowly to be of use.
const THREADS_MAX: usize = 8;
/// The level of every gzip by default.
const LEVEL: u32 = 6;
/// Go's header: deflate, no name, no time, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// Both sides of a finished stream.
pub(super) struct Written {
    /// Digest of the gzip file.
    pub(super) digest: Digest,
    /// Its bytes.
    pub(super) size: u64,
    /// Digest of what went in.
    pub(super) content_digest: Digest,
    /// Its bytes.
    pub(super) content_size: u64,
}

/// Calls `fill` with an encoder that writes to `sink`, and finishes the stream.
///
/// At most `threads` help to compress, 0 means one for each processor; `algorithm` is that of the file's digest.
pub(super) fn compress<W: Write, T>(
    sink: W,
    threads: usize,
    algorithm: Algorithm,
    fill: impl FnOnce(&mut Encoder<'_, W>) -> Result<T, Error>,
) -> Result<(T, Written), Error> {
    let threads = match threads {
        0 => thread::available_parallelism().map_or(1, std::num::NonZero::get),
        threads => threads,
    };
    thread::scope(|scope| {
        let hire = || (0..threads.clamp(1, THREADS_MAX)).map(|_| Worker::start(scope)).collect();
        let mut encoder = Encoder::new(sink, algorithm, &hire)?;
        let value = fill(&mut encoder)?;
        Ok((value, encoder.finish()?))
    })
}

/// Takes the uncompressed bytes, in pieces of any size.
pub(super) struct Encoder<'a, W> {
    out: Output<W>,
    /// Starts the workers.
    hire: &'a dyn Fn() -> Result<Vec<Worker>, Error>,
    /// None before the second block.
    workers: Vec<Worker>,
    block: Block,
    spare: Vec<Block>,
    submitted: usize,
    collected: usize,
    crc: crc32fast::Hasher,
    content: Hasher,
    content_size: u64,
}

struct Worker {
    jobs: SyncSender<Block>,
    results: Receiver<Option<Block>>,
}

impl Worker {
    fn start<'scope>(scope: &'scope thread::Scope<'scope, '_>) -> Result<Self, Error> {
        let (to_worker, jobs) = sync_channel::<Block>(IN_FLIGHT);
        let (results, from_worker) = sync_channel(IN_FLIGHT);
        thread::Builder::new()
            .name("deflate".to_owned())
            .spawn_scoped(scope, move || {
                // Ends when the encoder is dropped, be it done or failed.
                while let Ok(block) = jobs.recv() {
                    if results.send(block.compress()).is_err() {
                        break;
                    }
                }
            })
            .map_err(|_| Error::Worker("could not be started"))?;
        Ok(Self { jobs: to_worker, results: from_worker })
    }
}

/// One block: the end of the one before, then its own bytes.
struct Block {
    bytes: Vec<u8>,
    dictionary: usize,
    last: bool,
    output: Vec<u8>,
}

struct Output<W> {
    sink: W,
    digest: Hasher,
    size: u64,
}

impl<'a, W: Write> Encoder<'a, W> {
    fn new(
        sink: W,
        algorithm: Algorithm,
        hire: &'a dyn Fn() -> Result<Vec<Worker>, Error>,
    ) -> Result<Self, Error> {
        let mut out = Output { sink, digest: Hasher::new(algorithm), size: 0 };
        out.write(&HEADER)?;
        Ok(Self {
            out,
            hire,
            workers: Vec::new(),
            block: Block::new(),
            spare: Vec::new(),
            submitted: 0,
            collected: 0,
            crc: crc32fast::Hasher::new(),
            content: Hasher::new(Algorithm::Sha256),
            content_size: 0,
        })
    }

    /// Bytes written so far.
    pub(super) fn content_size(&self) -> u64 {
        self.content_size + self.block.content().len() as u64
    }

    /// Adds the next bytes.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let room = BLOCK.saturating_sub(self.block.content().len());
            if room == 0 {
                // Only now is it known that this block is not the last one.
                self.submit(false)?;
                continue;
            }
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.block.bytes.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    fn submit(&mut self, last: bool) -> Result<(), Error> {
        if self.workers.is_empty() {
            self.workers = (self.hire)()?;
            // All at once and for good: an allocator that keeps a heap for each thread grows by what comes and goes.
            self.spare = (0..IN_FLIGHT * self.workers.len()).map(|_| Block::new()).collect();
        }
        if self.submitted - self.collected >= IN_FLIGHT * self.workers.len() {
            self.collect()?;
        }
        self.count();
        let mut next = self.spare.pop().unwrap_or_else(Block::new);
        next.bytes.clear();
        next.output.clear();
        let from = self.block.bytes.len().saturating_sub(WINDOW);
        next.bytes.extend_from_slice(self.block.bytes.get(from..).unwrap_or_default());
        next.dictionary = next.bytes.len();
        let mut block = std::mem::replace(&mut self.block, next);
        block.last = last;

        // Workers take turns, so that results come back in order without a number on them.
        let worker = self.workers.get(self.submitted % self.workers.len().max(1));
        let sent = worker.map(|worker| worker.jobs.send(block));
        if !matches!(sent, Some(Ok(()))) {
            return Err(Error::Worker("ended early"));
        }
        self.submitted += 1;
        Ok(())
    }

    /// Counts the current block, which is full or the last.
    fn count(&mut self) {
        let content = self.block.content();
        self.crc.update(content);
        self.content.update(content);
        self.content_size += content.len() as u64;
    }

    /// Compresses the first block here, because there is no other.
    fn only(&mut self) -> Result<(), Error> {
        self.count();
        let mut block = std::mem::replace(&mut self.block, Block::empty());
        block.last = true;
        let block = block.compress().ok_or(Error::Worker("ended early"))?;
        self.out.write(&block.output)
    }

    fn collect(&mut self) -> Result<(), Error> {
        let worker = self.workers.get(self.collected % self.workers.len().max(1));
        let result = worker.and_then(|worker| worker.results.recv().ok()).flatten();
        let block = result.ok_or(Error::Worker("ended early"))?;
        self.collected += 1;
        self.out.write(&block.output)?;
        self.spare.push(block);
        Ok(())
    }

    fn finish(mut self) -> Result<Written, Error> {
        if self.submitted == 0 {
            self.only()?;
        } else {
            self.submit(true)?;
        }
        while self.collected < self.submitted {
            self.collect()?;
        }
        let mut trailer = [0; 8];
        let (crc, size) = trailer.split_at_mut(4);
        crc.copy_from_slice(&self.crc.finalize().to_le_bytes());
        // ISIZE is the size modulo 2^32 (RFC 1952, 2.3.1).
        size.copy_from_slice(self.content_size.to_le_bytes().get(..4).unwrap_or_default());
        self.out.write(&trailer)?;
        self.out.sink.flush().map_err(Error::Sink)?;
        Ok(Written {
            digest: self.out.digest.finish(),
            size: self.out.size,
            content_digest: self.content.finish(),
            content_size: self.content_size,
        })
    }
}

impl Block {
    fn new() -> Self {
        let (bytes, output) = (Vec::with_capacity(WINDOW + BLOCK), Vec::with_capacity(OUTPUT));
        Self { bytes, dictionary: 0, last: false, output }
    }

    fn empty() -> Self {
        Self { bytes: Vec::new(), dictionary: 0, last: false, output: Vec::new() }
    }

    fn content(&self) -> &[u8] {
        self.bytes.get(self.dictionary..).unwrap_or_default()
    }

    /// Fills `output`; `None` if the encoder refuses, which it has no reason to.
    ///
    /// Every block has a fresh encoder: one that was reset does not write what a fresh one would (zlib-rs 0.6.8), and
    /// then the output would depend on which thread took which block.
    fn compress(mut self) -> Option<Self> {
        let (dictionary, content) = self.bytes.split_at_checked(self.dictionary)?;
        let mut encoder = Compress::new(Compression::new(LEVEL), false);
        if !dictionary.is_empty() {
            encoder.set_dictionary(dictionary).ok()?;
        }
        let flush = if self.last { FlushCompress::Finish } else { FlushCompress::Sync };
        // One call must do, and `output` has room for it: a second call with other room left would be another
        // history, and maybe other bytes.
        encoder.compress_vec(content, &mut self.output, flush).ok()?;
        let whole = encoder.total_in() == content.len() as u64 && self.output.len() < self.output.capacity();
        whole.then_some(self)
    }
}

impl<W: Write> Output<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.size += bytes.len() as u64;
        if self.size > limits::LAYER_BYTES {
            return Err(Error::limit("the archive", "compressed bytes", limits::LAYER_BYTES));
        }
        self.digest.update(bytes);
        self.sink.write_all(bytes).map_err(Error::Sink)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// Text with repetitions near and far, the same everywhere.
    fn sample(len: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let mut out = Vec::new();
        while out.len() < len {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            out.extend_from_slice(format!("key-{}: value {}\n", state % 97, state >> 20).as_bytes());
        }
        out.truncate(len);
        out
    }

    fn gzip(content: &[u8], threads: usize, piece: usize) -> (Vec<u8>, Written) {
        let mut out = Vec::new();
        let ((), written) = compress(&mut out, threads, Algorithm::Sha256, |encoder| {
            content.chunks(piece.max(1)).try_for_each(|piece| encoder.write(piece))
        })
        .unwrap();
        (out, written)
    }

    fn gunzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        flate2::read::GzDecoder::new(bytes).read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn gzip_output_does_not_depend_on_threads_or_writes() {
        let content = sample(5 * BLOCK + 12_345);
        let (expected, written) = gzip(&content, 1, usize::MAX);
        assert_eq!(gunzip(&expected), content);
        assert_eq!(written.digest, Digest::of(&expected));
        assert_eq!(written.content_digest, Digest::of(&content));
        assert_eq!((written.size, written.content_size), (expected.len() as u64, content.len() as u64));
        for (threads, piece) in [(2, 512), (5, 4_097), (8, BLOCK), (100, 1_000_000)] {
            assert!(gzip(&content, threads, piece).0 == expected, "{threads} {piece}");
        }
    }

    #[test]
    fn gzip_survives_every_length_around_a_block() {
        for len in [0, 1, WINDOW, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 1] {
            let content = sample(len);
            assert!(gunzip(&gzip(&content, 2, 9_999).0) == content, "{len}");
        }
    }

    #[test]
    fn gzip_of_random_bytes_fits_the_reserve() {
        let mut state = 1_u64;
        let content: Vec<u8> = (0..3 * BLOCK)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()[3]
            })
            .collect();
        let (bytes, _) = gzip(&content, 2, 9_999);
        assert!(bytes.len() > content.len());
        assert_eq!(gunzip(&bytes), content);
    }

    #[test]
    fn gzip_blocks_share_their_history() {
        // The second block repeats the end of the first: without the dictionary it would not shrink.
        let mut state = 7_u32;
        let mut content = vec![b'-'; BLOCK - WINDOW / 2];
        content.extend((0..WINDOW / 2).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        }));
        let alone = gzip(&content, 1, usize::MAX).0.len();
        content.extend_from_within(BLOCK - WINDOW / 2..);
        assert!(gzip(&content, 1, usize::MAX).0.len() < alone + 1_000);
    }

    #[test]
    fn gzip_ends_when_the_sink_fails() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let error = compress(Full, 2, Algorithm::Sha256, |encoder| encoder.write(&sample(4 * BLOCK)));
        let error = error.err().unwrap();
        assert!(matches!(error, Error::Sink(_)), "{error}");
    }
}
