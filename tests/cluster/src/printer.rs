//! The one file that writes to the terminal.

use crate::error::Error;

/// A line of output.
#[expect(clippy::print_stdout, reason = "the output of a command line program")]
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// A failure.
#[expect(clippy::print_stderr, reason = "the output of a command line program")]
pub(crate) fn error(error: &Error) {
    eprintln!("error: {error}");
}
