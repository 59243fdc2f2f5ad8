//! One request as data, so that it can be sent again.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::Method;
use url::Url;

use crate::source::BlobSource;

/// What is sent, where, and which answers are expected.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) place: Place,
    pub(crate) headers: Vec<(reqwest::header::HeaderName, String)>,
    pub(crate) payload: Payload,
    /// Statuses that the caller handles; all others are faults.
    pub(crate) expect: &'static [u16],
    /// What is attempted on what, for errors and logs.
    pub(crate) action: String,
}

/// Where a request goes.
pub(crate) enum Place {
    /// A path of the registry, with its leading slash and possibly a query.
    Path(String),
    /// A URL that the registry named and that was checked.
    Url(Url),
}

/// What a request carries; each kind can be sent again.
pub(crate) enum Payload {
    Empty,
    Bytes(Bytes),
    Blob(Arc<dyn BlobSource>),
}

impl Call {
    /// A request without body.
    pub(crate) fn new(method: Method, path: String, expect: &'static [u16], action: String) -> Self {
        Self {
            method,
            place: Place::Path(path),
            headers: Vec::new(),
            payload: Payload::Empty,
            expect,
            action,
        }
    }

    pub(crate) fn at(mut self, url: Url) -> Self {
        self.place = Place::Url(url);
        self
    }

    pub(crate) fn header(mut self, name: reqwest::header::HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn carrying(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }
}
