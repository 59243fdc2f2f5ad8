//! The one place that prints.

use std::io::{self, Write as _};

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt,
    prelude::*,
};

use crate::error::Error;

/// Prints for one command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    quiet: bool,
}

impl Printer {
    /// `verbose` shows what the libraries log: requests, retries, where credentials come from.
    pub(crate) fn new(quiet: bool, verbose: bool) -> Self {
        if verbose {
            let lines =
                fmt::layer().with_writer(io::stderr).with_ansi(false).without_time().with_target(false);
            // Ours alone: the HTTP library's lines say nothing to a user.
            let ours = Targets::new()
                .with_target("oci_registry", LevelFilter::DEBUG)
                .with_target("kubectl_oci", LevelFilter::DEBUG);
            // A second subscriber in one process is a programming fault that nobody has to see.
            let _ = tracing_subscriber::registry().with(lines).with(ours).try_init();
        }
        Self { quiet }
    }

    /// Whether only data and errors are wanted.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Something begins.
    pub(crate) fn action(self, text: impl AsRef<str>) {
        self.status("►", text.as_ref());
    }

    /// Something is done.
    pub(crate) fn success(self, text: impl AsRef<str>) {
        self.status("✔", text.as_ref());
    }

    /// Something is waited for.
    pub(crate) fn waiting(self, text: impl AsRef<str>) {
        self.status("◎", text.as_ref());
    }

    /// Something is odd but does not stop us.
    pub(crate) fn warning(self, text: impl AsRef<str>) {
        self.status("⚠️", text.as_ref());
    }

    fn status(self, glyph: &str, text: &str) {
        if !self.quiet {
            to_stderr(&format!("{glyph} {text}\n"));
        }
    }

    /// Data, as it is. A reader that went away is no failure.
    #[expect(clippy::unused_self, reason = "data is printed by the command's printer, as everything else")]
    pub(crate) fn data(self, text: &str) -> Result<(), Error> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Error::file("writing to standard output", "-", error))
            }
            _ => Ok(()),
        }
    }
}

/// Messages have nowhere else to go if standard error is closed.
pub(super) fn to_stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
