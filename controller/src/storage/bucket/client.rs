//! The five things that are asked of a bucket: a file's bytes, its size, a new file, its end, and a list.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;
use oci_artifact::{Class, Classify as _};
use oci_identity::bucket::{self, Entrance, Request};
use oci_registry::{
    BlobSource, Secret, WireErrors,
    web::{Transfer, Transferred, Web},
};
use reqwest::{Method, Url};

use super::{
    error::{BucketError, Cause},
    site::{Listed, Site},
};

/// Bytes of a page of a list.
const PAGE_BYTES: u64 = 16 << 20;
/// Bytes of an error that are read.
const ERROR_BYTES: u64 = 8 << 10;
/// Pages of one list: a million files.
const PAGES: usize = 1_000;
/// Tries of one request.
const ATTEMPTS: u32 = 3;
/// The pause before the second try; twice that before the third.
const PAUSE: Duration = Duration::from_millis(200);
/// The longest pause that is waited for here.
const LONGEST: Duration = Duration::from_secs(5);
/// The SHA-256 of nothing.
const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A bucket, as it is asked.
pub(super) struct Client {
    site: Site,
    entrance: Entrance,
    web: Arc<Web>,
    now: fn() -> Timestamp,
    /// Why the last request came to nothing.
    trouble: Mutex<Option<String>>,
}

/// A request, for as many tries as it takes.
struct Ask {
    method: Method,
    url: Url,
    body: Option<Arc<dyn BlobSource>>,
    /// The digest of the body, in hex, or that it has none that is signed.
    sha256: String,
}

impl Client {
    pub(super) fn new(site: Site, entrance: Entrance, web: Arc<Web>, now: fn() -> Timestamp) -> Self {
        Self { site, entrance, web, now, trouble: Mutex::default() }
    }

    /// Why the last request came to nothing, if it did.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether we may look into the bucket.
    pub(super) async fn probe(&self) -> Result<(), BucketError> {
        let url = self.site.list("", None, Some(1));
        self.page(url, &format!("listing {}", self.site.shown())).await.map(drop)
    }

