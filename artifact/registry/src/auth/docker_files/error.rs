//! Why a lookup in the user's files failed.

use std::io;

use oci_artifact::{Class, Classify};

use super::super::{ConfigError, HelperError};

/// Why the user's credentials could not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A file that somebody named does not exist.
    #[error("credentials file {file}, named by {by}, does not exist")]
    Missing {
        /// The file.
        file: String,
        /// A variable or a flag.
        by: &'static str,
    },
    /// Reading failed.
    #[error("reading credentials file {file} failed")]
    Read {
        /// The file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// A file is broken.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A helper failed.
    #[error("{source} (named in {file})")]
    Helper {
        /// The file that names the helper.
        file: String,
        /// What happened.
        source: HelperError,
    },
}

impl Classify for FilesError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "CredentialsMissing",
            Self::Read { .. } => "CredentialsUnreadable",
            Self::Config(error) => error.reason(),
            Self::Helper { source, .. } => source.reason(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Missing { .. } | Self::Read { .. } => Class::Terminal,
            Self::Config(error) => error.class(),
            Self::Helper { source, .. } => source.class(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { .. } => Some("create it with `kubectl oci login`, or do not name it".into()),
            Self::Read { .. } => None,
            Self::Config(error) => error.hint(),
            Self::Helper { source, .. } => source.hint(),
        }
    }
}
