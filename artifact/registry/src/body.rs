//! Reading small bodies whole, within a bound.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use oci_artifact::limits::OverBudget;
use reqwest::Response;
use tokio::time::timeout;
use url::Url;

use crate::{error::Fault, failure};

/// Longest wait for the head of an answer, and for the next bytes of a body, in either direction.
pub(crate) const IDLE: Duration = Duration::from_mins(1);

/// All of a body of at most `limit` bytes; more is an error.
pub(crate) async fn read_all(
    mut response: Response,
    url: &Url,
    limit: u64,
    what: &'static str,
) -> Result<Bytes, Fault> {
    let mut out = BytesMut::new();
    while let Some(chunk) = next(&mut response, url).await? {
        if (out.len() + chunk.len()) as u64 > limit {
            return Err(OverBudget { what, limit }.into());
        }
        out.extend_from_slice(&chunk);
    }
    Ok(out.freeze())
}

/// The first `limit` bytes of a body that is only shown; what fails while reading ends it.
pub(crate) async fn read_start(mut response: Response, limit: u64) -> Bytes {
    let mut out = BytesMut::new();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    while out.len() < limit {
        match timeout(IDLE, response.chunk()).await {
            Ok(Ok(Some(chunk))) => out.extend_from_slice(&chunk),
            Ok(Ok(None) | Err(_)) | Err(_) => break,
        }
    }
    out.truncate(limit);
    out.freeze()
}

/// The next bytes, or `None` at the end.
pub(crate) async fn next(response: &mut Response, url: &Url) -> Result<Option<Bytes>, Fault> {
    match timeout(IDLE, response.chunk()).await {
        Ok(Ok(chunk)) => Ok(chunk),
        Ok(Err(error)) => Err(failure::classify(&error, url)),
        Err(_) => Err(Fault::Stalled { origin: failure::origin(url), after: IDLE }),
    }
}
