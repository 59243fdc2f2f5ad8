//! Why a Notation signature does not count: what is said of no other format.

use jiff::Timestamp;
use oci_artifact::{Class, Classify};

use super::{CertificateError, SubjectError};

/// Why a Notation signature does not count. Texts inside come from outside and are bounded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotationReason {
    // --- the policy
    /// No statement is about the repository.
    #[error("no statement of the trust policy is about {0}")]
    NoStatement(String),
    /// A certificate of the Secret cannot be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),

    // --- the envelope
    /// The signature is of a kind that there is not.
    #[error("the signing scheme `{0}` is not supported")]
    Scheme(String),
    /// An attribute that is missing, or must not be there.
    #[error("the attribute `{name}` {fault}")]
    Attribute {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// Something critical that is not understood.
    #[error("the attribute `{0}` is critical and not understood")]
    Critical(String),
    /// Something of a plugin.
    #[error("it can be verified only by the plugin that its attribute `{0}` names; there are no plugins")]
    Plugin(&'static str),
    /// Another algorithm than the key calls for.
    #[error("it says that it was made with {said}, the key of its certificate is for {due}")]
    Algorithm {
        /// By the envelope.
        said: String,
        /// By the key.
        due: &'static str,
    },
    /// A key that Notation does not have.
    #[error("a key of the kind {0} is not for Notation")]
    Key(String),

    // --- the chain
    /// More certificates than are read, or none.
    #[error("its chain has {0} certificates")]
    ChainLength(usize),
    /// A certificate that the next one did not issue.
    #[error("`{certificate}` was not issued by `{issuer}`, which comes next")]
    NotIssued {
        /// Whose.
        certificate: String,
        /// By whom it should be.
        issuer: String,
    },
    /// The chain does not end.
    #[error("its chain ends with `{0}`, which is not self-signed")]
    NoRoot(String),
    /// The chain goes on behind its end.
    #[error("its chain goes on behind `{0}`, which is self-signed")]
    BehindRoot(String),
    /// A certificate that is for something else.
    #[error("the certificate `{certificate}` {fault}")]
    Usage {
        /// Whose.
        certificate: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A certificate with something critical that is not understood.
    #[error("the certificate `{certificate}` has the critical extension {oid}, which is not understood")]
    Extension {
        /// Whose.
        certificate: String,
        /// Its number.
        oid: String,
    },

    // --- who
    /// The statement has no store for such signatures.
    #[error("the statement `{statement}` names no trust store of the type `{kind}`")]
    NoStore {
        /// Its name.
        statement: String,
        /// The type.
        kind: &'static str,
    },
    /// There is nobody to trust.
    #[error("the policy has no certificate that can be used")]
    NoCertificates,
    /// Nobody trusted.
    #[error("none of its certificates is trusted; its root is `{0}`")]
    Untrusted(String),
    /// Somebody else.
    #[error("`{0}` signed it, who is not among the trusted identities")]
    Identity(String),
    /// The subject is no name.
    #[error("the subject of its certificate cannot be compared with the trusted identities: {0}")]
    Subject(#[from] SubjectError),

    // --- when
    /// The signer's own limit has passed.
    #[error("it expired at {0}")]
    Expired(Timestamp),
    /// A certificate does not hold.
    #[error("the certificate `{certificate}` holds from {from} to {until}, not at {at}")]
    Outside {
        /// Whose.
        certificate: String,
        /// When it was looked at, or may have been.
        at: Timestamp,
        /// The first moment.
        from: Timestamp,
        /// The last.
        until: Timestamp,
    },
    /// Nobody says when.
    #[error("it has no timestamp, which the trust policy asks for")]
    NoTimestamp,
    /// The timestamp is not what it should be.
    #[error("its timestamp {0}")]
    Timestamp(TimestampFault),

    /// Nobody looks whether the certificate was taken back.
    #[error(
        "whether the certificate `{certificate}` was revoked, {source_kind} would say, which is not asked"
    )]
    Revocation {
        /// Whose.
        certificate: String,
        /// Where it would be said: `OCSP` or `CRL`.
        source_kind: &'static str,
    },
}

/// What is wrong with a timestamp.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampFault {
    /// No token.
    #[error("cannot be read: {0}")]
    Malformed(String),
    /// A token of something else.
    #[error("is about something else than a time: {0}")]
    ContentType(String),
    /// A version that is not read.
    #[error("has a version that is not supported")]
    Version,
    /// More or less than one signer.
    #[error("has {0} signers instead of one")]
    Signers(usize),
    /// A hash that is not used.
    #[error("uses the algorithm {0}, which is not supported")]
    Algorithm(String),
    /// About another signature.
    #[error("is about another signature")]
    Imprint,
    /// It does not say with which certificate it was made, in the way that RFC 5816 asks for.
    #[error("does not name its certificate by `signing-certificate-v2`")]
    NoSigningCertificate,
    /// The certificate that it names does not come along, or another one does.
    #[error("does not come with the certificate that it names")]
    SigningCertificate,
    /// What was signed is not what it says.
    #[error("has another content than was signed")]
    Digest,
    /// Not made by its certificate.
    #[error("was not made with the key of its certificate")]
    Signature,
    /// Nobody trusted.
    #[error("was made by `{0}`, which leads to no trusted certificate")]
    Untrusted(String),
}

impl Classify for NotationReason {
    fn reason(&self) -> &'static str {
        match self {
            Self::NoStatement(_) => "NoTrustPolicy",
            Self::Certificate(error) => error.reason(),
            Self::Scheme(_) | Self::Attribute { .. } => "SignatureMalformed",
            Self::Critical(_) | Self::Plugin(_) => "SignatureUnsupported",
            Self::Algorithm { .. } | Self::Key(_) => "SignatureAlgorithm",
            Self::ChainLength(_) | Self::NotIssued { .. } | Self::NoRoot(_) | Self::BehindRoot(_) => {
                "CertificateChain"
            }
            Self::Usage { .. } | Self::Extension { .. } => "CertificateUsage",
            Self::NoStore { .. } | Self::NoCertificates => "NoTrustedCertificates",
            Self::Untrusted(_) => "CertificateUntrusted",
            Self::Identity(_) | Self::Subject(_) => "OtherIdentity",
            Self::Expired(_) => "SignatureExpired",
            Self::Outside { .. } => "CertificateExpired",
            Self::NoTimestamp => "NoTime",
            Self::Timestamp(_) => "TimestampInvalid",
            Self::Revocation { .. } => "RevocationUnknown",
        }
    }

    fn class(&self) -> Class {
        Class::Terminal
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Certificate(error) => return error.hint(),
            Self::NoStatement(_) => "add the repository to `registryScopes` of a statement, or `*`",
            Self::NoStore { .. } => {
                "name such a store in `trustStores`; its certificates are those of the Secret"
            }
            Self::NoCertificates => {
                "put the root's certificate into an entry whose name ends in `.crt` or `.pem`"
            }
            Self::Untrusted(_) => "put the root's certificate into the Secret",
            Self::Plugin(_) => "sign without a plugin that has to verify as well",
            Self::Revocation { .. } => {
                "to accept that, override `revocation` with `log` or `skip` in the trust policy; \
                 timestamps are under `authenticTimestamp`"
            }
            Self::Expired(_) => "sign again",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
