//! Why a bucket does not do what it is asked.

use std::{sync::Arc, time::Duration};

use oci_artifact::{Class, Classify, name::Digest};
use oci_identity::IdentityError;
use oci_registry::{Fault, WireErrors};
use oci_source::store::{ServiceError, StoreError};

/// Why a bucket does not do what it is asked. Never contains a secret. Cheap to clone, because several may wait for one
/// answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{attempted} failed: {cause}")]
pub struct BucketError {
    /// What was attempted on what: `listing s3://artifacts/`.
    pub attempted: String,
    /// Why it failed.
    pub cause: Cause,
}

/// Why something failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Cause {
    /// The service answered with an error.
    #[error("status {status}{}", said(.words))]
    Status {
        /// The HTTP status.
        status: u16,
        /// The service's own words.
        words: WireErrors,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The service could not be reached, or was silent.
    #[error("{0}")]
    Fault(Arc<Fault>),
    /// Nobody says who we are, or the token service does not take it.
    #[error("{0}")]
    Identity(Arc<IdentityError>),
    /// The service's answer makes no sense.
    #[error("its answer is unusable: {0}")]
    Answer(&'static str),
    /// Something else is in a file than its name says.
    #[error("it has {got} instead of what its name says")]
    Damaged {
        /// The digest of what was read, or its size.
        got: String,
    },
    /// It has no place beside the bucket.
    #[error("{size} bytes do not fit into --storage-cache-size ({limit} bytes)")]
    TooLarge {
        /// Its bytes.
        size: u64,
        /// The bound.
        limit: u64,
    },
    /// The folder for temporary files.
    #[error("{0}")]
    Scratch(Arc<StoreError>),
    /// Another one leads, or might.
    #[error("this process does not lead any more")]
    NotLeading,
}

impl Cause {
    pub(super) fn during(self, attempted: impl Into<String>) -> BucketError {
        BucketError { attempted: attempted.into(), cause: self }
    }

    pub(super) fn digest(got: &Digest) -> Self {
        Self::Damaged { got: got.to_string() }
    }
}

fn said(words: &WireErrors) -> String {
    if words.is_empty() { String::new() } else { format!(": {words}") }
}

impl Classify for BucketError {
    fn reason(&self) -> &'static str {
        match &self.cause {
            Cause::Status { status: 401 | 403, .. } => "BucketDenied",
            Cause::Status { status: 404, .. } => "BucketMissing",
            Cause::Status { .. } | Cause::Answer(_) => "BucketFailed",
            Cause::Fault(fault) => fault.reason(),
            Cause::Identity(error) => error.reason(),
            Cause::Damaged { .. } => "ArtifactDamaged",
            Cause::TooLarge { .. } => "ArtifactTooLarge",
            Cause::Scratch(error) => error.reason(),
            Cause::NotLeading => "NotLeading",
        }
    }

    fn class(&self) -> Class {
        match &self.cause {
            // Whatever else is wrong with a bucket or its credentials is put right there, and nobody tells us.
            Cause::TooLarge { .. } => Class::Terminal,
            Cause::Status { retry_after, .. } => Class::Retry { after: *retry_after },
            _ => Class::Retry { after: None },
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match &self.cause {
            Cause::Status { status: 401 | 403, words, .. } if words.has("RequestTimeTooSkewed") => {
                "the clock of this computer is wrong"
            }
            Cause::Status { status: 401 | 403, .. } => {
                "the controller's identity needs the rights to read, write, delete and list in this bucket"
            }
            Cause::Status { status: 404, .. } => "create the bucket, or correct --storage-bucket",
            Cause::Status { status: 301 | 307 | 400, .. } => {
                "check --storage-bucket-region and --storage-bucket-endpoint"
            }
            Cause::Status { status: 507, .. } => "the bucket is full: free space in it, or enlarge it",
            Cause::Status { words, .. } if words.has("XMinioStorageFull") || words.has("QuotaExceeded") => {
                "the bucket is full: free space in it, or enlarge it"
            }
            Cause::TooLarge { .. } => "enlarge --storage-cache-size and the volume behind --storage-path",
            Cause::Fault(fault) => return fault.hint(),
            Cause::Identity(error) => return error.hint(),
            Cause::Scratch(error) => return error.hint(),
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

impl ServiceError for BucketError {}

impl From<BucketError> for StoreError {
    fn from(error: BucketError) -> Self {
        Self::Service(Box::new(error))
    }
}
