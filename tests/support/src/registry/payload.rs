//! The body of an answer: memory or file, whole or damaged.

use std::{
    fs::File,
    future::Future as _,
    io::{self, Read as _, Seek as _, SeekFrom},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use super::{record::Log, store::Content};

/// Bytes of one frame.
const FRAME_BYTES: u64 = 128 << 10;
/// How long the bytes before a cut get to reach the client.
const CUT_GRACE: Duration = Duration::from_millis(20);

/// What ends a body early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Stall,
    Close,
}

/// A streamed body. While it lives the request counts as in flight.
#[derive(Debug)]
pub(super) struct Payload {
    content: Content,
    file: Option<File>,
    at: u64,
    end: u64,
    /// Blanks after the content; `u64::MAX` is without end.
    blanks: u64,
    cut: Option<(u64, Cut)>,
    flip: Option<u64>,
    sent: u64,
    grace: Option<Pin<Box<Sleep>>>,
    in_flight: Option<InFlight>,
}

impl Payload {
    pub(super) fn empty() -> Self {
        Self::new(Content::Memory(Bytes::new()))
    }

    pub(super) fn new(content: Content) -> Self {
        let end = content.length();
        Self {
            content,
            file: None,
            at: 0,
            end,
            blanks: 0,
            cut: None,
            flip: None,
            sent: 0,
            grace: None,
            in_flight: None,
        }
    }

    /// Only the bytes from `start` up to and without `end`.
    pub(super) fn slice(mut self, start: u64, end: u64) -> Self {
        self.at = start;
        self.end = end;
        self
    }

    pub(super) fn length(&self) -> Option<u64> {
        (self.blanks != u64::MAX).then(|| self.end - self.at + self.blanks)
    }

    pub(super) fn cut(&mut self, after: u64, cut: Cut) {
        self.cut = Some((after, cut));
    }

    pub(super) fn flip(&mut self, offset: u64) {
        self.flip = Some(offset);
    }

    pub(super) fn blanks(&mut self, count: u64) {
        self.blanks = count;
    }

    pub(super) fn hold(&mut self, in_flight: InFlight) {
        self.in_flight = Some(in_flight);
    }

    fn next(&mut self) -> io::Result<Bytes> {
        let mut room = FRAME_BYTES;
        if let Some((after, _)) = self.cut {
            room = room.min(after.saturating_sub(self.sent));
        }
        let bytes = if self.at < self.end {
            let count = room.min(self.end - self.at);
            let bytes = self.read(count)?;
            self.at += count;
            bytes
        } else {
            let count = room.min(self.blanks);
            if self.blanks != u64::MAX {
                self.blanks -= count;
            }
            Bytes::from(vec![b' '; usize::try_from(count).map_err(io::Error::other)?])
        };
        let start = self.sent;
        self.sent += bytes.len() as u64;
        match self.flip {
            Some(offset) if (start..self.sent).contains(&offset) => {
                let mut changed = bytes.to_vec();
                changed[usize::try_from(offset - start).map_err(io::Error::other)?] ^= 1;
                Ok(changed.into())
            }
            _ => Ok(bytes),
        }
    }

    fn read(&mut self, count: u64) -> io::Result<Bytes> {
        let length = usize::try_from(count).map_err(io::Error::other)?;
        match &self.content {
            Content::Memory(bytes) => {
                let start = usize::try_from(self.at).map_err(io::Error::other)?;
                Ok(bytes.slice(start..start + length))
            }
            Content::File { path, .. } => {
                if self.file.is_none() {
                    let mut file = File::open(path.as_ref())?;
                    file.seek(SeekFrom::Start(self.at))?;
                    self.file = Some(file);
                }
                let mut buffer = vec![0; length];
                if let Some(file) = &mut self.file {
                    file.read_exact(&mut buffer)?;
                }
                Ok(buffer.into())
            }
        }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some((after, cut)) = self.cut
            && self.sent >= after
        {
            if cut == Cut::Stall {
                return Poll::Pending;
            }
            let grace = self.grace.get_or_insert_with(|| Box::pin(tokio::time::sleep(CUT_GRACE)));
            return grace.as_mut().poll(cx).map(|()| Some(Err(io::Error::other("scripted cut"))));
        }
        if self.at == self.end && self.blanks == 0 {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(self.next().map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.cut.is_none() && self.at == self.end && self.blanks == 0
    }

    fn size_hint(&self) -> SizeHint {
        // The length header says it; a hint would have to be true.
        SizeHint::new()
    }
}

/// Counts a request as in flight until it is dropped.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Log>);

impl InFlight {
    pub(super) fn new(log: Arc<Log>) -> Self {
        log.enter();
        Self(log)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.leave();
    }
}
