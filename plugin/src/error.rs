//! What a command can fail with: the errors of the libraries, with the command's own object in front.

use std::{path::PathBuf, time::Duration};

use oci_artifact::{
    Class, Classify, archive, manifest,
    name::{ReferenceError, TagError, select::FilterError},
};
use oci_crds::validate::Fault;
use oci_registry::auth::{PlaceFault, SourceError, StoreError};
use oci_verify::{CertificateFault, KeyFault, TrustPolicyError, TrustRootError, sign::SigningError};

use crate::{cluster::ClusterError, exit::Exit, origin::OriginError, signing::Unverified};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Flags that do not go together, or a value that only shows its fault when it is used.
    #[error("{message}")]
    Usage { message: String, hint: Option<String> },
    /// The artifact URL is wrong.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// A tag is wrong.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// A filter of `list` is wrong.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// Packing, reading or unpacking failed.
    #[error("{doing} failed: {source}")]
    Archive { doing: String, source: archive::Error },
    /// A registry that is to be logged in to.
    #[error(transparent)]
    Place(#[from] PlaceFault),
    /// The registry did not take a login.
    #[error("logging in to {place} failed: {source}")]
    Login { place: String, source: oci_registry::Error },
    /// A login could not be kept, or not be forgotten.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A source of credentials failed.
    #[error("looking for a login for {repository} failed: {cause}")]
    Credentials { repository: String, cause: SourceError },
    /// A login was tried, and got not all the way.
    #[error("trying the login for {repository} failed: {source}")]
    Tried {
        repository: String,
        source: oci_registry::Error,
        /// Whether the registry knows who it is.
        known: bool,
    },
    /// The registry, or the way to it, failed.
    #[error("{doing} failed: {source}")]
    Registry { doing: String, source: oci_registry::Error },
    /// The artifact is not of a kind that the command can use.
    #[error("{doing} failed: {source}")]
    Manifest { doing: String, source: manifest::Error },
    /// A private key cannot be used.
    #[error("the private key `{place}` cannot be used: {source}")]
    PrivateKey { place: String, source: SigningError },
    /// Signing failed.
    #[error("{doing} failed: {source}")]
    Signing { doing: String, source: SigningError },
    /// A public key cannot be used.
    #[error(transparent)]
    PublicKey(Box<KeyFault>),
    /// A trust root cannot be used.
    #[error("`{path}`: {source}")]
    TrustRoot { path: PathBuf, source: TrustRootError },
    /// A trust policy of Notation cannot be used.
    #[error("`{place}`: {source}")]
    TrustPolicy { place: String, source: TrustPolicyError },
    /// A certificate of Notation cannot be used.
    #[error("certificate `{}`: {}", .0.name, .0.error)]
    Certificate(Box<CertificateFault>),
    /// An artifact has not the signature that it should have.
    #[error(transparent)]
    Unverified(Box<Unverified>),
    /// A local file.
    #[error("{what} `{path}`: {source}")]
    File { what: &'static str, path: PathBuf, source: std::io::Error },
    /// A text of manifests cannot be read, or not be changed.
    #[error("{doing} {place} failed: {why}")]
    Document { doing: &'static str, place: String, why: String, hint: Option<String> },
    /// The Git repository could not be read.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// An object that would be refused.
    #[error(transparent)]
    Fault(Box<SpecFault>),
    /// The cluster, or the way to it, failed.
    #[error(transparent)]
    Cluster(Box<ClusterError>),
    /// A thread stopped before its work was done.
    #[error("{0} stopped unexpectedly")]
    Stopped(&'static str),
    /// No event loop.
    #[error("cannot start the event loop: {0}")]
    Runtime(std::io::Error),
    /// `--timeout` is over.
    #[error("timed out after {} s", .0.as_secs())]
    TimedOut(Duration),
}

/// Something wrong with an object, before it is sent anywhere.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct SpecFault(Fault);

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fault(SpecFault(fault).into())
    }
}

impl From<ClusterError> for Error {
    fn from(error: ClusterError) -> Self {
        Self::Cluster(error.into())
    }
}

impl From<Unverified> for Error {
    fn from(unverified: Unverified) -> Self {
        Self::Unverified(unverified.into())
    }
}

impl From<KeyFault> for Error {
    fn from(fault: KeyFault) -> Self {
        Self::PublicKey(fault.into())
    }
}

impl Error {
    /// How a command ends that fails so.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Fault(_) => Exit::Different,
            Self::Tried { source, .. } if source.class() == Class::Denied => Exit::Different,
            Self::Cluster(error) if error.is_refusal() => Exit::Different,
            Self::Unverified(unverified) if unverified.is_refusal() => Exit::Different,
            _ => Exit::Failed,
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }

    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::File { what, path: path.into(), source }
    }
}

