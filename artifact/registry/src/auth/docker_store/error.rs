//! Why a login could not be kept, or not be forgotten.

use std::io;

use oci_artifact::{Class, Classify};

use super::super::{ConfigError, HelperError};

/// Why a login could not be kept, or not be forgotten. The file is as it was. Never contains a secret.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nobody says where the file is.
    #[error("there is no place for logins: neither HOME nor DOCKER_CONFIG is set")]
    Nowhere,
    /// The file, or its folder, is not as it should be.
    #[error("{doing} {file} failed")]
    File {
        /// The file.
        file: String,
        /// What was done with it.
        doing: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// A folder, a pipe or a device.
    #[error("credentials file {file} is no regular file")]
    Irregular {
        /// The file.
        file: String,
    },
    /// What is in the file cannot be kept, because it cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Somebody else wrote again and again.
    #[error("credentials file {file} was changed by somebody else at the same time")]
    Contended {
        /// The file.
        file: String,
    },
    /// The helper failed.
    #[error("{source} (named in {file})")]
    Helper {
        /// The file that names it.
        file: String,
        /// What happened.
        source: HelperError,
    },
    /// Helpers know no paths, and a file is not what was configured.
    #[error(
        "{place} is a part of a registry, and the helper `{program}` (named in {file}) keeps logins of whole ones"
    )]
    Part {
        /// What was to be logged in to.
        place: String,
        /// The registry.
        host: String,
        /// The helper.
        program: String,
        /// The file that names it.
        file: String,
    },
}

impl Classify for StoreError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Nowhere => "CredentialsMissing",
            Self::File { .. } | Self::Irregular { .. } | Self::Contended { .. } => "CredentialsUnwritable",
            Self::Config(error) => error.reason(),
            Self::Helper { source, .. } => source.reason(),
            Self::Part { .. } => "CredentialHelperUnfit",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Contended { .. } => Class::Conflict,
            Self::Nowhere | Self::File { .. } | Self::Irregular { .. } | Self::Part { .. } => Class::Terminal,
            Self::Config(error) => error.class(),
            Self::Helper { source, .. } => source.class(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Nowhere => Some("set DOCKER_CONFIG to a folder of yours".into()),
            Self::Contended { .. } => Some("try it again".into()),
            Self::Config(_) => Some("correct the file, or move it away: it is not overwritten".into()),
            Self::Helper { source, .. } => source.hint(),
            Self::Part { host, .. } => {
                Some(format!("log in to `{host}`, or give it an empty helper in `credHelpers`"))
            }
            Self::File { .. } | Self::Irregular { .. } => None,
        }
    }
}
