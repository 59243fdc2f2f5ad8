//! From an outcome to what the world is told.

use oci_crds::{
    conditions::{
        Reason, action,
        condition::{
            ARTIFACT_IN_STORAGE, ARTIFACT_OUTDATED, FETCH_FAILED, READY, RECONCILING, SOURCE_VERIFIED,
            STALLED, STORAGE_OPERATION_FAILED,
        },
    },
    v1::{Artifact, Status},
    validate::Fault,
};

use crate::{
    Failure, Next, Notice, Observed, Outcome, Refusal, Resolved, Stored,
    conditions::{FALSE, TRUE, UNKNOWN},
    draft::Draft,
    schedule,
    text::bounded,
};

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
///
/// Whatever came of it, the status promises no artifact that is not there, and a run that ends as the one before leaves
/// the status as it was.
pub fn conclude(observed: &Observed, outcome: &Outcome) -> Conclusion {
    let mut conclusion = match outcome {
        Outcome::Suspended => untouched(observed),
        // The object goes, and its status with it.
        Outcome::Forgotten => return untouched(observed),
        Outcome::Refused(refusal) => refused(observed, refusal),
        Outcome::Kept(resolved) => succeeded(observed, resolved, None),
        Outcome::Stored { resolved, artifact } => succeeded(observed, resolved, Some(artifact)),
        Outcome::Failed { failure, resolved } => failed(observed, failure, resolved.as_ref()),
    };
    // Also an empty one: somebody waits until the value is here.
    if let Some(requested) = &observed.requested_at {
        conclusion.status.last_handled_reconcile_at = Some(requested.clone());
    }
    conclusion
}

/// The status of a run that takes longer than a moment: what it is about. `resolved` is known after the registry was
/// asked.
///
/// A run that tries again what failed before is no news: what the status says already is left as it is.
pub fn progress(observed: &Observed, resolved: Option<&Resolved>) -> Status {
    let mut draft = Draft::new(observed);
    draft.outdated(resolved);
    let message = draft.under_way(resolved);
    if !draft.is_under_way(&message) {
        draft.conditions.set(RECONCILING, TRUE, Reason::Progressing, &message);
        draft.conditions.set(READY, UNKNOWN, Reason::Progressing, &message);
    }
    draft.conditions.remove(STALLED);
    draft.finish()
}

fn untouched(observed: &Observed) -> Conclusion {
    Conclusion { status: observed.status.clone(), notices: Vec::new(), next: Next::Never, failures: 0 }
}

fn succeeded(observed: &Observed, resolved: &Resolved, stored: Option<&Artifact>) -> Conclusion {
    let mut draft = Draft::new(observed);
    let recovered =
        [FETCH_FAILED, STORAGE_OPERATION_FAILED].iter().any(|kind| draft.conditions.is(kind, TRUE));
    for kind in [FETCH_FAILED, STORAGE_OPERATION_FAILED, ARTIFACT_OUTDATED, RECONCILING, STALLED] {
        draft.conditions.remove(kind);
    }
    draft.forget_refutation();
    let judged_anew = draft.judged(Some(resolved));
    let message = format!("stored artifact for digest '{}'", resolved.revision);
    draft.conditions.set(ARTIFACT_IN_STORAGE, TRUE, Reason::Succeeded, &message);
    draft.conditions.sum_up();

    if let Some(artifact) = stored {
        draft.status.artifact = Some(Artifact { checksum: None, ..artifact.clone() });
    }
    draft.status.content_config_checksum = None;
    draft.status.observed_generation = Some(observed.generation);
    draft.status.observed_ignore.clone_from(&observed.spec.ignore);
    draft.status.observed_layer_selector.clone_from(&observed.spec.layer_selector);
    let status = draft.finish();

    let mut notices = damage(observed);
    let before = observed.status.artifact.as_ref().map(|artifact| &artifact.digest);
    if let Some(artifact) = &status.artifact {
        if before != Some(&artifact.digest) {
            notices.push(Notice::stored(observed, artifact));
        } else if recovered {
            notices.push(Notice::recovered(observed, artifact, &message));
        }
        if stored.is_some() || judged_anew {
            notices.extend(Notice::lenient(observed, artifact, resolved));
        }
    }
    Conclusion { status, notices, next: schedule::regular(observed), failures: 0 }
}

