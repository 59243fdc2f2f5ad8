//! How errors are shown: one line that says what failed and why, and a hint.

use oci_artifact::Classify;

use super::{clean, printer::to_stderr};
use crate::{error::Error, exit::Exit};

/// Shows an error.
pub(crate) fn failure(error: &Error) {
    let hint = error.hint().map(|hint| format!("  hint: {}\n", clean(&hint))).unwrap_or_default();
    to_stderr(&format!("✗ {}\n{hint}", clean(&chain(error))));
}

/// An error and its causes, each said once: some errors repeat their cause in their own sentence, others do not.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = next.source();
    }
    text
}

/// Shows an error from before any command ran.
pub(crate) fn fatal(error: &Error) -> Exit {
    failure(error);
    Exit::Failed
}

/// Shows what the argument parser has to say: help and version are data, the rest is a failure.
pub(crate) fn usage(error: &clap::Error) -> Exit {
    let failed = error.use_stderr();
    // A closed output changes nothing about the outcome.
    let _ = error.print();
    if failed { Exit::Failed } else { Exit::Ok }
}
