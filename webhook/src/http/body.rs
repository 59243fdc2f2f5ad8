//! Reading a body into memory, bounded.

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;

use super::reject::Rejection;
use crate::wire::shown;

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

/// The whole body, at most `limit` bytes of it. Memory for what is announced is reserved at once, so that nothing is
/// copied; it is not used before bytes come.
pub(super) async fn read(mut body: Body, limit: usize) -> Result<Vec<u8>, Rejection> {
    let declared = declared(&body).unwrap_or_default();
    if declared > limit {
        return Err(Rejection::TooLarge(limit));
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(declared).map_err(|_| Rejection::Busy)?;
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
    Ok(bytes)
}
