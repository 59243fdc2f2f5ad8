//! Why a command of the project fails.

use std::{io, path::PathBuf};

/// A failure, with what to do where something can be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("prerequisites are missing:\n{0}")]
    Prerequisites(String),
    #[error("running `{command}`: {source}")]
    Spawn { command: String, source: io::Error },
    #[error("`{command}` failed: {status}")]
    Failed { command: String, status: String },
    #[error("`{command}` ended with {got}, expected {wanted}")]
    Unexpected { command: String, got: String, wanted: i32 },
    #[error("{0}")]
    Wrong(String),
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Tool(#[from] oci_testkit::tools::Error),
    #[error(transparent)]
    Registry(#[from] oci_testkit::real::Error),
    #[error("interrupted")]
    Interrupted,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Names the file that an I/O error is about.
pub(crate) trait At<T> {
    fn at(self, path: impl Into<PathBuf>) -> Result<T>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: impl Into<PathBuf>) -> Result<T> {
        self.map_err(|source| Error::File { path: path.into(), source })
    }
}
