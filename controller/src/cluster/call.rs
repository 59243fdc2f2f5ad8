//! One call to the API server: bounded in time, with an error that says what to do about it.

use std::{future::Future, time::Duration};

use kube::core::Status;
use oci_artifact::{Class, Classify};

/// Longest wait for one answer. The client's own retries are off: the queue retries.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of the server's words that are shown.
const SHOWN: usize = 512;
/// What to do about a missing right.
const RIGHTS: &str = "give the controller's ServiceAccount that right: `kubectl oci install` sets its roles again, \
                      `kubectl oci doctor` lists what is missing";

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[error("{attempted}: {cause}")]
pub struct CallError {
    /// What was attempted on what: `reading Secret apps/login`.
    pub attempted: String,
    /// Why it failed.
    pub cause: Cause,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// There is no such thing.
    #[error("not found")]
    NotFound,
    /// Somebody else wrote meanwhile.
    #[error("changed by somebody else meanwhile")]
    Conflict,
    /// We may not do that.
    #[error("forbidden: {0}")]
    Forbidden(String),
    /// The API server refuses what was written.
    #[error("refused: {0}")]
    Invalid(String),
    /// The API server cannot be reached, is overloaded or failed.
    #[error("the API server failed: {0}")]
    Unavailable(String),
}

impl Classify for CallError {
    fn reason(&self) -> &'static str {
        match self.cause {
            Cause::NotFound => "NotFound",
            Cause::Conflict => "Conflict",
            Cause::Forbidden(_) => "Forbidden",
            Cause::Invalid(_) => "Invalid",
            Cause::Unavailable(_) => "Unavailable",
        }
    }

    fn class(&self) -> Class {
        match self.cause {
            // Whatever is missing may be made at any moment.
            Cause::NotFound | Cause::Unavailable(_) => Class::Retry { after: None },
            Cause::Conflict => Class::Conflict,
            Cause::Forbidden(_) => Class::Denied,
            Cause::Invalid(_) => Class::Terminal,
        }
    }

    fn hint(&self) -> Option<String> {
        match self.cause {
            Cause::Forbidden(_) => Some(RIGHTS.to_owned()),
            Cause::NotFound | Cause::Conflict | Cause::Invalid(_) | Cause::Unavailable(_) => None,
        }
    }
}

/// Waits for the answer, within the bound. `attempted` is asked for only if the call fails.
pub async fn call<T>(
    attempted: impl FnOnce() -> String,
    answer: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, CallError> {
    let cause = match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => cause(&error),
        Err(_) => Cause::Unavailable(format!("no answer within {} s", PATIENCE.as_secs())),
    };
    Err(CallError { attempted: attempted(), cause })
}

/// Why a call failed.
pub(in crate::cluster) fn cause(error: &kube::Error) -> Cause {
    match error {
        kube::Error::Api(status) => of_status(status),
        _ => Cause::Unavailable(cut(&innermost(error))),
    }
}

/// What an answer of the API server means.
pub(in crate::cluster) fn of_status(status: &Status) -> Cause {
    match status.code {
        404 | 410 => Cause::NotFound,
        409 => Cause::Conflict,
        401 | 403 => Cause::Forbidden(cut(&status.message)),
        400 | 413 | 415 | 422 => Cause::Invalid(cut(&status.message)),
        _ => Cause::Unavailable(cut(&format!("{} {}", status.code, status.message))),
    }
}

/// The text of the innermost cause: the outer ones only say that a request failed.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

fn cut(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect()
}