fn failed(observed: &Observed, failure: &Failure, resolved: Option<&Resolved>) -> Conclusion {
    let meaning = failure.step.meaning();
    let mut message = failure.sentence(observed);
    let next = schedule::retry(observed, failure);
    let failures = observed.failures.saturating_add(1);
    let warning = |message: &str| Notice::warning(observed, meaning.reason, meaning.action, message);
    let Some(kind) = meaning.condition else {
        // No status remembers it, so that it is told once only.
        let notices = if observed.failures == 0 { vec![warning(&message)] } else { Vec::new() };
        return Conclusion { notices, next, failures, ..untouched(observed) };
    };
    let mut draft = Draft::new(observed);
    let mut notices = damage(observed);
    let status = if kind == SOURCE_VERIFIED { FALSE } else { TRUE };
    if kind == SOURCE_VERIFIED
        && let Some(artifact) = &draft.status.artifact
    {
        message = bounded(&format!("{message}; what is stored stays served: '{}'", artifact.revision));
    }
    if !draft.conditions.says(kind, status, meaning.reason, &message) {
        notices.push(warning(&message));
    }
    draft.outdated(resolved);
    let progress = draft.under_way(resolved);
    // The one is tried before the other: only the last one is known to be so.
    for kind in [FETCH_FAILED, STORAGE_OPERATION_FAILED].iter().filter(|other| **other != kind) {
        draft.conditions.remove(kind);
    }
    // One that is repeated stays as it is, with its time, so that nothing is written.
    if kind != SOURCE_VERIFIED {
        draft.forget_refutation();
    }
    draft.judged(resolved);
    draft.conditions.set(kind, status, meaning.reason, &message);
    draft.conditions.remove(STALLED);
    draft.conditions.set(RECONCILING, TRUE, Reason::ProgressingWithRetry, &progress);
    draft.conditions.sum_up();
    Conclusion { status: draft.finish(), notices, next, failures }
}

fn refused(observed: &Observed, refusal: &Refusal) -> Conclusion {
    let Refusal::Faults(faults) = refusal;
    let (reason, message) = (reason_of(faults), listed(faults));
    let mut draft = Draft::new(observed);
    let mut notices = damage(observed);
    if !draft.conditions.says(STALLED, TRUE, reason, &message) {
        notices.push(Notice::warning(observed, reason, action::RECONCILE, &message));
    }
    for gone in [STORAGE_OPERATION_FAILED, RECONCILING] {
        draft.conditions.remove(gone);
    }
    draft.forget_refutation();
    draft.conditions.set(FETCH_FAILED, TRUE, reason, &message);
    draft.conditions.set(STALLED, TRUE, reason, &message);
    draft.conditions.sum_up();
    draft.status.observed_generation = Some(observed.generation);
    Conclusion { status: draft.finish(), notices, next: Next::Never, failures: 0 }
}

fn reason_of(faults: &[Fault]) -> Reason {
    let url = faults.iter().any(|fault| fault.path.as_str() == "spec.url");
    if url { Reason::UrlInvalid } else { Reason::SpecInvalid }
}

/// All faults in one message, each with what to do about it.
fn listed(faults: &[Fault]) -> String {
    let one = |fault: &Fault| match &fault.hint {
        Some(hint) => format!("{fault} ({hint})"),
        None => fault.to_string(),
    };
    bounded(&faults.iter().map(one).collect::<Vec<_>>().join("; "))
}

/// That the stored file was not the one that was stored.
fn damage(observed: &Observed) -> Vec<Notice> {
    let Stored::Damaged(what) = &observed.stored else {
        return Vec::new();
    };
    let message = format!("failed to verify artifact: {what}");
    let reason = Reason::ArtifactVerificationFailed;
    vec![Notice::warning(observed, reason, action::RECONCILE_STORAGE, &message)]
}
