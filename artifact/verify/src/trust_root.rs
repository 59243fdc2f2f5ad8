//! Authorities and logs by which signatures without keys are verified.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use jiff::civil::{Date, date};

use oci_artifact::{
    Class, Classify,
    limits::{AUTHORITIES, TRUSTED_ROOT_BYTES},
    name::Digest,
};

use crate::{Part, Reason, json, sigstore::Root};

/// A trust root, parsed once and shared.
#[derive(Debug)]
pub struct TrustRoot {
    root: Root,
    digest: Digest,
}

/// Why a `trusted_root.json` cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustRootError {
    /// More bytes than are read.
    #[error("trusted root: it is larger than {TRUSTED_ROOT_BYTES} bytes")]
    TooLarge,
    /// No JSON, or JSON that readers understand differently.
    #[error("trusted root: {0}")]
    Json(Reason),
    /// Something else.
    #[error("trusted root: the type `{0}` is not supported")]
    MediaType(String),
    /// More authorities than are tried.
    #[error("trusted root: it has more than {AUTHORITIES} authorities or logs of a kind")]
    TooMany,
    /// Nobody gives certificates.
    #[error("trusted root: it has no certificate authority, so nobody could have signed")]
    NoAuthority,
    /// Nobody knows when something was signed.
    #[error(
        "trusted root: it has neither a transparency log nor a timestamp authority, so nobody says when something was signed"
    )]
    NoTime,
    /// A part of it is wrong.
    #[error("trusted root: it cannot be used: {0}")]
    Unusable(String),
    /// It is to be had from somewhere, and was not yet.
    #[error("trusted root: it was not fetched yet, so nobody is trusted")]
    Awaited,
}

impl TrustRoot {
    /// Reads a `trusted_root.json`: that of a Sigstore of one's own, or a newer one of the public Sigstore.
    ///
    /// What it has decides what is asked for: without logs of certificates their entries are not, without transparency
    /// logs a timestamp is.
    pub fn parse(bytes: &[u8]) -> Result<Self, TrustRootError> {
        if bytes.len() > TRUSTED_ROOT_BYTES {
            return Err(TrustRootError::TooLarge);
        }
        json::unique(bytes, Part::TrustRoot).map_err(TrustRootError::Json)?;
        let text = std::str::from_utf8(bytes)
            .map_err(|error| TrustRootError::Json(Reason::malformed(Part::TrustRoot, &error)))?;
        Ok(Self { root: Root::parse(text)?, digest: Digest::of(bytes) })
    }

    /// When the public Sigstore wrote the root that is built in.
    pub const PUBLIC_DATE: Date = date(2026, 8, 21);

    /// The public Sigstore's, as it was when this program was built.
    pub fn public() -> Result<Arc<Self>, TrustRootError> {
        static PUBLIC: OnceLock<Result<Arc<TrustRoot>, TrustRootError>> = OnceLock::new();
        PUBLIC.get_or_init(|| Self::parse(Root::public().as_bytes()).map(Arc::new)).clone()
    }

    /// The digest of its bytes: two roots with the same one are the same.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    pub(crate) fn root(&self) -> &Root {
        &self.root
    }
}

/// The root for whoever names none. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct CommonRoot(Arc<RwLock<Now>>);

/// What it is now.
#[derive(Debug, Default)]
enum Now {
    /// The public Sigstore's, as built in.
    #[default]
    BuiltIn,
    /// Another one.
    Other(Arc<TrustRoot>),
    /// None yet.
    Awaited,
}

impl CommonRoot {
    /// None, until there is one: for roots that are not the public Sigstore's.
    pub fn awaited() -> Self {
        Self(Arc::new(RwLock::new(Now::Awaited)))
    }

    /// What is verified by from now on.
    pub fn replace(&self, root: Arc<TrustRoot>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Now::Other(root);
    }

    /// The root of this moment.
    pub fn get(&self) -> Result<Arc<TrustRoot>, TrustRootError> {
        match &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            Now::BuiltIn => TrustRoot::public(),
            Now::Other(root) => Ok(Arc::clone(root)),
            Now::Awaited => Err(TrustRootError::Awaited),
        }
    }
}

impl Classify for TrustRootError {
    fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge | Self::TooMany => "TrustRootTooLarge",
            Self::Json(_) | Self::MediaType(_) | Self::Unusable(_) => "TrustRootMalformed",
            Self::NoAuthority | Self::NoTime => "TrustRootIncomplete",
            Self::Awaited => "TrustRootAwaited",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Awaited => Class::Retry { after: None },
            _ => Class::Terminal,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoAuthority | Self::NoTime => {
                "add what is missing; `cosign trusted-root create` writes such a file of certificates and keys"
            }
            Self::Awaited => "see the controller's log for why, or name a trusted root of the object's own",
            _ => {
                "write the file with `cosign trusted-root create`, or take it from the repository of your Sigstore"
            }
        };
        Some(hint.to_owned())
    }
}
