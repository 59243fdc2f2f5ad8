//! Why a helper gave no answer.

use std::time::Duration;

use oci_artifact::{Class, Classify};

/// Why a helper gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum HelperError {
    /// A name that could be a path.
    #[error("credential helper `{name}`: a name has letters, digits, `.`, `_` and `-` only")]
    Name {
        /// The name as the file gives it.
        name: String,
    },
    /// Not on the search path.
    #[error("credential helper `{program}` for {server}: not found on PATH")]
    Missing {
        /// The program.
        program: String,
        /// What it was to be asked for.
        server: String,
    },
    /// It did not start, or its pipes broke.
    #[error("credential helper `{program}` for {server}: {doing} failed")]
    Io {
        /// The program.
        program: String,
        /// What it was asked for.
        server: String,
        /// What was done with it.
        doing: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// It ended with an error.
    #[error("credential helper `{program}` for {server} failed ({status}){}", said(.text))]
    Failed {
        /// The program.
        program: String,
        /// What it was asked for.
        server: String,
        /// How it ended.
        status: String,
        /// Its own words, cut and escaped; may be empty.
        text: String,
    },
    /// It took too long.
    #[error("credential helper `{program}` for {server} gave no answer within {} s", .deadline.as_secs_f32())]
    Timeout {
        /// The program.
        program: String,
        /// What it was asked for.
        server: String,
        /// How long it was waited for.
        deadline: Duration,
    },
    /// It wrote too much.
    #[error("credential helper `{program}` for {server} wrote more than {limit} bytes")]
    Endless {
        /// The program.
        program: String,
        /// What it was asked for.
        server: String,
        /// The bound.
        limit: u64,
    },
    /// Its answer is no credential. What it wrote is not repeated: it may be a secret.
    #[error("credential helper `{program}` for {server} gave an unusable answer: {fault}")]
    Answer {
        /// The program.
        program: String,
        /// What it was asked for.
        server: String,
        /// What is wrong with it.
        fault: &'static str,
    },
}

fn said(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

impl Classify for HelperError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Name { .. } | Self::Missing { .. } => "CredentialHelperMissing",
            Self::Io { .. } | Self::Failed { .. } | Self::Endless { .. } | Self::Answer { .. } => {
                "CredentialHelperFailed"
            }
            Self::Timeout { .. } => "CredentialHelperTimeout",
        }
    }

    /// Never a retry: a helper that waits for a passphrase would ask again and again.
    fn class(&self) -> Class {
        match self {
            Self::Name { .. }
            | Self::Missing { .. }
            | Self::Io { .. }
            | Self::Failed { .. }
            | Self::Timeout { .. }
            | Self::Endless { .. }
            | Self::Answer { .. } => Class::Terminal,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Name { .. } => Some("correct `credsStore` or `credHelpers` in the file".into()),
            Self::Missing { program, .. } => Some(format!(
                "install `{program}`, remove it from `credsStore` or `credHelpers`, or pass `--creds user:password`"
            )),
            Self::Failed { program, server, .. }
            | Self::Timeout { program, server, .. }
            | Self::Endless { program, server, .. }
            | Self::Answer { program, server, .. } => {
                Some(format!("try it by hand: `echo {server} | {program} get`"))
            }
            Self::Io { .. } => None,
        }
    }
}
