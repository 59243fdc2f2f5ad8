//! From a request to a response.

use std::{borrow::Cow, io, ops::Range, sync::Arc};

use axum::{
    body::Bytes,
    http::{
        HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
        header::{
            ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
            LAST_MODIFIED, RANGE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
        },
    },
};
use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};
use oci_artifact::name::Hasher;
use oci_server::{Answer, Incoming};

use super::{
    body::{Body, Streams},
    cache::{Cache, SMALL, Small},
    conditions::{self, Validators, Verdict},
    range::{self, Part},
};
use crate::storage::{Found, Inode, KIND, LATEST, Storage};

/// Answers requests for artifacts.
#[derive(Debug)]
pub(super) struct Artifacts {
    storage: Storage,
    cache: Arc<Cache>,
    streams: Arc<Streams>,
}

impl Artifacts {
    pub(super) fn new(storage: Storage) -> Self {
        Self { storage, cache: Arc::default(), streams: Arc::default() }
    }
}

impl Answer for Artifacts {
    type Body = Body;

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let head_only = match *request.method() {
            Method::GET => false,
            Method::HEAD => true,
            _ => return not_allowed(),
        };
        let Some(path) = path(request.uri().path()) else {
            return not_found();
        };
        match self.storage.find(&path).await {
            Ok(Some(found)) => self.file(request.headers(), &path, &found, head_only).await,
            Ok(None) => not_found(),
            Err(error) => {
                tracing::error!(%error, %path, "an artifact cannot be served");
                unavailable()
            }
        }
    }
}

impl Artifacts {
    async fn file(&self, headers: &HeaderMap, path: &str, found: &Found, head_only: bool) -> Response<Body> {
        let inode = &found.inode;
        let cached = if inode.size() <= SMALL { self.cache.get(inode.id()) } else { None };
        let (etag, modified) = match &cached {
            Some(small) => (small.etag.clone(), small.modified.clone()),
            None => (etag(inode), modified(inode)),
        };
        let latest = path.ends_with(LATEST);
        // What is the newest now may have been written long ago, and every replica has a file of its own of a bucket's.
        let timed = !latest && self.storage.has_times();
        let known =
            Validators { etag: etag.to_str().unwrap_or_default(), modified: timed.then(|| inode.modified()) };
        let verdict = conditions::judge(headers, known);
        let part = match verdict {
            Verdict::Failed => {
                return plain(StatusCode::PRECONDITION_FAILED, "the artifact is another one\n");
            }
            Verdict::NotModified => Part::Whole,
            Verdict::Answer => wanted(headers, known, inode.size(), head_only),
        };
        let mut response = match part {
            Part::Unsatisfiable => unsatisfiable(inode.size()),
            _ if verdict == Verdict::NotModified => status(StatusCode::NOT_MODIFIED),
            Part::Whole if head_only => status(StatusCode::OK),
            Part::Whole => self.content(path, found, cached, 0..inode.size()).await,
            Part::Bytes(range) => {
                let partial = self.content(path, found, cached, range.clone()).await;
                mark_partial(partial, &range, inode.size())
            }
        };
        describe(&mut response, inode.size(), etag, timed.then_some(modified), latest);
        response
    }

    /// The bytes; 404 if the file is no longer the one that was stored, 500 if it cannot be read.
    async fn content(
        &self,
        path: &str,
        found: &Found,
        cached: Option<Arc<Small>>,
        part: Range<u64>,
    ) -> Response<Body> {
        let read = match cached {
            Some(small) => Ok(slice(&small.body, &part)),
            None => self.read(path, found, part).await,
        };
        match read {
            Ok(Some(body)) => Response::new(body),
            Ok(None) => not_found(),
            Err(error) => {
                tracing::error!(%error, path, "a stored file cannot be read");
                plain(StatusCode::INTERNAL_SERVER_ERROR, "the artifact cannot be read\n")
            }
        }
    }

    /// Reads a small file into the cache, or opens a large one.
    async fn read(&self, path: &str, found: &Found, part: Range<u64>) -> io::Result<Option<Body>> {
        let (storage, found, path) = (self.storage.clone(), found.clone(), path.to_owned());
        let (cache, streams) = (Arc::clone(&self.cache), Arc::clone(&self.streams));
        let work = move || {
            let Some(file) = storage.open_found(&path, &found)? else {
                return Ok(None);
            };
            if found.inode.size() > SMALL {
                return Ok(Some(Body::File(Box::new(streams.stream(file, part)?))));
            }
            let small = Arc::new(load(&file, &found.inode)?);
            let body = slice(&small.body, &part);
            cache.put(found.inode.id(), small);
            Ok(body)
        };
        tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
    }
}

