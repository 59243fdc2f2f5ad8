//! A connection whose answer can be replaced by raw bytes.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Raw bytes to send in place of everything that the HTTP server writes from now on.
#[derive(Clone, Debug, Default)]
pub(super) struct Replacement(Arc<Mutex<Option<Bytes>>>);

impl Replacement {
    pub(super) fn set(&self, bytes: Bytes) {
        *self.0.lock().unwrap() = Some(bytes);
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.lock().unwrap().is_some()
    }
}

/// A stream that obeys a [`Replacement`].
pub(super) struct Tap<S> {
    inner: S,
    replacement: Replacement,
}

impl<S> Tap<S> {
    pub(super) fn new(inner: S, replacement: Replacement) -> Self {
        Self { inner, replacement }
    }
}

impl<S: AsyncWrite + Unpin> Tap<S> {
    /// Sends what is left of the replacement; `Ready(true)` if there is one.
    fn poll_replacement(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        loop {
            let left = match &*self.replacement.0.lock().unwrap() {
                None => return Poll::Ready(Ok(false)),
                Some(left) => left.clone(),
            };
            if left.is_empty() {
                return Poll::Ready(Ok(true));
            }
            let count = ready!(Pin::new(&mut self.inner).poll_write(cx, &left))?;
            if let Some(left) = &mut *self.replacement.0.lock().unwrap() {
                left.advance(count);
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        if ready!(self.poll_replacement(cx))? {
            return Poll::Ready(Ok(buffer.len()));
        }
        Pin::new(&mut self.inner).poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_replacement(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_replacement(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
