//! Exit codes, the same for every command.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Ok,
    /// Done, and the answer is "it differs".
    Different,
    /// Not done; a message says why.
    Failed,
    /// Stopped by a signal, after cleaning up.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Ok => 0,
            Exit::Different => 1,
            Exit::Failed => 2,
            Exit::Interrupted => 130,
        })
    }
}
