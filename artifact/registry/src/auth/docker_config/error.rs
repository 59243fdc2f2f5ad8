//! Why a file of credentials is refused.

use oci_artifact::{Class, Classify, limits::OverBudget};

use super::EntryFault;

/// Why a file of credentials cannot be used. Never contains anything of the file but its keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Too large.
    #[error("credentials file {origin}: {source}")]
    Large {
        /// The file.
        origin: String,
        /// The bound.
        source: OverBudget,
    },
    /// Not JSON, or not of the shape that docker writes.
    #[error("credentials file {origin}: {fault} at line {line}, column {column}")]
    Json {
        /// The file.
        origin: String,
        /// What is wrong.
        fault: &'static str,
        /// Where, counted from 1.
        line: usize,
        /// Where, counted from 1.
        column: usize,
    },
    /// One entry of `auths` is broken.
    #[error("credentials file {origin}: entry `{key}` of `auths`: {source}")]
    Entry {
        /// The file.
        origin: String,
        /// The entry's key.
        key: String,
        /// What is wrong with it.
        source: EntryFault,
    },
}

impl Classify for ConfigError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Large { .. } | Self::Json { .. } | Self::Entry { .. } => "CredentialsInvalid",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Large { .. } | Self::Json { .. } | Self::Entry { .. } => Class::Terminal,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Large { .. } | Self::Json { .. } => None,
            Self::Entry { key, .. } => {
                Some(format!("log in again with `kubectl oci login {key}`, or remove the entry"))
            }
        }
    }
}

impl ConfigError {
    /// The library's own message may quote the input, so only the place is kept.
    pub(in crate::auth) fn json(origin: &str, error: &serde_json::Error) -> Self {
        let fault = match error.classify() {
            serde_json::error::Category::Eof => "the JSON ends too early",
            serde_json::error::Category::Data => "a value of the wrong type",
            serde_json::error::Category::Syntax | serde_json::error::Category::Io => "the JSON is malformed",
        };
        Self::Json { origin: origin.to_owned(), fault, line: error.line(), column: error.column() }
    }
}
