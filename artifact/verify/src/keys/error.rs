//! Why a public key cannot be used.

use oci_artifact::{
    Class, Classify,
    limits::{PUBLIC_KEY_BYTES, PUBLIC_KEYS},
};

/// An entry that is not used as a key, or not whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("public key `{name}`: {error}")]
pub struct KeyFault {
    /// The entry's name.
    pub name: String,
    /// What is wrong with it.
    pub error: KeyError,
}

/// Why a public key cannot be used. Never contains what was in the entry: it may be a private key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// More keys than are tried.
    #[error("only the first {PUBLIC_KEYS} keys are used")]
    TooMany,
    /// More bytes than are read.
    #[error("it is larger than {PUBLIC_KEY_BYTES} bytes")]
    TooLarge,
    /// No PEM at all.
    #[error("it has no PEM block")]
    NoPem,
    /// A private key.
    #[error("it is a private key, which does not belong here")]
    PrivateKey,
    /// A certificate.
    #[error("it is a certificate, not a public key")]
    Certificate,
    /// Something else.
    #[error("it is a `{0}`, not a public key")]
    Label(String),
    /// A block whose bytes cannot be read.
    #[error("its PEM block is broken")]
    Base64,
    /// No public key inside the block.
    #[error("its block is no public key: {0}")]
    Malformed(String),
    /// A kind of key that is not verified.
    #[error("{0} keys are not supported")]
    Kind(String),
    /// A curve that is not verified.
    #[error("ECDSA keys on the curve {0} are not supported")]
    Curve(String),
    /// A key that can be broken, or takes too long.
    #[error("RSA keys of {0} bits are not supported")]
    RsaBits(usize),
    /// Blocks behind the first.
    #[error("only the first of its PEM blocks is used, {0} are not")]
    Unread(usize),
}

impl Classify for KeyError {
    fn reason(&self) -> &'static str {
        match self {
            Self::TooMany => "KeyTooMany",
            Self::TooLarge => "KeyTooLarge",
            Self::PrivateKey => "KeyIsPrivate",
            Self::Certificate => "KeyIsCertificate",
            Self::NoPem | Self::Label(_) | Self::Base64 | Self::Malformed(_) => "KeyMalformed",
            Self::Kind(_) | Self::Curve(_) | Self::RsaBits(_) => "KeyUnsupported",
            Self::Unread(_) => "KeyUnread",
        }
    }

    fn class(&self) -> Class {
        Class::Terminal
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::TooMany => "use fewer keys, or one object for each group of signers",
            Self::PrivateKey => {
                "remove it, make a new pair if others could read it, and put the public key there (`cosign public-key`)"
            }
            Self::Certificate => {
                "put its public key there: `openssl x509 -pubkey -noout`; certificates of a Sigstore are verified by identity"
            }
            Self::Unread(_) => "put each key into an entry of its own",
            Self::Kind(_) | Self::Curve(_) | Self::RsaBits(_) => {
                "use ECDSA on P-256 or P-384, Ed25519, or RSA of 2048 bits and more"
            }
            _ => "write the public key as PEM, as `cosign public-key` does",
        };
        Some(hint.to_owned())
    }
}