/// The part of a path that the storage knows: `<namespace>/<name>/<file>`. Clients may encode the colon of a digest;
/// whatever else is encoded is nothing that is served.
fn path(raw: &str) -> Option<Cow<'_, str>> {
    let path = raw.strip_prefix('/')?.strip_prefix(KIND)?.strip_prefix('/')?;
    let Some((before, after)) = path.split_once('%') else {
        return Some(Cow::Borrowed(path));
    };
    let after = after.strip_prefix("3A").or_else(|| after.strip_prefix("3a"))?;
    Some(Cow::Owned(format!("{before}:{after}")))
}

fn wanted(headers: &HeaderMap, known: Validators<'_>, size: u64, head_only: bool) -> Part {
    let mut ranges = headers.get_all(RANGE).iter();
    match (ranges.next().map(HeaderValue::to_str), ranges.next()) {
        (Some(Ok(range)), None) if !head_only && conditions::range_counts(headers, known) => {
            range::part(range, size)
        }
        _ => Part::Whole,
    }
}

/// Reads a small file, and makes sure of its bytes.
fn load(file: &std::fs::File, inode: &Inode) -> io::Result<Small> {
    use std::io::Read as _;
    let mut body = Vec::with_capacity(usize::try_from(inode.size()).unwrap_or_default());
    file.take(SMALL + 1).read_to_end(&mut body)?;
    let mut hasher = Hasher::new(inode.digest().algorithm());
    hasher.update(&body);
    if hasher.finish() != *inode.digest() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "its digest is no longer the one that was stored",
        ));
    }
    Ok(Small { body: body.into(), etag: etag(inode), modified: modified(inode) })
}

fn slice(body: &Bytes, part: &Range<u64>) -> Option<Body> {
    let (start, end) = (usize::try_from(part.start).ok()?, usize::try_from(part.end).ok()?);
    (start <= end && end <= body.len()).then(|| Body::of(body.slice(start..end)))
}

fn etag(inode: &Inode) -> HeaderValue {
    text(&format!("\"{}\"", inode.digest()))
}

fn modified(inode: &Inode) -> HeaderValue {
    let time = Timestamp::from_second(inode.modified()).unwrap_or_default();
    text(&DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap_or_default())
}

/// A value of our own making, which is always valid.
fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static(""))
}

/// The headers of a file.
fn describe(
    response: &mut Response<Body>,
    size: u64,
    etag: HeaderValue,
    modified: Option<HeaderValue>,
    changes: bool,
) {
    let (status, headers) = (response.status(), response.headers_mut());
    if !matches!(status, StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED) {
        return;
    }
    headers.reserve(8);
    headers.insert(ETAG, etag);
    headers.extend(modified.map(|modified| (LAST_MODIFIED, modified)));
    if changes {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    if status == StatusCode::NOT_MODIFIED {
        return;
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/gzip"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if status == StatusCode::OK {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
    }
}

fn mark_partial(mut response: Response<Body>, range: &Range<u64>, size: u64) -> Response<Body> {
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let value = format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1));
        response.headers_mut().insert(CONTENT_RANGE, text(&value));
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    }
    response
}

fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::of(Bytes::new()));
    *response.status_mut() = code;
    response
}

fn plain(code: StatusCode, message: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::of(message));
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn not_found() -> Response<Body> {
    plain(StatusCode::NOT_FOUND, "not found\n")
}

/// Of a bucket that does not answer, or has something else than it should.
fn unavailable() -> Response<Body> {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, "the artifact cannot be read\n");
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

fn not_allowed() -> Response<Body> {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

fn unsatisfiable(size: u64) -> Response<Body> {
    let mut response = plain(StatusCode::RANGE_NOT_SATISFIABLE, "the artifact has no such bytes\n");
    response.headers_mut().insert(CONTENT_RANGE, text(&format!("bytes */{size}")));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_decodes_one_colon_and_nothing_else() {
        for (raw, expected) in [
            ("/ocirepository/a/b/sha256:0.tar.gz", Some("a/b/sha256:0.tar.gz")),
            ("/ocirepository/a/b/sha256%3A0.tar.gz", Some("a/b/sha256:0.tar.gz")),
            ("/ocirepository/a/b/sha256%3a0.tar.gz", Some("a/b/sha256:0.tar.gz")),
            ("/ocirepository/a/b/%73ha256:0.tar.gz", None),
            ("/ocirepository/a%2Fb/sha256:0.tar.gz", None),
            ("/ocirepository/a/b/%2e%2e/x", None),
            ("/ocirepository", None),
            ("ocirepository/a/b/c", None),
            ("/gitrepository/a/b/c", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(path(raw).as_deref(), expected, "{raw}");
        }
    }
}
