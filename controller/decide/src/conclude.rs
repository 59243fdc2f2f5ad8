//! From an outcome to what the world is told.

use oci_crds::v1::Status;

use crate::{Next, Notice, Observed, Outcome, Resolved};

/// What follows from a run.
#[derive(Clone, Debug)]
pub struct Conclusion {
    /// The whole status, as it should be.
    pub status: Status,
    /// What is told.
    pub notices: Vec<Notice>,
    /// When the object is looked at again.
    pub next: Next,
    /// Failed runs in a row, with this one.
    pub failures: u32,
}

/// What follows from a run.
pub fn conclude(observed: &Observed, outcome: &Outcome) -> Conclusion {
    let _ = outcome;
    Conclusion { status: observed.status.clone(), notices: Vec::new(), next: Next::Never, failures: 0 }
}

/// The status of a run that takes longer than a moment: what it is about. `resolved` is known after the registry was
/// asked.
pub fn progress(observed: &Observed, resolved: Option<&Resolved>) -> Status {
    let _ = resolved;
    observed.status.clone()
}
