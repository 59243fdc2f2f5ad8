//! How errors are shown: one line that says what failed and why, and a hint.

use oci_artifact::Classify;

use super::{clean, printer::to_stderr};
use crate::{error::Error, exit::Exit};

/// Shows an error.
pub(crate) fn failure(error: &Error) {
    let mut text = format!("✗ {}\n", clean(&error.to_string()));
    if let Some(hint) = error.hint() {
        text.push_str(&format!("  hint: {}\n", clean(&hint)));
    }
    to_stderr(&text);
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
