//! Where credentials come from.

use std::{fmt, future::Future, pin::Pin};

use oci_artifact::{Class, Classify, name::Repository};

use super::Credential;

/// A credential and where it was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The credential.
    pub credential: Credential,
    /// A file, a helper or a flag, for messages.
    pub origin: String,
}

/// What a lookup returns.
pub type SourceFuture<'a> = Pin<Box<dyn Future<Output = Result<Found, SourceError>> + Send + 'a>>;

/// Finds the credential for a repository. "None here" is [`Credential::Anonymous`], not an error.
pub trait CredentialSource: Send + Sync {
    /// Looks the credential up. Called when the registry asks for one.
    fn credential<'a>(&'a self, repository: &'a Repository) -> SourceFuture<'a>;
}

/// An error of any source, with its classification.
pub struct SourceError(Box<dyn Classified>);

trait Classified: std::error::Error + Classify + Send + Sync {}

impl<T: std::error::Error + Classify + Send + Sync> Classified for T {}

impl SourceError {
    /// Wraps the error of a source.
    pub fn new(error: impl std::error::Error + Classify + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Debug for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Classify for SourceError {
    fn reason(&self) -> &'static str {
        self.0.reason()
    }

    fn class(&self) -> Class {
        self.0.class()
    }

    fn hint(&self) -> Option<String> {
        self.0.hint()
    }
}

/// No credentials.
#[derive(Clone, Copy, Debug)]
pub struct Anonymous;

impl CredentialSource for Anonymous {
    fn credential<'a>(&'a self, _: &'a Repository) -> SourceFuture<'a> {
        Box::pin(async {
            Ok(Found { credential: Credential::Anonymous, origin: "no credentials were given".into() })
        })
    }
}

/// One credential for every registry that is asked, such as `--creds`.
#[derive(Clone, Debug)]
pub struct Fixed(
    /// What is given out.
    pub Found,
);

impl CredentialSource for Fixed {
    fn credential<'a>(&'a self, _: &'a Repository) -> SourceFuture<'a> {
        Box::pin(async { Ok(self.0.clone()) })
    }
}
