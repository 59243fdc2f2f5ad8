//! Requests and answers of any size, for storage services: one try each, nothing held in memory, and no silence longer
//! than a minute in either direction.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::StreamExt as _;
use reqwest::{Method, header};
use url::Url;

use super::Web;
use crate::{
    Secret,
    body::{self, IDLE, Pace},
    error::Fault,
    exchange::{unless_idle, watch},
    failure, http_date,
    source::BlobSource,
    tls::Reach,
    transport::Reply,
};

/// One request. The values of its headers may be secret.
pub struct Transfer {
    method: Method,
    url: Url,
    headers: Vec<(&'static str, Secret<String>)>,
    body: Option<Arc<dyn BlobSource>>,
}

impl Transfer {
    /// Of a method, without a body.
    pub fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: Vec::new(), body: None }
    }

    /// With these headers, too.
    #[must_use]
    pub fn headers(mut self, headers: impl IntoIterator<Item = (&'static str, Secret<String>)>) -> Self {
        self.headers.extend(headers);
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: Arc<dyn BlobSource>) -> Self {
        self.body = Some(body);
        self
    }
}

/// The head of an answer of any status, and its body as it comes.
pub struct Transferred {
    reply: Reply,
    pace: Pace,
}

impl Transferred {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.reply.response.status().as_u16()
    }

    /// The first header of this name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.reply.response.headers().get(name)?.to_str().ok()
    }

    /// Bytes that the body is said to have.
    pub fn length(&self) -> Option<u64> {
        // Not what is left of it: an answer to HEAD has none.
        self.header("content-length")?.parse().ok()
    }

    /// How long the server asks to wait before the next request.
    pub fn retry_after(&self) -> Option<Duration> {
        http_date::retry_after(self.reply.response.headers())
    }

    /// The next bytes, or `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        body::next_paced(&mut self.reply, &mut self.pace).await
    }

    /// All of the body, of at most `limit` bytes; more is an error.
    pub async fn all(self, limit: u64, what: &'static str) -> Result<Bytes, Fault> {
        body::read_all(self.reply, limit, what).await
    }

    /// The first `limit` bytes of a body that is only shown.
    pub async fn start(self, limit: u64) -> Bytes {
        body::read_start(self.reply, limit).await
    }
}

impl Web {
    /// Sends a request of any size, once, and returns the head of its answer.
    pub async fn transfer(&self, transfer: &Transfer) -> Result<Transferred, Fault> {
        let url = &transfer.url;
        let client = self.clients.get(&self.options, Reach::Anywhere, url)?;
        let mut sending = client.request(transfer.method.clone(), url.clone());
        for (name, value) in &transfer.headers {
            sending = sending.header(*name, super::header(name, value)?);
        }
        let progress = Arc::new(AtomicU64::new(0));
        let failed = Arc::new(OnceLock::new());
        if let Some(source) = &transfer.body {
            let stream = source.open().await.map_err(|error| *error.fault)?;
            let (progress, failed) = (Arc::clone(&progress), Arc::clone(&failed));
            let counted = stream.map(move |item| watch(item, &progress, &failed));
            let body = reqwest::Body::wrap_stream(counted);
            sending = sending.header(header::CONTENT_LENGTH, source.size()).body(body);
        } else if transfer.method == Method::PUT {
            sending = sending.header(header::CONTENT_LENGTH, 0);
        }
        let sent = unless_idle(sending.send(), &progress, IDLE).await;
        // What broke our own side of the upload is the cause, the broken connection only its effect.
        if let Some(fault) = Arc::into_inner(failed).and_then(OnceLock::into_inner) {
            return Err(fault);
        }
        let received = progress.load(Ordering::Relaxed);
        let stalled = || Fault::Stalled { origin: failure::origin(url), after: IDLE, received };
        let response = sent
            .ok_or_else(stalled)?
            .map_err(|error| failure::classify(&error, url).through(self.options.proxies.for_url(url)))?;
        let status = response.status().as_u16();
        tracing::debug!(method = %transfer.method, origin = failure::origin(url), status, "request");
        let reply = Reply { response, url: url.clone(), idle: IDLE };
        Ok(Transferred { reply, pace: Pace::default() })
    }
}
