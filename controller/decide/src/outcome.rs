//! What came of a plan.

use oci_crds::{v1::Artifact, validate::Fault};

use crate::{Failure, Resolved};

/// What came of a plan.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Nothing was done: suspended.
    Suspended,
    /// The files of the deleted object are gone.
    Forgotten,
    /// The spec cannot be run.
    Refused(Refusal),
    /// The stored artifact is the wanted one.
    Kept(Resolved),
    /// A new artifact was stored.
    Stored {
        /// Which one.
        resolved: Resolved,
        /// What the status says about it from now on; its `url` is filled in by [`conclude`](crate::conclude).
        artifact: Box<Artifact>,
    },
    /// A step failed.
    Failed {
        /// Which one and why.
        failure: Failure,
        /// What was wanted, if that is known.
        resolved: Option<Resolved>,
    },
}

/// Why a spec cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Faults, at least one of which makes it unusable.
    Faults(Vec<Fault>),
}
