//! Exit codes, the same for every command.

use std::process::ExitCode;

/// How a command ended, the better before the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Done.
    Ok,
    /// The answer is "it differs" or "it is refused".
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
