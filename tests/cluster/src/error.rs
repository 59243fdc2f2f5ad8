//! Why there is no system.

use std::{io, path::PathBuf};

/// A failure, with what the part said.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    ControlPlane(#[from] oci_testkit::control_plane::Error),
    #[error(transparent)]
    Registry(#[from] oci_testkit::real::Error),
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("a cluster runs already in {0}: stop it, or take another folder")]
    Taken(PathBuf),
    #[error("installing the manifests failed:\n{0}")]
    Install(String),
    #[error("the {name} {what}; the end of its log:\n{said}")]
    Part { name: &'static str, what: &'static str, said: String },
    #[error("waiting for a signal: {0}")]
    Signals(io::Error),
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
