//! What makes a trust policy or a certificate of it unusable.

use oci_artifact::{
    Class, Classify,
    limits::{CERTIFICATE_BYTES, TRUST_POLICY_BYTES, TRUST_STATEMENTS, TRUSTED_CERTIFICATES},
};

use super::SubjectError;
use crate::Reason;

/// Why a trust policy cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustPolicyError {
    /// The Secret has none.
    #[error("trust policy: the entry `trustpolicy.json` is missing")]
    Missing,
    /// More bytes than are read.
    #[error("trust policy: it is larger than {TRUST_POLICY_BYTES} bytes")]
    TooLarge,
    /// No JSON, a field that is unknown, or JSON that readers understand differently.
    #[error("trust policy: {0}")]
    Json(Reason),
    /// A version that is not read.
    #[error("trust policy: version `{0}` is not supported; `1.0` is")]
    Version(String),
    /// It says nothing.
    #[error("trust policy: it has no statement")]
    NoStatements,
    /// More statements than are read.
    #[error("trust policy: it has more than {TRUST_STATEMENTS} statements")]
    TooMany,
    /// A statement has no name.
    #[error("trust policy: a statement has no name")]
    Unnamed,
    /// Two statements of one name.
    #[error("trust policy: two statements have the name `{0}`")]
    DoubleName(String),
    /// Two statements about one repository.
    #[error("trust policy: two statements are about `{0}`")]
    DoubleScope(String),
    /// A statement cannot be used.
    #[error("trust policy: statement `{name}`: {fault}")]
    Statement {
        /// Its name.
        name: String,
        /// What is wrong with it.
        fault: StatementFault,
    },
}

/// What is wrong with a statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementFault {
    /// No level.
    #[error("`signatureVerification.level` is missing")]
    NoLevel,
    /// A level that there is not.
    #[error("level `{0}` is none of strict, permissive, audit, skip")]
    Level(String),
    /// Something of nothing.
    #[error("the level `skip` has nothing to override")]
    OverrideOfSkip,
    /// An override that means nothing.
    #[error("override: `{check}` {why}")]
    Override {
        /// The check.
        check: String,
        /// What is wrong.
        why: &'static str,
    },
    /// Another word.
    #[error("`verifyTimestamp` is `{0}`, not `always` or `afterCertExpiry`")]
    VerifyTimestamp(String),
    /// Nobody's certificates.
    #[error("it has no trust store")]
    NoStores,
    /// Nobody.
    #[error("it has no trusted identity")]
    NoIdentities,
    /// A store that is none.
    #[error(
        "trust store `{0}` is not `ca:NAME`, `signingAuthority:NAME` or `tsa:NAME` (letters, digits, `_.-`)"
    )]
    Store(String),
    /// Everybody and somebody.
    #[error("the trusted identity `*` cannot stand beside others")]
    AnybodyAndOthers,
    /// No kind of identity.
    #[error("trusted identity `{0}` is neither `*` nor `x509.subject:NAME`")]
    Identity(String),
    /// A name that is none.
    #[error("trusted identity `{identity}`: {error}")]
    Subject {
        /// The identity.
        identity: String,
        /// What is wrong with it.
        error: SubjectError,
    },
    /// One name within another.
    #[error("trusted identities `{0}` and `{1}` overlap")]
    Overlap(String, String),
    /// About nothing.
    #[error("it has no registry scope")]
    NoScopes,
    /// Everything and something.
    #[error("the registry scope `*` cannot stand beside others")]
    AllAndOthers,
    /// No repository.
    #[error("registry scope `{0}` is neither `*` nor a repository such as `ghcr.io/org/app`")]
    Scope(String),
    /// A repository twice.
    #[error("registry scope `{0}` is there twice")]
    DoubleScope(String),
    /// More than is read.
    #[error("it has more than {TRUST_STATEMENTS} {0}")]
    TooMany(&'static str),
}

/// An entry of the Secret with certificates that cannot be used, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFault {
    /// The name of the entry.
    pub name: String,
    /// What is wrong with it.
    pub error: CertificateError,
}

/// Why an entry with certificates cannot be used, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// More certificates than are read.
    #[error("it is beyond the limit of {TRUSTED_CERTIFICATES} certificates")]
    TooMany,
    /// More bytes than are read.
    #[error("it is larger than {CERTIFICATE_BYTES} bytes")]
    TooLarge,
    /// Something else.
    #[error("it is a `{0}`, not a certificate")]
    Label(String),
    /// PEM that is broken.
    #[error("its PEM block is broken")]
    Broken,
    /// No certificate.
    #[error("it is no certificate: {0}")]
    Malformed(String),
    /// More than one block.
    #[error("only its first PEM block is used, {0} more are not")]
    Unread(usize),
}

impl Classify for TrustPolicyError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "TrustPolicyMissing",
            Self::TooLarge | Self::TooMany => "TrustPolicyTooLarge",
            Self::Json(_) => "TrustPolicyMalformed",
            _ => "TrustPolicyInvalid",
        }
    }

    fn class(&self) -> Class {
        Class::Terminal
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing => "put Notation's trust policy into the Secret's entry `trustpolicy.json`",
            _ => "compare with https://notaryproject.dev/docs/user-guides/how-to/manage-trust-policy/",
        };
        Some(hint.to_owned())
    }
}

impl Classify for CertificateError {
    fn reason(&self) -> &'static str {
        match self {
            Self::TooMany => "CertificateTooMany",
            Self::TooLarge => "CertificateTooLarge",
            Self::Label(_) | Self::Broken | Self::Malformed(_) => "CertificateMalformed",
            Self::Unread(_) => "CertificateUnread",
        }
    }

    fn class(&self) -> Class {
        Class::Terminal
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::TooMany => "leave out certificates that nobody signs with any more",
            Self::Unread(_) => "put each certificate into an entry of its own",
            _ => "write one certificate into the entry, as PEM or DER",
        };
        Some(hint.to_owned())
    }
}
