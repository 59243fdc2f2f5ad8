//! The body of a request, counted in the record while it is read.

use std::{io, sync::Arc};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::record::{Entry, Log};

/// Bytes of a manifest that are accepted, as distribution does.
const DOCUMENT_BYTES: usize = 4 << 20;

/// A body that is read at most once.
#[derive(Debug)]
pub(super) struct Inbound {
    body: Incoming,
    log: Arc<Log>,
    entry: Entry,
}

impl Inbound {
    pub(super) fn new(body: Incoming, log: Arc<Log>, entry: Entry) -> Self {
        Self { body, log, entry }
    }

    pub(super) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let Some(frame) = self.body.frame().await else {
                return Ok(None);
            };
            let Ok(bytes) = frame.map_err(io::Error::other)?.into_data() else {
                continue;
            };
            let count = bytes.len() as u64;
            self.log.update(self.entry, |request| request.body_bytes += count);
            return Ok(Some(bytes));
        }
    }

    pub(super) async fn drain(&mut self) -> io::Result<()> {
        while self.next().await?.is_some() {}
        Ok(())
    }

    /// The whole body, or `None` if it is larger than a manifest may be.
    pub(super) async fn document(&mut self) -> io::Result<Option<Bytes>> {
        let mut all = Vec::new();
        while let Some(bytes) = self.next().await? {
            if all.len() + bytes.len() > DOCUMENT_BYTES {
                self.drain().await?;
                return Ok(None);
            }
            all.extend_from_slice(&bytes);
        }
        Ok(Some(all.into()))
    }
}
