//! Why nothing can be signed with a key.

use oci_artifact::{Class, Classify, limits::PRIVATE_KEY_BYTES};

use crate::KeyError;

/// Why nothing can be signed. Never contains what was in a key's file, nor a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// More bytes than are read.
    #[error("it is larger than {PRIVATE_KEY_BYTES} bytes")]
    TooLarge,
    /// No PEM at all.
    #[error("it has no PEM block")]
    NoPem,
    /// A public key.
    #[error("it is a public key; signing needs the private one")]
    PublicKey,
    /// Something else.
    #[error("it is a `{0}`, not a private key")]
    Label(String),
    /// A key that something else than Cosign encrypted.
    #[error("it is encrypted, but not as Cosign encrypts")]
    Foreign,
    /// A block whose bytes cannot be read.
    #[error("its PEM block is broken")]
    Base64,
    /// No private key inside.
    #[error("its block is no private key: {0}")]
    Malformed(&'static str),
    /// An envelope around an encrypted key that cannot be opened.
    #[error("the envelope around the encrypted key cannot be used: {0}")]
    Envelope(String),
    /// Another password, or other bytes than were written.
    #[error("the password is wrong, or the file is damaged")]
    Password,
    /// A kind of key whose signatures nobody verifies here.
    #[error(transparent)]
    Unsupported(KeyError),
    /// The library gave up.
    #[error("{0} failed")]
    Failed(&'static str),
    /// There is something else where signatures are.
    #[error("what is at `{place}` cannot be added to: {why}")]
    Occupied {
        /// The tag.
        place: String,
        /// Why.
        why: String,
    },
}

impl Classify for SigningError {
    fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge => "KeyTooLarge",
            Self::PublicKey => "KeyIsPublic",
            Self::NoPem | Self::Label(_) | Self::Base64 | Self::Malformed(_) | Self::Envelope(_) => {
                "KeyMalformed"
            }
            Self::Foreign => "KeyEncryption",
            Self::Password => "KeyPassword",
            Self::Unsupported(error) => error.reason(),
            Self::Failed(_) => "SigningFailed",
            Self::Occupied { .. } => "SignaturesOccupied",
        }
    }

    fn class(&self) -> Class {
        Class::Terminal
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unsupported(error) => return error.hint(),
            Self::Foreign => "make it one of Cosign's: `cosign import-key-pair --key FILE`",
            Self::Password => "the password is read from COSIGN_PASSWORD, or asked for at a terminal",
            Self::PublicKey
            | Self::NoPem
            | Self::Label(_)
            | Self::Base64
            | Self::Malformed(_)
            | Self::Envelope(_) => {
                "name the file `cosign.key` that `kubectl oci generate key-pair` or `cosign generate-key-pair` wrote"
            }
            Self::TooLarge | Self::Failed(_) | Self::Occupied { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
