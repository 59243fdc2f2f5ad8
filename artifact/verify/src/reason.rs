//! Why a signature does not count, or a policy cannot be used: one variant for each check.

use std::fmt;

use jiff::Timestamp;
use oci_artifact::{Class, Classify, name::Digest};

use crate::{KeyError, NotationReason, Part};

/// Why a signature does not count, or a policy cannot be used. Texts inside come from outside and are bounded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    // --- the policy
    /// It has no key that can be used.
    #[error("no public key can be used")]
    NoKeys,
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It allows nobody.
    #[error("nobody is allowed to sign: the list of identities is empty")]
    NoIdentities,

    // --- size and shape
    /// More than is read.
    #[error("the {part} is larger than the limit of {limit}")]
    TooLarge {
        /// What.
        part: Part,
        /// The most that is read: bytes, or pieces.
        limit: usize,
    },
    /// The layer is not what a signature's layer is.
    #[error("media type `{0}` is no signature's")]
    MediaType(String),
    /// Other bytes came than the descriptor says.
    #[error("the signature's bytes have the digest {actual}, not {expected}")]
    BlobDigest {
        /// By the descriptor.
        expected: Digest,
        /// Of what came.
        actual: Digest,
    },
    /// The manifest around it belongs to something else.
    #[error("it is attached to {0}, not to this artifact")]
    Subject(String),
    /// A list of manifests where a signature's manifest belongs.
    #[error("an index stands where the signature's manifest belongs")]
    Index,
    /// A part that cannot be done without.
    #[error("the {0} is missing")]
    Missing(Part),
    /// Unreadable.
    #[error("the {part} cannot be read: {fault}")]
    Malformed {
        /// What.
        part: Part,
        /// What is wrong with it.
        fault: String,
    },
    /// JSON that readers understand differently.
    #[error("the {part} names the key `{key}` twice")]
    DoubleKey {
        /// What.
        part: Part,
        /// The key.
        key: String,
    },

    // --- what was signed
    /// Another artifact.
    #[error("it was made for another artifact: {0}")]
    OtherArtifact(String),
    /// Something else than an image, by `critical.type`.
    #[error("`critical.type` is `{0}`, not that of a signature")]
    PayloadKind(String),
    /// The envelope holds something else than a statement.
    #[error("payload type `{0}` is not that of a statement")]
    PayloadType(String),
    /// A statement of another version.
    #[error("statement type `{0}` is not supported")]
    StatementType(String),
    /// A statement, but no signature: provenance, a bill of materials.
    #[error("it says something about the artifact (`{0}`), which is no signature")]
    PredicateType(String),
    /// A statement about more or less than one thing.
    #[error("the statement has {0} subjects instead of one")]
    Subjects(usize),

    // --- bundles
    /// A version that is not verified.
    #[error("bundles of the type `{0}` are not supported")]
    BundleVersion(String),
    /// Bytes were signed, not a statement.
    #[error("the bundle has no envelope but signs bytes, as for files")]
    MessageSignature,
    /// More or less than one signature.
    #[error("the envelope has {0} signatures instead of one")]
    EnvelopeSignatures(usize),
    /// A chain where one certificate belongs.
    #[error("the bundle has a chain of certificates instead of one")]
    ChainInBundle,

    // --- keys and certificates
    /// Made with a certificate, where a key is asked for.
    #[error("it was made with a certificate, not with a key")]
    CertificateForKeys,
    /// Made with a key, where a certificate is asked for.
    #[error("it was made with a key, not with a certificate")]
    KeyForIdentities,
    /// None of the keys made it.
    #[error("it was made by none of the keys {}", .0.join(", "))]
    NoKeyMatches(Vec<String>),
    /// The key in the certificate did not make it.
    #[error("it was not made with the key of its certificate: {0}")]
    Signature(String),
    /// The certificate is not for signing.
    #[error("the certificate's key usage has no digital signature")]
    KeyUsage,
    /// The certificate is for something else than code.
    #[error("the certificate's extended key usage has no code signing")]
    ExtendedKeyUsage,
    /// Nobody trusted gave it.
    #[error("the certificate leads to no trusted authority: {0}")]
    Chain(String),
    /// Nobody trusted gave any at that time.
    #[error("no authority was trusted at {0}")]
    NoAuthority(Timestamp),
    /// The certificate did not hold when it was used.
    #[error("it was made at {at}, its certificate holds from {from} to {until}")]
    OutsideCertificate {
        /// When the signature was made.
        at: Timestamp,
        /// The first moment.
        from: Timestamp,
        /// The last.
        until: Timestamp,
    },
    /// The certificate is in no trusted log.
    #[error("the certificate is in no trusted log: {0}")]
    CertificateLog(String),
    /// The certificate names nobody.
    #[error("the certificate names no {0}")]
    NoIdentity(&'static str),
    /// An identity that only looks like one.
    #[error("the certificate's {0} has other characters than visible ASCII")]
    IdentityCharacters(&'static str),
    /// Somebody else.
    #[error("{subject} of {issuer} signed it, who is not among the allowed")]
    Identity {
        /// Who vouches.
        issuer: String,
        /// Who it is.
        subject: String,
    },

    // --- logs
    /// No log says anything.
    #[error("no log entry comes with it")]
    NoLogEntry,
    /// A log says something without proof.
    #[error("a log entry comes without its proof of inclusion")]
    NoLogProof,
    /// A log that is not trusted.
    #[error("its log {0} is not trusted")]
    UnknownLog(String),
    /// The proof proves nothing.
    #[error("the log does not have it: {0}")]
    LogProof(String),
    /// The state of the log is not signed by the log.
    #[error("the log's checkpoint is wrong: {0}")]
    Checkpoint(String),
    /// The promise is not the log's.
    #[error("the log's promise is wrong: {0}")]
    LogPromise(String),
    /// The entry is about something else.
    #[error("the log entry is about another signature: {0}")]
    LogEntry(String),

    // --- time
    /// Nobody trusted says when.
    #[error("nobody trusted says when it was made")]
    NoTime,
    /// Somebody says later than now.
    #[error("it was made in the future, at {at}")]
    Future {
        /// When the signature says it was made.
        at: Timestamp,
    },
    /// A timestamp is not what it should be.
    #[error("a timestamp is wrong: {0}")]
    Timestamp(String),

    /// What is said of Notation's signatures only.
    #[error(transparent)]
    Notation(#[from] NotationReason),

    /// What is sound perhaps, and not verified here.
    #[error("not supported: {0}")]
    Unsupported(String),
}

impl Reason {
    /// A part that cannot be read; the fault is cut to a length fit for a status.
    pub(crate) fn malformed(part: Part, fault: &impl fmt::Display) -> Self {
        Self::Malformed { part, fault: excerpt(&fault.to_string()) }
    }
}

/// At most 200 characters of foreign text, control characters escaped.
pub(crate) fn excerpt(text: &str) -> String {
    const MOST: usize = 200;
    let mut out: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() {
        out.push('…');
    }
    out
}

impl Classify for Reason {
    fn reason(&self) -> &'static str {
        match self {
            Self::NoKeys => "NoKeys",
            Self::Key(error) => error.reason(),
            Self::NoIdentities => "NoIdentities",
            Self::TooLarge { .. } => "SignatureTooLarge",
            Self::MediaType(_) => "SignatureMediaType",
            Self::BlobDigest { .. } => "SignatureDigest",
            Self::Subject(_) => "SignatureSubject",
            Self::Index => "SignatureIndex",
            Self::Missing(_) => "SignatureIncomplete",
            Self::Malformed { .. } => "SignatureMalformed",
            Self::DoubleKey { .. } => "SignatureAmbiguous",
            Self::OtherArtifact(_) => "OtherArtifact",
            Self::PayloadKind(_) | Self::PayloadType(_) | Self::StatementType(_) | Self::MessageSignature => {
                "NoArtifactSignature"
            }
            Self::PredicateType(_) => "Attestation",
            Self::Subjects(_) | Self::EnvelopeSignatures(_) | Self::ChainInBundle => "BundleShape",
            Self::BundleVersion(_) => "BundleVersion",
            Self::CertificateForKeys => "CertificateForKeys",
            Self::KeyForIdentities => "KeyForIdentities",
            Self::NoKeyMatches(_) => "OtherKey",
            Self::Signature(_) => "SignatureInvalid",
            Self::KeyUsage | Self::ExtendedKeyUsage => "CertificateUsage",
            Self::Chain(_) | Self::NoAuthority(_) => "CertificateUntrusted",
            Self::OutsideCertificate { .. } => "CertificateExpired",
            Self::CertificateLog(_) => "CertificateUnlogged",
            Self::NoIdentity(_) | Self::IdentityCharacters(_) => "CertificateIdentity",
            Self::Identity { .. } => "OtherIdentity",
            Self::NoLogEntry | Self::NoLogProof => "Unlogged",
            Self::UnknownLog(_) => "UnknownLog",
            Self::LogProof(_) | Self::Checkpoint(_) | Self::LogPromise(_) => "LogInvalid",
            Self::LogEntry(_) => "LogMismatch",
            Self::NoTime => "NoTime",
            Self::Future { .. } => "FutureTime",
            Self::Timestamp(_) => "TimestampInvalid",
            Self::Notation(reason) => reason.reason(),
            Self::Unsupported(_) => "SignatureUnsupported",
        }
    }

    fn class(&self) -> Class {
        Class::Terminal
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Key(error) => return error.hint(),
            Self::Notation(reason) => return reason.hint(),
            Self::NoKeys => "put a public key as PEM into an entry whose name ends in `.pub`",
            Self::NoIdentities => "say in `matchOIDCIdentity` who may sign",
            Self::BundleVersion(_) => "sign again with a current cosign, which writes bundles of version 0.3",
            Self::NoLogEntry | Self::NoLogProof => {
                "sign again with the log switched on; logs are never asked for what does not come with a signature"
            }
            Self::KeyForIdentities => "name the Secret with the public key in `spec.verify.secretRef`",
            Self::CertificateForKeys => {
                "verify by identity: `spec.verify.matchOIDCIdentity` without `secretRef`"
            }
            Self::UnknownLog(_) | Self::Chain(_) | Self::NoAuthority(_) => {
                "for a Sigstore of your own, name its `trusted_root.json` in `spec.verify.trustedRootSecretRef`"
            }
            Self::Future { .. } => "compare the clocks of this computer and of the signer's log",
            Self::NoKeyMatches(keys) if keys.iter().any(|key| key.contains("Ed25519")) => {
                "Ed25519ph, as cosign makes with such keys for files, is not supported; sign with Ed25519 or ECDSA"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
