//! Why the origin of a folder cannot be told.

use std::{
    io,
    path::{Path, PathBuf},
};

use oci_artifact::{Class, Classify};

/// Why the origin of a folder cannot be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OriginError {
    /// The folder cannot be found.
    #[error("looking for the git repository of {}: {source}", path.display())]
    Path {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The repository belongs to another user.
    #[error("the git repository {} belongs to another user and is not trusted", path.display())]
    Untrusted {
        /// Its work tree.
        path: PathBuf,
    },
    /// The repository cannot be opened; also every SHA-256 repository.
    #[error("opening the git repository of {} failed: {detail}", path.display())]
    Open {
        /// The folder inside it.
        path: PathBuf,
        /// What the library says.
        detail: String,
    },
    /// Something in it cannot be read.
    #[error("reading {doing} of the git repository {} failed: {detail}", path.display())]
    Read {
        /// Its work tree.
        path: PathBuf,
        /// What was read.
        doing: &'static str,
        /// What the library says.
        detail: String,
    },
}

impl OriginError {
    pub(super) fn open(path: &Path, error: &gix::Error) -> Self {
        Self::Open { path: path.to_owned(), detail: detail(error) }
    }

    pub(super) fn read(path: PathBuf, doing: &'static str, error: &gix::Error) -> Self {
        Self::Read { path, doing, detail: detail(error) }
    }
}

/// The library's errors are trees; the message on top and what most likely caused it are enough on one line.
fn detail(error: &gix::Error) -> String {
    let (top, cause) = (error.error().to_string(), error.probable_cause().to_string());
    let text = if top == cause { top } else { format!("{top}: {cause}") };
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl Classify for OriginError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Path { .. } => "PathUnreadable",
            Self::Untrusted { .. } => "RepositoryUntrusted",
            Self::Open { .. } | Self::Read { .. } => "RepositoryUnreadable",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Path { .. } | Self::Untrusted { .. } | Self::Open { .. } | Self::Read { .. } => {
                Class::Terminal
            }
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Path { .. } => None,
            Self::Untrusted { path } => Some(format!(
                "pass `--source` and `--revision`, or trust it with `git config --global --add safe.directory {}`",
                path.display()
            )),
            Self::Open { .. } | Self::Read { .. } => Some("pass `--source` and `--revision`".into()),
        }
    }
}
