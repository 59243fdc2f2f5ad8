//! What a connection is doing and since when, seen from its reads and writes; hence how long it may go on.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use super::Mood;
use crate::limits::Limits;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// No request has come yet.
    Fresh,
    /// Between two requests.
    Idle,
    /// The head of a request has begun to come.
    Head,
    /// A request is being answered; whoever answers it has deadlines of his own.
    Handling,
    /// The answer is on its way out.
    Answering,
}

/// Phase and time of the last change. Everything happens in the task of the connection; atomics are for `Send` only.
#[derive(Debug)]
pub(super) struct Pulse {
    start: Instant,
    phase: AtomicU8,
    /// Milliseconds after the start.
    since: AtomicU64,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), phase: AtomicU8::new(Phase::Fresh as u8), since: AtomicU64::new(0) }
    }

    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Fresh,
            1 => Phase::Idle,
            2 => Phase::Head,
            3 => Phase::Handling,
            _ => Phase::Answering,
        }
    }

    fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
        let since = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.since.store(since, Ordering::Relaxed);
    }

    /// A request is complete up to its head.
    pub(super) fn handling(&self) {
        self.enter(Phase::Handling);
    }

    /// Its answer is known.
    pub(super) fn answered(&self) {
        self.enter(Phase::Answering);
    }

    fn read(&self) {
        match self.phase() {
            Phase::Fresh | Phase::Idle | Phase::Answering => self.enter(Phase::Head),
            Phase::Head | Phase::Handling => {}
        }
    }

    fn wrote(&self) {
        match self.phase() {
            // Progress: a slow reader gets its answer as long as it takes some of it.
            Phase::Answering | Phase::Idle => self.enter(Phase::Answering),
            // An error that hyper answers by itself.
            Phase::Fresh | Phase::Head | Phase::Handling => {}
        }
    }

    fn flushed(&self) {
        if self.phase() == Phase::Answering {
            self.enter(Phase::Idle);
        }
    }

    /// When the connection has had enough time for what it does. `None`: no limit here.
    pub(super) fn deadline(&self, mood: Mood, limits: &Limits) -> Option<Instant> {
        let since = self.start + Duration::from_millis(self.since.load(Ordering::Relaxed));
        let limit = match self.phase() {
            Phase::Fresh | Phase::Head => limits.head,
            Phase::Idle if mood == Mood::Crowded => limits.crowded_idle,
            Phase::Idle => limits.idle,
            Phase::Handling => return None,
            Phase::Answering => limits.stall,
        };
        let deadline = since + limit;
        match (mood, self.phase()) {
            (Mood::Closing(at), Phase::Fresh | Phase::Idle) => {
                Some(deadline.min(at.max(since) + limits.linger))
            }
            _ => Some(deadline),
        }
    }
}

/// A stream that tells a [`Pulse`] what happens on it.
pub(super) struct Watched<S> {
    stream: S,
    pulse: Arc<Pulse>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.pulse.read();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> Watched<S> {
    fn note(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(1..)) = polled {
            self.pulse.wrote();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, data);
        self.note(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, data);
        self.note(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        if let Poll::Ready(Ok(())) = polled {
            self.pulse.flushed();
        }
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
