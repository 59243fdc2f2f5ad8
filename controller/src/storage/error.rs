//! Why a storage cannot be opened, and how errors of the operating system are told.

use std::{io, path::PathBuf};

use oci_artifact::{Class, Classify};
use oci_source::store::StoreError;

/// Why a storage cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process works on it.
    #[error("the storage {} is in use by another process", .root.display())]
    InUse {
        /// Its folder.
        root: PathBuf,
    },
    /// The operating system refused something.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Classify for OpenError {
    fn reason(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "StorageInUse",
            Self::Store(error) => error.reason(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::InUse { .. } => Class::Retry { after: None },
            Self::Store(error) => error.class(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::InUse { .. } => {
                Some("one controller works on a volume: the other one has to end first".to_owned())
            }
            Self::Store(error) => error.hint(),
        }
    }
}

/// Adds what was attempted to an error of the operating system.
pub(super) trait Attempt<T> {
    fn attempt(self, attempted: impl FnOnce() -> String) -> Result<T, StoreError>;
}

impl<T> Attempt<T> for io::Result<T> {
    fn attempt(self, attempted: impl FnOnce() -> String) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Io { attempted: attempted(), source })
    }
}
