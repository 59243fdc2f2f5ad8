//! What the registry saw: one value per request, in order of arrival.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use hyper::http::request::Parts;

use super::route::Class;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// `GET`, `HEAD`, `PUT`, …
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The query without `?`, empty if there was none.
    pub query: String,
    /// The status answered; 0 while there is none, and for ever if the answer was a stall, raw bytes or a hang-up.
    pub status: u16,
    /// What kind of endpoint it was for.
    pub class: Class,
    /// Bytes of the request's body that were read.
    pub body_bytes: u64,
    /// Number of the TCP connection, from 1.
    pub connection: usize,
    /// Request headers by lower-case name; several of one name are joined by `, `.
    pub headers: BTreeMap<String, String>,
}

impl Recorded {
    /// A request header by any spelling of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// The `Authorization` header.
    pub fn authorization(&self) -> Option<&str> {
        self.header("authorization")
    }

    /// `METHOD /path?query STATUS`, for snapshots and assertion messages.
    pub fn line(&self) -> String {
        let separator = if self.query.is_empty() { "" } else { "?" };
        format!("{} {}{separator}{} {}", self.method, self.path, self.query, self.status)
    }

    pub(super) fn new(parts: &Parts, class: Class, connection: usize) -> Self {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &parts.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|all| {
                    all.push_str(", ");
                    all.push_str(&value);
                })
                .or_insert_with(|| value.clone().into_owned());
        }
        Self {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            status: 0,
            class,
            body_bytes: 0,
            connection,
            headers,
        }
    }
}

/// The record of all requests and the counters beside it.
#[derive(Debug, Default)]
pub(super) struct Log {
    entries: Mutex<(u64, Vec<Recorded>)>,
    accepts: AtomicUsize,
    in_flight: AtomicUsize,
    max_in_flight: AtomicUsize,
}

/// A place in the log; stale after [`Log::reset`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    epoch: u64,
    index: usize,
}

impl Log {
    pub(super) fn accept(&self) -> usize {
        self.accepts.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(super) fn push(&self, request: Recorded) -> Entry {
        let mut entries = self.entries.lock().unwrap();
        entries.1.push(request);
        Entry { epoch: entries.0, index: entries.1.len() - 1 }
    }

    pub(super) fn update(&self, entry: Entry, change: impl FnOnce(&mut Recorded)) {
        let mut entries = self.entries.lock().unwrap();
        if entries.0 == entry.epoch
            && let Some(request) = entries.1.get_mut(entry.index)
        {
            change(request);
        }
    }

    pub(super) fn requests(&self) -> Vec<Recorded> {
        self.entries.lock().unwrap().1.clone()
    }

    pub(super) fn accepts(&self) -> usize {
        self.accepts.load(Ordering::SeqCst)
    }

    pub(super) fn max_in_flight(&self) -> usize {
        self.max_in_flight.load(Ordering::SeqCst)
    }

    pub(super) fn reset(&self) {
        let mut entries = self.entries.lock().unwrap();
        entries.0 += 1;
        entries.1.clear();
        self.accepts.store(0, Ordering::SeqCst);
        self.max_in_flight.store(self.in_flight.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    pub(super) fn enter(&self) {
        let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.max_in_flight.fetch_max(now, Ordering::SeqCst);
    }

    pub(super) fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}
