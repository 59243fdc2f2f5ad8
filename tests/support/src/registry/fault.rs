//! Scripted misbehaviour: which requests, how often, and what happens to them.

use std::{sync::Mutex, time::Duration};

use bytes::Bytes;
use hyper::{Method, http::request::Parts};

use super::route::Class;

/// One scripted misbehaviour. Of several that fit a request the first one added acts; one that is used up is skipped.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The requests it is for.
    pub on: Match,
    /// How many fitting requests pass unharmed before it begins.
    pub skip: usize,
    /// How many requests it hits; `None` is for ever.
    pub times: Option<usize>,
    /// What happens.
    pub act: Act,
}

impl Fault {
    /// Hits the first fitting request.
    pub fn once(on: Match, act: Act) -> Self {
        Self { on, skip: 0, times: Some(1), act }
    }

    /// Hits the first `times` fitting requests.
    pub fn times(times: usize, on: Match, act: Act) -> Self {
        Self { on, skip: 0, times: Some(times), act }
    }

    /// Hits every fitting request.
    pub fn always(on: Match, act: Act) -> Self {
        Self { on, skip: 0, times: None, act }
    }

    /// Lets `skip` fitting requests pass first.
    #[must_use]
    pub fn after(mut self, skip: usize) -> Self {
        self.skip = skip;
        self
    }
}

/// Which requests: every part that is given must fit.
#[derive(Clone, Debug, Default)]
pub struct Match {
    /// The kind of endpoint.
    pub class: Option<Class>,
    /// The method, upper case.
    pub method: Option<String>,
    /// A part of path and query.
    pub contains: Option<String>,
}

impl Match {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests to one kind of endpoint.
    pub fn class(class: Class) -> Self {
        Self { class: Some(class), ..Self::default() }
    }

    /// Requests whose path and query contain `part`.
    pub fn path(part: &str) -> Self {
        Self::default().contains(part)
    }

    /// Of these, the ones with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Of these, the ones whose path and query contain `part`.
    #[must_use]
    pub fn contains(mut self, part: &str) -> Self {
        self.contains = Some(part.to_owned());
        self
    }

    fn fits(&self, class: Class, method: &Method, target: &str) -> bool {
        self.class.is_none_or(|wanted| wanted == class)
            && self.method.as_deref().is_none_or(|wanted| wanted == method.as_str())
            && self.contains.as_deref().is_none_or(|part| target.contains(part))
    }
}

/// What happens to a request. The first group acts before the request is looked at (and before credentials are); the
/// second changes a successful answer, so that a 401 does not use it up.
#[derive(Clone, Debug)]
pub enum Act {
    /// This answer, whatever was asked.
    Status {
        /// The status code.
        code: u16,
        /// Headers, such as `Retry-After`.
        headers: Vec<(String, String)>,
        /// The body.
        body: Bytes,
    },
    /// 401 with this `WWW-Authenticate`.
    Challenge(String),
    /// A redirect. `{path}` in `to` becomes the request's path and query.
    Redirect {
        /// The `Location`.
        to: String,
        /// 301, 302, 303, 307 or 308.
        status: u16,
    },
    /// The normal answer after this time.
    Delay(Duration),
    /// No answer, for as long as the client waits; the request's body is not read.
    Stall,
    /// The connection ends before an answer; the request's body is not read.
    Close,
    /// These bytes in place of an HTTP answer, then the connection ends.
    RawReply(Bytes),

    /// The body stops after this many bytes and the connection stays open.
    StallBody(u64),
    /// The body stops after this many bytes and the connection ends; the announced length stays.
    Truncate(u64),
    /// The byte at this offset is flipped.
    Corrupt(u64),
    /// So many bytes after the real end, with a length that includes them.
    ExtraBytes(u64),
    /// Blanks after the real end until the client goes away, without an announced length.
    Endless,
    /// Another body behind the normal status and headers.
    Body(Bytes),
    /// The header with this value in place of what it was; `None` removes it.
    Header(String, Option<String>),
}

impl Act {
    /// A status with an error body as registries write it.
    pub fn status(code: u16) -> Self {
        let name = match code {
            401 => "UNAUTHORIZED",
            403 => "DENIED",
            404 => "NAME_UNKNOWN",
            429 => "TOOMANYREQUESTS",
            _ => "UNKNOWN",
        };
        let body = format!(r#"{{"errors":[{{"code":"{name}","message":"scripted answer {code}"}}]}}"#);
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self::Status { code, headers, body: body.into() }
    }

    /// 429 with this `Retry-After`.
    pub fn too_many_requests(retry_after: &str) -> Self {
        Self::status(429).with_header("retry-after", retry_after)
    }

    /// 200 with this JSON.
    pub fn json(body: &str) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self::Status { code: 200, headers, body: Bytes::copy_from_slice(body.as_bytes()) }
    }

    /// A `Docker-Content-Digest` that says this.
    pub fn digest_header(value: &str) -> Self {
        Self::Header("docker-content-digest".to_owned(), Some(value.to_owned()))
    }

    /// A `Link` that says this.
    pub fn link(value: &str) -> Self {
        Self::Header("link".to_owned(), Some(value.to_owned()))
    }

    /// A `Location` of the upload session that says this.
    pub fn location(value: &str) -> Self {
        Self::Header("location".to_owned(), Some(value.to_owned()))
    }

    /// The same with one more header; of a [`Act::Status`] only.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if let Self::Status { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    fn is_early(&self) -> bool {
        matches!(
            self,
            Self::Status { .. }
                | Self::Challenge(_)
                | Self::Redirect { .. }
                | Self::Delay(_)
                | Self::Stall
                | Self::Close
                | Self::RawReply(_)
        )
    }
}

/// When a fault is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Early,
    Late,
}

/// The script.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(super) fn add(&self, fault: Fault) {
        self.0.lock().unwrap().push(fault);
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    /// Takes one use of the first fault that fits.
    pub(super) fn take(&self, phase: Phase, class: Class, parts: &Parts) -> Option<Act> {
        let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
        let mut faults = self.0.lock().unwrap();
        for fault in faults.iter_mut() {
            let used_up = fault.times == Some(0);
            let in_phase = fault.act.is_early() == (phase == Phase::Early);
            if used_up || !in_phase || !fault.on.fits(class, &parts.method, target) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            if let Some(times) = &mut fault.times {
                *times -= 1;
            }
            return Some(fault.act.clone());
        }
        None
    }
}
