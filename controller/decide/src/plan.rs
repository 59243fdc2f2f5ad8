//! What is done next.

use oci_artifact::name::{Revision, Tag};

use crate::{Observed, Refusal};

/// What is done next with an object.
#[derive(Clone, Debug)]
pub enum Plan {
    /// It is suspended.
    Nothing,
    /// It is being deleted: its files go first, then its finalizer.
    Forget,
    /// It cannot be run.
    Refuse(Refusal),
    /// The registry is asked which artifact is the wanted one; then it is decided again.
    Resolve,
    /// The stored artifact is the wanted one.
    Keep(Resolved),
    /// The wanted artifact is fetched and stored.
    Fetch(Resolved),
}

/// Which artifact is the wanted one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Its tag and digest.
    pub revision: Revision,
    /// For people: how it was chosen.
    pub choice: Choice,
}

/// How an artifact was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The spec has the digest.
    Digest,
    /// The spec has the tag.
    Tag,
    /// The highest version of a range.
    Range {
        /// Tags that the repository has.
        tags: usize,
        /// Tags that are in the range and that the filter lets pass.
        matching: usize,
        /// The next lower ones, at most three.
        runners_up: Vec<Tag>,
    },
}

/// Decides. `resolved` is what the registry said, once it was asked in this run.
pub fn decide(observed: &Observed, resolved: Option<&Resolved>) -> Plan {
    let _ = (observed, resolved);
    Plan::Nothing
}
