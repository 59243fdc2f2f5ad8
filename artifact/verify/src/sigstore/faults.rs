//! The faults of the Sigstore crates, each as the check that failed. Nothing decides on their texts.

use sigstore_verify::{CertificateError, Error, TimestampError, TransparencyLogError, bundle};

use crate::{Part, Reason, reason::excerpt};

/// The reason behind a fault, after the digest of the artifact was compared.
pub(super) fn reason(error: &Error) -> Reason {
    match error {
        Error::SignatureInvalid(detail) => Reason::Signature(excerpt(detail)),
        // What was signed is about this artifact, so it is the log's entry that is not.
        Error::ArtifactMismatch(detail) => Reason::LogEntry(excerpt(detail)),
        Error::Certificate(error) => certificate(error),
        Error::TransparencyLog(error) => log(error),
        Error::Timestamp(error) => timestamp(error),
        Error::Bundle(error) => shape(error),
        Error::UnsupportedBundle(detail) | Error::UnsupportedArtifact(detail) => {
            Reason::Unsupported(excerpt(detail))
        }
        Error::Crypto(error) => Reason::malformed(Part::Certificate, error),
        other => Reason::malformed(Part::Bundle, other),
    }
}

fn certificate(error: &CertificateError) -> Reason {
    match error {
        CertificateError::ChainInvalid(detail) => Reason::Chain(excerpt(detail)),
        CertificateError::NoValidAuthority { time } => Reason::NoAuthority(*time),
        CertificateError::Sct(detail) => Reason::CertificateLog(excerpt(detail)),
        other => Reason::malformed(Part::Certificate, other),
    }
}

fn log(error: &TransparencyLogError) -> Reason {
    match error {
        TransparencyLogError::UnknownLog { log_id } => Reason::UnknownLog(excerpt(log_id)),
        TransparencyLogError::InclusionProof(detail) => Reason::LogProof(excerpt(detail)),
        TransparencyLogError::Checkpoint(detail) => Reason::Checkpoint(excerpt(detail)),
        TransparencyLogError::InclusionPromise(detail) => Reason::LogPromise(excerpt(detail)),
        TransparencyLogError::EntryMismatch(detail) => Reason::LogEntry(excerpt(detail)),
        other => Reason::malformed(Part::LogEntry, other),
    }
}

fn timestamp(error: &TimestampError) -> Reason {
    match error {
        TimestampError::NoVerifiedTimestamp(_) => Reason::NoTime,
        other => Reason::Timestamp(excerpt(&other.to_string())),
    }
}

fn shape(error: &bundle::Error) -> Reason {
    match error {
        bundle::Error::MissingInclusionProof(_) => Reason::NoLogProof,
        bundle::Error::MissingSigningTimeEvidence => Reason::NoTime,
        bundle::Error::MissingCheckpoint | bundle::Error::CheckpointRootMismatch => {
            Reason::Checkpoint(error.to_string())
        }
        bundle::Error::LogIndexOutOfRange { .. } => Reason::LogProof(error.to_string()),
        other => Reason::malformed(Part::Bundle, other),
    }
}
