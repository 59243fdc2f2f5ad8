//! What comes with a legacy signature about its time: a log's promise, an authority's timestamp.

use jiff::Timestamp;
use serde::Deserialize;

use super::base64;
use crate::{Part, Reason, json, sigstore::Entry};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Promise {
    signed_entry_timestamp: String,
    payload: Logged,
}

/// What the promise signs: these four, and nothing else.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Logged {
    body: String,
    integrated_time: i64,
    log_index: i64,
    #[serde(rename = "logID")]
    log_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    api_version: String,
    kind: String,
}

#[derive(Deserialize)]
struct Stamped {
    #[serde(rename = "SignedRFC3161Timestamp")]
    token: String,
}

/// The log's entry and promise.
pub(super) fn entry(text: &str) -> Result<Entry, Reason> {
    let malformed = |error: &dyn std::fmt::Display| Reason::malformed(Part::LogEntry, &error);
    let promise: Promise = json::read(text.as_bytes(), Part::LogEntry)?;
    let body = base64(&promise.payload.body, Part::LogEntry)?;
    let Body { api_version, kind } = json::read(&body, Part::LogEntry)?;
    Ok(Entry {
        body,
        kind,
        version: api_version,
        time: Timestamp::from_second(promise.payload.integrated_time).map_err(|error| malformed(&error))?,
        index: promise.payload.log_index,
        log: hex::decode(&promise.payload.log_id).map_err(|error| malformed(&error))?,
        promise: base64(&promise.signed_entry_timestamp, Part::LogEntry)?,
    })
}

/// The timestamp's token.
pub(super) fn timestamp(text: &str) -> Result<Vec<u8>, Reason> {
    let stamped: Stamped = json::read(text.as_bytes(), Part::Timestamp)?;
    base64(&stamped.token, Part::Timestamp)
}
