//! The bytes of a response.

use std::{
    fs::File,
    future::Future,
    io::{self, ErrorKind},
    ops::Range,
    os::unix::fs::FileExt,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::body::{Bytes, HttpBody};
use http_body_util::Full;
use oci_server::{Frame, SizeHint};
use tokio::task::JoinHandle;

use crate::storage::Identity;

/// Bytes that are read at once, while at most so many files are streamed: of 4,096 streams at most 64 MiB are in memory.
const PIECES: [(usize, usize); 3] = [(256 << 10, 64), (64 << 10, 512), (16 << 10, usize::MAX)];
/// Most bytes of one size that wait for their next use.
const SPARE: usize = 4 << 20;

/// The bytes of a response.
pub(super) enum Body {
    /// In memory.
    Bytes(Full<Bytes>),
    /// Read piece by piece.
    File(Box<Streamed>),
}

impl Body {
    pub(super) fn of(bytes: impl Into<Bytes>) -> Self {
        Self::Bytes(Full::new(bytes.into()))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut *self {
            Self::Bytes(body) => Pin::new(body)
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(|never| match never {}))),
            Self::File(file) => file.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Bytes(body) => body.is_end_stream(),
            Self::File(file) => file.left.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Bytes(body) => body.size_hint(),
            Self::File(file) => SizeHint::with_exact(file.left.end.saturating_sub(file.left.start)),
        }
    }
}

/// What streams have in common: buffers, and how many there are, so that thousands of slow clients get small pieces.
#[derive(Debug, Default)]
pub(super) struct Streams {
    active: AtomicUsize,
    /// For each size the buffers that wait for their next use. What was used last is used first: a processor still has it.
    spare: [Mutex<Vec<Box<[u8]>>>; PIECES.len()],
}

impl Streams {
    /// Streams a part of an open file. Its name may be removed meanwhile.
    pub(super) fn stream(self: &Arc<Self>, file: Arc<File>, part: Range<u64>) -> io::Result<Streamed> {
        let begun = Identity::of(&file.metadata()?).ok_or(ErrorKind::InvalidInput)?;
        self.active.fetch_add(1, Ordering::Relaxed);
        Ok(Streamed { file, begun, left: part, reading: None, streams: Arc::clone(self) })
    }

    /// A buffer, as large as it may be.
    fn buffer(&self) -> Box<[u8]> {
        let active = self.active.load(Ordering::Relaxed);
        let [few, many, most] = PIECES;
        let (size, _) = [few, many].into_iter().find(|(_, limit)| active <= *limit).unwrap_or(most);
        let spare = self.spare(size).and_then(|mut spare| spare.pop());
        spare.unwrap_or_else(|| vec![0; size].into())
    }

    /// Keeps a buffer for its next use, unless there are enough.
    fn give_back(&self, buffer: Box<[u8]>) {
        if let Some(mut spare) = self.spare(buffer.len())
            && (spare.len() + 1) * buffer.len() <= SPARE
        {
            spare.push(buffer);
        }
    }

    fn spare(&self, size: usize) -> Option<MutexGuard<'_, Vec<Box<[u8]>>>> {
        let at = PIECES.iter().position(|(known, _)| *known == size)?;
        self.spare.get(at).map(|spare| spare.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A piece of a file in a buffer that is used again.
struct Piece {
    buffer: Box<[u8]>,
    filled: usize,
    streams: Arc<Streams>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        self.buffer.get(..self.filled).unwrap_or_default()
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.streams.give_back(std::mem::take(&mut self.buffer));
    }
}

/// A file that is sent.
pub(super) struct Streamed {
    file: Arc<File>,
    begun: Identity,
    left: Range<u64>,
    reading: Option<JoinHandle<io::Result<Piece>>>,
    streams: Arc<Streams>,
}

impl Drop for Streamed {
    fn drop(&mut self) {
        self.streams.active.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Streamed {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let read = if let Some(reading) = &mut self.reading {
            let read = ready!(Pin::new(reading).poll(cx)).map_err(io::Error::other);
            self.reading = None;
            read.and_then(|read| read)
        } else if let Some(read) = self.read_ready() {
            read
        } else {
            self.reading = Some(self.read_waiting());
            return self.poll_frame(cx);
        };
        let piece = read.and_then(|piece| self.count(piece));
        if piece.is_err() {
            self.left = 0..0;
        }
        Poll::Ready(Some(piece.map(|piece| Frame::data(Bytes::from_owner(piece)))))
    }

    /// Takes what the kernel has in memory, without waiting. `None` if it would have to wait.
    fn read_ready(&self) -> Option<io::Result<Piece>> {
        let mut piece = self.piece();
        match read_ready(&self.file, &mut piece.buffer, self.left.start) {
            Ok(count) => {
                piece.filled = count;
                Some(Ok(piece))
            }
            // Also what a file system without this says.
            Err(_) => None,
        }
    }

    /// Waits for the disk on a thread of its own. The kernel reads ahead, so that the next pieces are there by then.
    fn read_waiting(&self) -> JoinHandle<io::Result<Piece>> {
        let (file, at, mut piece) = (Arc::clone(&self.file), self.left.start, self.piece());
        tokio::task::spawn_blocking(move || {
            piece.filled = loop {
                match file.read_at(&mut piece.buffer, at) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    read => break read?,
                }
            };
            Ok(piece)
        })
    }

    fn piece(&self) -> Piece {
        Piece { buffer: self.streams.buffer(), filled: 0, streams: Arc::clone(&self.streams) }
    }

    /// Counts a piece as sent. The last one goes only if nobody wrote to the file.
    fn count(&mut self, mut piece: Piece) -> io::Result<Piece> {
        let left = usize::try_from(self.left.end - self.left.start).unwrap_or(usize::MAX);
        piece.filled = piece.filled.min(left);
        if piece.filled == 0 {
            return Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                "a stored file became shorter while it was sent",
            ));
        }
        self.left.start += piece.filled as u64;
        if self.left.is_empty() {
            let now = Identity::of(&self.file.metadata()?);
            if !now.is_some_and(|now| now.resembles(&self.begun)) {
                return Err(io::Error::other("a stored file was changed while it was sent"));
            }
        }
        Ok(piece)
    }
}

#[cfg(target_os = "linux")]
fn read_ready(file: &File, buffer: &mut [u8], at: u64) -> rustix::io::Result<usize> {
    let mut into = [io::IoSliceMut::new(buffer)];
    rustix::io::preadv2(file, &mut into, at, rustix::io::ReadWriteFlags::NOWAIT)
}

#[cfg(not(target_os = "linux"))]
fn read_ready(_: &File, _: &mut [u8], _: u64) -> rustix::io::Result<usize> {
    Err(rustix::io::Errno::AGAIN)
}
