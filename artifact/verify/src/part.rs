//! The parts that a signature is made of, as reasons name them.

use std::fmt;

/// A part of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The layer as a whole.
    Signature,
    /// What was signed.
    Payload,
    /// The statement in an envelope.
    Statement,
    /// The bundle around everything.
    Bundle,
    /// The bytes that a key made.
    SignatureValue,
    /// The signer's certificate.
    Certificate,
    /// The certificates above it.
    Chain,
    /// What a log says.
    LogEntry,
    /// What an authority of time says.
    Timestamp,
    /// A `trusted_root.json`.
    TrustRoot,
    /// What an encrypted key, or a Notation signature, is in.
    Envelope,
    /// The signed attributes of a Notation signature.
    Attributes,
    /// A `trustpolicy.json`.
    TrustPolicy,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signature => "signature",
            Self::Payload => "payload",
            Self::Statement => "statement",
            Self::Bundle => "bundle",
            Self::SignatureValue => "signature's value",
            Self::Certificate => "certificate",
            Self::Chain => "certificate chain",
            Self::LogEntry => "log entry",
            Self::Timestamp => "timestamp",
            Self::TrustRoot | Self::TrustPolicy => "file",
            Self::Envelope => "envelope",
            Self::Attributes => "list of signed attributes",
        })
    }
}
