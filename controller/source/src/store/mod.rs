//! Where artifacts go.

mod folder;

use std::{future::Future, pin::Pin};

use jiff::Timestamp;
use oci_artifact::{
    Class, Classify,
    name::{Digest, Revision},
};
use tempfile::NamedTempFile;

pub use folder::Folder;

/// Whose artifact it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

/// A finished file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What it was made from.
    pub revision: Revision,
    /// The digest of the file's bytes.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// A file that is served from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Where, below the storage's root and below its URL: `ocirepository/<namespace>/<name>/<file>`.
    pub path: String,
    /// Since when.
    pub at: Timestamp,
}

/// What [`Store::publish`] returns.
pub type PublishFuture<'a> = Pin<Box<dyn Future<Output = Result<Published, StoreError>> + Send + 'a>>;

/// A storage of artifacts.
pub trait Store: Send + Sync {
    /// An empty file that nobody sees and that is gone when dropped. May be called on any thread; does one system call
    /// or a few.
    fn draft(&self) -> Result<NamedTempFile, StoreError>;

    /// Makes a draft the newest artifact of its owner: at once, for good and for everybody, or not at all. A name that
    /// was published once keeps its content.
    fn publish<'a>(
        &'a self,
        owner: &'a Owner,
        draft: NamedTempFile,
        content: &'a Content,
    ) -> PublishFuture<'a>;
}

/// Why an artifact cannot be stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused something.
    #[error("{attempted} failed: {source}")]
    Io {
        /// What was attempted on what: `creating a file in /data`.
        attempted: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A service that stores for us does not.
    #[error("{0}")]
    Service(Box<dyn ServiceError>),
    /// A name of the cluster that no path may have.
    #[error("`{0}` is no name that a folder can have")]
    Name(String),
}

/// Why a service that stores for us does not.
pub trait ServiceError: std::error::Error + Classify + Send + Sync + 'static {}

impl Classify for StoreError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Io { .. } => "StorageFailed",
            Self::Service(error) => error.reason(),
            Self::Name(_) => "NameInvalid",
        }
    }

    fn class(&self) -> Class {
        match self {
            // Disks are emptied and mounted again.
            Self::Io { .. } => Class::Retry { after: None },
            Self::Service(error) => error.class(),
            Self::Name(_) => Class::Terminal,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io { source, .. } => match source.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    Some("free space on the storage volume, or enlarge it".to_owned())
                }
                std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => {
                    Some("the storage volume must be writable for the controller's user".to_owned())
                }
                _ => None,
            },
            Self::Service(error) => error.hint(),
            Self::Name(_) => None,
        }
    }
}
