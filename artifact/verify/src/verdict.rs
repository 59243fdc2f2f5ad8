//! What [`verify`](crate::verify) and [`verify_notation`](crate::verify_notation) came to.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use oci_artifact::name::Digest;

use crate::{Check, Reason};

/// Reasons in a text: all of them would not fit into a condition.
const SHOWN: usize = 8;

/// What is known about an artifact's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Who should have signed it did.
    Verified(Verified),
    /// There is no signature.
    NotSigned,
    /// There are signatures, or there is a policy, and none of them will do.
    Rejected(Rejected),
    /// Somebody could not be asked who may have had the signature.
    Unavailable(Unavailable),
    /// The policy does not ask who signed it: the artifact may be used, and is not verified. Notation only.
    Ignored(Ignored),
}

/// A signature that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whose it is.
    pub by: By,
    /// When it was made at the latest, if somebody trusted says so.
    pub when: Option<Timestamp>,
    /// What proves it.
    pub how: How,
    /// What was refused on the way: broken keys, other signatures.
    pub refused: Vec<Refusal>,
    /// The level by which it counts, as the trust policy names it. Notation only.
    pub level: Option<&'static str>,
    /// What is wrong with it, and let pass by that level. Notation only.
    pub let_pass: Vec<LetPass>,
}

/// Why an artifact may be used that is not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// The name of the statement of the trust policy that says so.
    pub statement: String,
    /// What is wrong with the signature, and let pass by the statement's level; nothing where nothing was looked at.
    pub let_pass: Vec<LetPass>,
    /// What was refused on the way: broken certificates, other signatures.
    pub refused: Vec<Refusal>,
}

/// What failed, and is told only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetPass {
    /// The check.
    pub check: Check,
    /// Why it failed.
    pub reason: Reason,
}

/// Whose a signature is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// The owner of a key.
    Key {
        /// The key's name.
        name: String,
        /// Key and hash, such as `ECDSA P-256, SHA-256`.
        algorithm: &'static str,
    },
    /// The owner of an identity.
    Identity {
        /// Who vouches for the identity.
        issuer: String,
        /// The identity.
        subject: String,
    },
    /// The owner of a certificate of Notation.
    Certificate {
        /// The subject of the certificate.
        subject: String,
        /// The digest of the certificate.
        digest: Digest,
    },
}

/// What proves a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct How {
    /// The format.
    pub format: Format,
    /// What a log says about it.
    pub log: Log,
    /// Whether the certificate is in a log of certificates.
    pub certificate_logged: bool,
    /// Whether an authority stamped it with the time.
    pub timestamped: bool,
}

/// The format of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// A Sigstore bundle.
    Bundle,
    /// Cosign's old format.
    Legacy,
    /// Notation's, as JSON.
    NotationJws,
    /// Notation's, as CBOR.
    NotationCose,
    /// Notation's, as something else.
    Notation,
}

/// What a log says about a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// It was not asked.
    Unasked,
    /// It promised to take the signature in.
    Promise,
    /// It has the signature.
    Inclusion,
}

/// Why nothing counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Each signature's reason, and the policy's own faults.
    pub refused: Vec<Refusal>,
    /// Signatures that were not looked at, because there are too many.
    pub unseen: usize,
}

/// Why nothing is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// What could not be reached, and why.
    pub why: Vec<String>,
    /// How long somebody asked to wait, at most.
    pub after: Option<Duration>,
    /// What was found, and does not count.
    pub rejected: Rejected,
}

/// Why something does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What.
    pub about: About,
    /// Why.
    pub reason: Reason,
}

/// What a reason is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The policy.
    Policy,
    /// A key of the policy.
    Key(String),
    /// A certificate of the policy.
    Certificate(String),
    /// A signature.
    Signature {
        /// Its format.
        format: Format,
        /// The digest of its layer.
        digest: Digest,
    },
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy => f.write_str("policy"),
            Self::Key(name) => write!(f, "key `{name}`"),
            Self::Certificate(name) => write!(f, "certificate `{name}`"),
            Self::Signature { format, digest } => write!(f, "{format} {}", digest.short()),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bundle => "bundle",
            Self::Legacy => "signature",
            Self::NotationJws => "JWS signature",
            Self::NotationCose => "COSE signature",
            Self::Notation => "Notation signature",
        })
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { name, algorithm } => write!(f, "key `{name}` ({algorithm})"),
            Self::Identity { issuer, subject } => write!(f, "{subject} of {issuer}"),
            Self::Certificate { subject, digest } => write!(f, "{subject} (certificate {})", digest.short()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.about, self.reason)
    }
}

impl fmt::Display for LetPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.reason)
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the trust policy's statement `{}`", self.statement)?;
        if self.let_pass.is_empty() {
            return f.write_str(" skips verification");
        }
        f.write_str(" lets pass: ")?;
        listed(f, &self.let_pass)
    }
}

/// The first of many.
fn listed(f: &mut fmt::Formatter<'_>, all: &[impl fmt::Display]) -> fmt::Result {
    for (index, one) in all.iter().take(SHOWN).enumerate() {
        write!(f, "{}{one}", if index == 0 { "" } else { "; " })?;
    }
    match all.len().checked_sub(SHOWN) {
        Some(more @ 1..) => write!(f, "; and {more} more"),
        _ => Ok(()),
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        listed(f, &self.refused)?;
        if self.unseen > 0 {
            write!(f, "; {} more signatures were not looked at", self.unseen)?;
        }
        Ok(())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verified(verified) => {
                write!(f, "signed by {}", verified.by)?;
                if verified.let_pass.is_empty() {
                    return Ok(());
                }
                f.write_str("; let pass: ")?;
                listed(f, &verified.let_pass)
            }
            Self::Ignored(ignored) => write!(f, "not verified: {ignored}"),
            Self::NotSigned => f.write_str("no signature was found"),
            Self::Rejected(rejected) => write!(f, "no signature counts: {rejected}"),
            Self::Unavailable(unavailable) => {
                write!(f, "signatures could not be looked up: {}", unavailable.why.join("; "))?;
                let rejected = &unavailable.rejected;
                if !rejected.refused.is_empty() {
                    write!(f, "; of those found none counts: {rejected}")?;
                }
                Ok(())
            }
        }
    }
}
