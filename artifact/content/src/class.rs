//! What an error means for the caller, apart from its text.
//!
//! Every error of the project has a stable name (`reason`), says whether waiting helps (`class`) and what to do
//! (`hint`). The sentence of an error is for people only; nothing decides on it.

use std::time::Duration;

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The same input fails for ever: somebody has to change something.
    Terminal,
    /// A passing fault. `after` is the wait that the other side asked for, if it did.
    Retry {
        /// The wait that the other side asked for (`Retry-After`).
        after: Option<Duration>,
    },
    /// Credentials are missing, wrong or not enough.
    Denied,
    /// Somebody else changed the same thing at the same time.
    Conflict,
}

/// Implemented by every error of the project.
pub trait Classify {
    /// A stable name in PascalCase, fit for an event reason or a metric label. Never contains input.
    fn reason(&self) -> &'static str;

    /// Whether waiting helps.
    fn class(&self) -> Class;

    /// What the user can do, one sentence without a full stop; `None` where the message says it all.
    fn hint(&self) -> Option<String> {
        None
    }
}