    /// Everything that begins with `start`, below the prefix.
    pub(super) async fn list(&self, start: &str) -> Result<Vec<Listed>, BucketError> {
        let attempted = format!("listing {}{start}", self.site.shown());
        let (mut files, mut from) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let page = self.page(self.site.list(start, from.as_deref(), None), &attempted).await?;
            files.extend(page.files);
            match page.next {
                None => return Ok(files),
                same if same == from => break,
                next => from = next,
            }
        }
        Err(Cause::Answer("the list does not end").during(attempted))
    }

    async fn page(&self, url: Url, attempted: &str) -> Result<super::site::Page, BucketError> {
        let reply = self.send(&Ask::of(Method::GET, url), attempted).await?;
        let reply = self.expect(reply, attempted).await?;
        let body = reply.all(PAGE_BYTES, "a page of a bucket's list").await;
        let body = body.map_err(|fault| Cause::Fault(Arc::new(fault)).during(attempted))?;
        let page = self.site.page(&body);
        page.ok_or_else(|| Cause::Answer("it is no list of a bucket").during(attempted))
    }

    /// A file's bytes as they come; `None` if there is no such file.
    pub(super) async fn get(&self, key: &str) -> Result<Option<Transferred>, BucketError> {
        let attempted = self.attempted("reading", key);
        let reply = self.send(&Ask::of(Method::GET, self.site.file(key)), &attempted).await?;
        self.found(reply, &attempted).await
    }

    /// A file's size; `None` if there is no such file.
    pub(super) async fn size(&self, key: &str) -> Result<Option<u64>, BucketError> {
        let attempted = self.attempted("looking at", key);
        let reply = self.send(&Ask::of(Method::HEAD, self.site.file(key)), &attempted).await?;
        let found = self.found(reply, &attempted).await?;
        found
            .map(|head| head.length().ok_or_else(|| Cause::Answer("it has no length").during(attempted)))
            .transpose()
    }

    /// Stores a file whose SHA-256 is this, in hex, where it is known.
    pub(super) async fn put(
        &self,
        key: &str,
        body: Arc<dyn BlobSource>,
        sha256: Option<&str>,
    ) -> Result<(), BucketError> {
        let attempted = self.attempted("storing", key);
        let sha256 = sha256.unwrap_or("UNSIGNED-PAYLOAD").to_owned();
        let ask = Ask { method: Method::PUT, url: self.site.file(key), body: Some(body), sha256 };
        let reply = self.send(&ask, &attempted).await?;
        self.expect(reply, &attempted).await.map(drop)
    }

    /// Removes a file; done as well if there is none.
    pub(super) async fn delete(&self, key: &str) -> Result<(), BucketError> {
        let attempted = self.attempted("removing", key);
        let reply = self.send(&Ask::of(Method::DELETE, self.site.file(key)), &attempted).await?;
        self.found(reply, &attempted).await.map(drop)
    }

    fn attempted(&self, doing: &str, key: &str) -> String {
        format!("{doing} {}{key}", self.site.shown())
    }

    /// An answer of any status that is no passing fault, from as many tries as it takes.
    async fn send(&self, ask: &Ask, attempted: &str) -> Result<Transferred, BucketError> {
        let mut attempt = 1;
        loop {
            let sent = self.once(ask).await;
            let pause = PAUSE.saturating_mul(attempt);
            let pause = match &sent {
                Ok((reply, minted)) => match (reply.status(), minted) {
                    // What has been kept may be over; the next one is made anew.
                    (400 | 401 | 403, Some(minted)) if attempt == 1 && ask.method != Method::HEAD => {
                        self.entrance.refused(*minted);
                        Some(Duration::ZERO)
                    }
                    (408 | 429 | 500 | 502..=504, _) => Some(reply.retry_after().unwrap_or(pause).max(pause)),
                    _ => None,
                },
                Err(Cause::Fault(fault)) if matches!(fault.class(), Class::Retry { .. }) => Some(pause),
                Err(_) => None,
            };
            let Some(pause) = pause.filter(|pause| attempt < ATTEMPTS && *pause <= LONGEST) else {
                return match sent {
                    Ok((reply, _)) => Ok(reply),
                    Err(cause) => Err(self.failed(cause.during(attempted))),
                };
            };
            tracing::debug!(attempted, attempt, "asking the bucket again");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn once(&self, ask: &Ask) -> Result<(Transferred, Option<oci_registry::auth::Minted>), Cause> {
        let length = ask.body.as_ref().map_or(0, |body| body.size());
        let headers = self.site.headers(ask.body.is_some(), (self.now)());
        let request = Request {
            method: method(&ask.method),
            url: &ask.url,
            headers: &headers,
            sha256: &ask.sha256,
            length,
        };
        let entry = self.entrance.admit(&request).await.map_err(Cause::Identity)?;
        let own = headers.into_iter().map(|(name, value)| (name, Secret::new(value)));
        let mut transfer =
            Transfer::new(ask.method.clone(), ask.url.clone()).headers(own).headers(entry.headers);
        if let Some(body) = &ask.body {
            transfer = transfer.body(Arc::clone(body));
        }
        let reply = self.web.transfer(&transfer).await.map_err(|fault| Cause::Fault(Arc::new(fault)))?;
        Ok((reply, entry.minted))
    }

    /// The answer, if it says yes.
    async fn expect(&self, reply: Transferred, attempted: &str) -> Result<Transferred, BucketError> {
        if (200..300).contains(&reply.status()) {
            *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
            return Ok(reply);
        }
        Err(self.refused(reply).await.during(attempted)).map_err(|error| self.failed(error))
    }

    /// The answer, if it says yes; `None` if there is no such file. That there is no such bucket is an error.
    async fn found(&self, reply: Transferred, attempted: &str) -> Result<Option<Transferred>, BucketError> {
        if reply.status() != 404 {
            return self.expect(reply, attempted).await.map(Some);
        }
        match self.refused(reply).await {
            Cause::Status { words, .. } if !words.has("NoSuchBucket") && !words.has("ContainerNotFound") => {
                Ok(None)
            }
            cause => Err(self.failed(cause.during(attempted))),
        }
    }

    async fn refused(&self, reply: Transferred) -> Cause {
        let (status, retry_after) = (reply.status(), reply.retry_after());
        let body: Bytes = reply.start(ERROR_BYTES).await;
        let words: WireErrors = bucket::words(&body);
        Cause::Status { status, words, retry_after }
    }

    fn failed(&self, error: BucketError) -> BucketError {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        error
    }
}

impl Ask {
    fn of(method: Method, url: Url) -> Self {
        Self { method, url, body: None, sha256: NOTHING.to_owned() }
    }
}

fn method(method: &Method) -> &'static str {
    match *method {
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        _ => "GET",
    }
}
