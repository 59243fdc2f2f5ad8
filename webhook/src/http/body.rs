//! Bodies: reading one into memory, bounded, and sending one that holds what it counts for until it has left.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use super::reject::Rejection;
use crate::{convert::Chunks, wire::shown};

/// The length that the client announces, if it does.
pub(super) fn declared(body: &Body) -> Option<usize> {
    body.size_hint().exact().map(|length| usize::try_from(length).unwrap_or(usize::MAX))
}

/// Only plain JSON is read.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Rejection> {
    let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let content = text(header::CONTENT_TYPE).unwrap_or_default();
    let essence = content.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Rejection::ContentType(shown(&content)));
    }
    match text(header::CONTENT_ENCODING) {
        Some(encoding) if !encoding.trim().eq_ignore_ascii_case("identity") => {
            Err(Rejection::Encoding(shown(&encoding)))
        }
        _ => Ok(()),
    }
}

/// The whole body, at most `limit` bytes of it. Memory for what is announced, and for `room` bytes at least, is reserved
/// at once, so that nothing is copied; it is not used before bytes come.
pub(super) async fn read(mut body: Body, limit: usize, room: usize) -> Result<Bytes, Rejection> {
    let declared = declared(&body).unwrap_or_default();
    if declared > limit {
        return Err(Rejection::TooLarge(limit));
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(declared.max(room)).map_err(|_| Rejection::Busy)?;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Rejection::Aborted(shown(&error.to_string())))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if data.len() > limit - bytes.len() {
            return Err(Rejection::TooLarge(limit));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

/// Bytes that go out, and the memory that they count for: the permit is given back when the last byte has left.
struct Held {
    bytes: Vec<u8>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A body of these bytes that holds a permit.
pub(super) fn whole(bytes: Vec<u8>, permit: OwnedSemaphorePermit) -> Body {
    Body::from(Bytes::from_owner(Held { bytes, _permit: Some(permit) }))
}

/// A body of these chunks that holds a permit. Each is made when the connection has room for it.
pub(super) fn chunked(chunks: Chunks, permit: OwnedSemaphorePermit) -> Body {
    Body::new(Chunked { chunks, permit: Some(permit) })
}

struct Chunked {
    chunks: Chunks,
    permit: Option<OwnedSemaphorePermit>,
}

impl hyper::body::Body for Chunked {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(chunk) = self.chunks.next() else {
            return Poll::Ready(None);
        };
        // hyper takes the last chunks, and drops the body, before they are written: the permit goes with the last one.
        let data = if self.is_end_stream() {
            Bytes::from_owner(Held { bytes: chunk, _permit: self.permit.take() })
        } else {
            Bytes::from(chunk)
        };
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.chunks.left()).unwrap_or(u64::MAX))
    }
}
