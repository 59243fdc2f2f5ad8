//! Where credentials come from.

use std::{fmt, future::Future, pin::Pin};

use oci_artifact::{Class, Classify, name::Repository};
use tokio::time::Instant;

use super::Credential;

/// A credential and where it was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The credential.
    pub credential: Credential,
    /// A file, a helper or a flag, for messages.
    pub origin: String,
    /// Set where the credential was made from an identity, for this purpose and a short time.
    pub minted: Option<Minted>,
}

/// When a credential was made, and until when it is good.
///
/// Such a credential is shown over TLS only, as a bearer token only to a registry that asks for one, and made anew when
/// the registry refuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minted {
    /// When it was made.
    pub at: Instant,
    /// When to stop using it.
    pub until: Instant,
}

/// A place that has no credential for a repository, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// A file, a helper or a flag.
    pub source: String,
    /// Such as `no entry for r.example`.
    pub why: String,
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.why)
    }
}

/// What a look-up came to: what was found, and who was asked before and had nothing.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    /// `None` means to be anonymous.
    pub found: Option<Found>,
    /// In the order in which they were asked.
    pub passed: Vec<Passed>,
}

impl Lookup {
    /// A credential that somebody keeps.
    pub fn kept(credential: Credential, origin: impl Into<String>) -> Self {
        Self::from(Found { credential, origin: origin.into(), minted: None })
    }

    /// Nothing, and why.
    pub fn nothing(source: impl Into<String>, why: impl Into<String>) -> Self {
        Self { found: None, passed: vec![Passed { source: source.into(), why: why.into() }] }
    }

    /// What is shown to the registry.
    pub fn credential(&self) -> &Credential {
        self.found.as_ref().map_or(&Credential::Anonymous, |found| &found.credential)
    }

    /// Whether what was found can no longer be used.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.minted().is_some_and(|minted| minted.until <= now)
    }

    /// Whether what was found was made from an identity.
    pub(crate) fn is_minted(&self) -> bool {
        self.minted().is_some()
    }

    /// When and for how long the credential was made.
    pub(crate) fn minted(&self) -> Option<Minted> {
        self.found.as_ref().and_then(|found| found.minted)
    }
}

impl From<Found> for Lookup {
    fn from(found: Found) -> Self {
        Self { found: Some(found), passed: Vec::new() }
    }
}

/// `basic(user), ~/.docker/config.json` or `anonymous: ` and who had nothing; never a secret.
impl fmt::Display for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(found) = &self.found {
            return write!(f, "{:?}, {}", found.credential, found.origin);
        }
        f.write_str("anonymous")?;
        for (index, passed) in self.passed.iter().enumerate() {
            write!(f, "{} {passed}", if index == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

/// What a source returns.
pub type SourceFuture<'a> = Pin<Box<dyn Future<Output = Result<Lookup, SourceError>> + Send + 'a>>;

/// Finds the credential for a repository. To have none is no error.
pub trait CredentialSource: Send + Sync {
    /// Looks the credential up. Called when the registry asks for one, and not again while it is good.
    fn credential<'a>(&'a self, repository: &'a Repository) -> SourceFuture<'a>;

    /// The registry refused what was minted for the repository then: it must not be given out again.
    fn refused(&self, repository: &Repository, minted: Minted) {
        let _ = (repository, minted);
    }
}

/// An error of any source, with its classification.
pub struct SourceError {
    error: Box<dyn Classified>,
    passed: Vec<Passed>,
}

trait Classified: std::error::Error + Classify + Send + Sync {}

impl<T: std::error::Error + Classify + Send + Sync> Classified for T {}

impl SourceError {
    /// Wraps the error of a source.
    pub fn new(error: impl std::error::Error + Classify + Send + Sync + 'static) -> Self {
        Self { error: Box::new(error), passed: Vec::new() }
    }

    /// Says who was asked before and had nothing.
    #[must_use]
    pub fn after(mut self, mut passed: Vec<Passed>) -> Self {
        passed.append(&mut self.passed);
        self.passed = passed;
        self
    }

    /// Who was asked before and had nothing, in the order in which they were asked.
    pub fn passed(&self) -> &[Passed] {
        &self.passed
    }
}

impl fmt::Debug for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.error, f)
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl Classify for SourceError {
    fn reason(&self) -> &'static str {
        self.error.reason()
    }

    fn class(&self) -> Class {
        self.error.class()
    }

    fn hint(&self) -> Option<String> {
        self.error.hint()
    }
}

/// No credentials.
#[derive(Clone, Copy, Debug)]
pub struct Anonymous;

impl CredentialSource for Anonymous {
    fn credential<'a>(&'a self, _: &'a Repository) -> SourceFuture<'a> {
        Box::pin(async { Ok(Lookup::default()) })
    }
}

/// A source that is left out, and why: for those who wonder why it was not asked.
#[derive(Clone, Debug)]
pub struct LeftOut(Passed);

impl LeftOut {
    /// `source` is left out because of `why`.
    pub fn new(source: impl Into<String>, why: impl Into<String>) -> Self {
        Self(Passed { source: source.into(), why: why.into() })
    }
}

impl CredentialSource for LeftOut {
    fn credential<'a>(&'a self, _: &'a Repository) -> SourceFuture<'a> {
        Box::pin(async { Ok(Lookup { found: None, passed: vec![self.0.clone()] }) })
    }
}

/// One credential for every registry that is asked, such as `--creds`.
#[derive(Clone, Debug)]
pub struct Fixed {
    credential: Credential,
    origin: String,
}

impl Fixed {
    /// Gives out `credential`; `origin` says where it is from, for messages.
    pub fn new(credential: Credential, origin: impl Into<String>) -> Self {
        Self { credential, origin: origin.into() }
    }
}

impl CredentialSource for Fixed {
    fn credential<'a>(&'a self, _: &'a Repository) -> SourceFuture<'a> {
        Box::pin(async { Ok(Lookup::kept(self.credential.clone(), self.origin.as_str())) })
    }
}