/// Puts the command's object in front of a library's error: `push to ghcr.io/org/app:v2 failed: …`.
pub(crate) trait Doing<T> {
    /// Names what the command was doing on what.
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> Doing<T> for Result<T, oci_registry::Error> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Registry { doing: what(), source })
    }
}

impl<T> Doing<T> for Result<T, archive::Error> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Archive { doing: what(), source })
    }
}

impl<T> Doing<T> for Result<T, manifest::Error> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Manifest { doing: what(), source })
    }
}

impl Classify for Error {
    fn reason(&self) -> &'static str {
        match self {
            Self::Usage { .. } | Self::Reference(_) | Self::Tag(_) | Self::Filter(_) => "UsageInvalid",
            Self::Archive { source, .. } => source.reason(),
            Self::Place(source) => source.reason(),
            Self::Store(source) => source.reason(),
            Self::Credentials { cause, .. } => cause.reason(),
            Self::Registry { source, .. } | Self::Login { source, .. } | Self::Tried { source, .. } => {
                source.reason()
            }
            Self::Manifest { source, .. } => source.reason(),
            Self::PrivateKey { source, .. } | Self::Signing { source, .. } => source.reason(),
            Self::PublicKey(fault) => fault.error.reason(),
            Self::TrustRoot { source, .. } => source.reason(),
            Self::TrustPolicy { source, .. } => source.reason(),
            Self::Certificate(fault) => fault.error.reason(),
            Self::Unverified(unverified) => unverified.reason(),
            Self::File { .. } => "FileFailed",
            Self::Document { .. } => "DocumentInvalid",
            Self::Origin(source) => source.reason(),
            Self::Fault(fault) => fault.0.code.as_str(),
            Self::Cluster(source) => source.reason(),
            Self::Stopped(_) | Self::Runtime(_) => "InternalError",
            Self::TimedOut(_) => "Timeout",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Archive { source, .. } => source.class(),
            Self::Place(source) => source.class(),
            Self::Store(source) => source.class(),
            Self::Credentials { cause, .. } => cause.class(),
            Self::Registry { source, .. } | Self::Login { source, .. } | Self::Tried { source, .. } => {
                source.class()
            }
            Self::Manifest { source, .. } => source.class(),
            Self::Origin(source) => source.class(),
            Self::Cluster(source) => source.class(),
            Self::PrivateKey { source, .. } | Self::Signing { source, .. } => source.class(),
            Self::PublicKey(fault) => fault.error.class(),
            Self::TrustRoot { source, .. } => source.class(),
            Self::TrustPolicy { source, .. } => source.class(),
            Self::Certificate(fault) => fault.error.class(),
            Self::Unverified(unverified) => unverified.class(),
            Self::TimedOut(_) => Class::Retry { after: None },
            Self::Usage { .. }
            | Self::Reference(_)
            | Self::Tag(_)
            | Self::Filter(_)
            | Self::File { .. }
            | Self::Document { .. }
            | Self::Fault(_)
            | Self::Stopped(_)
            | Self::Runtime(_) => Class::Terminal,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } | Self::Document { hint, .. } => hint.clone(),
            Self::Reference(source) => source.hint(),
            Self::Archive { source, .. } => source.hint(),
            Self::Place(source) => source.hint(),
            Self::Store(source) => source.hint(),
            Self::Credentials { cause, .. } => cause.hint(),
            Self::Login { source, .. } if source.class() == Class::Denied => Some(
                "check user and password; many registries take an access token in place of the password"
                    .into(),
            ),
            Self::Tried { source, known: true, .. } if source.class() == Class::Denied => Some(
                "the registry knows this account, but the account may not do this: give it the right, or log in as \
                 another one"
                    .into(),
            ),
            Self::Registry { source, .. } | Self::Login { source, .. } | Self::Tried { source, .. } => {
                source.hint()
            }
            Self::Manifest { source, .. } => source.hint(),
            Self::Origin(source) => source.hint(),
            Self::Fault(fault) => fault.0.hint.clone(),
            Self::Cluster(source) => source.hint(),
            Self::PrivateKey { source, .. } | Self::Signing { source, .. } => source.hint(),
            Self::PublicKey(fault) => fault.error.hint(),
            Self::TrustRoot { source, .. } => source.hint(),
            Self::TrustPolicy { source, .. } => source.hint(),
            Self::Certificate(fault) => fault.error.hint(),
            Self::Unverified(unverified) => unverified.hint(),
            Self::Filter(source) => source.hint(),
            Self::TimedOut(_) => Some("allow more time with `--timeout`".into()),
            Self::Tag(_) | Self::File { .. } | Self::Stopped(_) | Self::Runtime(_) => None,
        }
    }
}
