//! What [`verify`](crate::verify) came to.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use oci_artifact::name::Digest;

use crate::Reason;

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
            Self::Signature { format, digest } => write!(f, "{format} {}", digest.short()),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bundle => "bundle",
            Self::Legacy => "signature",
        })
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { name, algorithm } => write!(f, "key `{name}` ({algorithm})"),
            Self::Identity { issuer, subject } => write!(f, "{subject} of {issuer}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.about, self.reason)
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, refusal) in self.refused.iter().take(SHOWN).enumerate() {
            write!(f, "{}{refusal}", if index == 0 { "" } else { "; " })?;
        }
        if let Some(more @ 1..) = self.refused.len().checked_sub(SHOWN) {
            write!(f, "; and {more} more")?;
        }
        if self.unseen > 0 {
            write!(f, "; {} more signatures were not looked at", self.unseen)?;
        }
        Ok(())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verified(verified) => write!(f, "signed by {}", verified.by),
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
