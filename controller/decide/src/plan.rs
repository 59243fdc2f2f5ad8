//! What is done next.

use oci_artifact::name::{Revision, Tag};
use oci_crds::{
    conditions::condition::SOURCE_VERIFIED,
    v1::{LayerSelector, Spec, Status},
    validate::{Kind, Selection},
};

use crate::{Observed, Refusal, Stored, conditions::TRUE};

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
    /// What signatures are verified by is read; then it is decided again.
    Trust(Resolved),
    /// The wanted artifact's signature is verified; then it is decided again.
    Verify(Resolved),
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
    /// What is known of its signature, once that was asked for in this run.
    pub signature: Option<Signature>,
}

/// What is known of an artifact's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Tells apart what signatures are verified by, as Flux's `status.sourceVerificationFingerprint`.
    pub fingerprint: String,
    /// What verifying it by just that came to in this run, if that was done.
    pub judged: Option<Judged>,
}

/// What a signature came to by which an artifact may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It counts.
    Verified {
        /// What is wrong with it and let pass, for people.
        let_pass: Option<String>,
    },
    /// The policy does not ask whose it is, Flux's "ignored": nothing is verified.
    Ignored {
        /// Why, for people.
        why: String,
    },
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

/// Decides. `resolved` is what the registry said, once it was asked in this run. Where the spec has the digest, nobody
/// is asked.
///
/// The annotation with the platform has no counterpart in the status: a changed one is applied with the next revision.
pub fn decide(observed: &Observed, resolved: Option<&Resolved>) -> Plan {
    if observed.deleting {
        return Plan::Forget;
    }
    let Observed { spec, status, report, .. } = observed;
    if spec.suspend == Some(true) {
        return Plan::Nothing;
    }
    let Some(checked) = &report.checked else {
        let unusable = report.faults.iter().filter(|fault| fault.kind == Kind::Unusable);
        return Plan::Refuse(Refusal::Faults(unusable.cloned().collect()));
    };
    let wanted = match (&checked.selection, resolved) {
        (Selection::Digest(digest), _) => {
            let revision = Revision { tag: None, digest: digest.clone() };
            match resolved {
                Some(known) if known.revision == revision => known.clone(),
                Some(_) | None => Resolved { revision, choice: Choice::Digest, signature: None },
            }
        }
        (Selection::Range { .. } | Selection::Tag(_), Some(resolved)) => resolved.clone(),
        (Selection::Range { .. } | Selection::Tag(_), None) => return Plan::Resolve,
    };
    if spec.verify.is_some() {
        match &wanted.signature {
            None => return Plan::Trust(wanted),
            Some(signature)
                if signature.judged.is_none() && !is_verified(observed, &wanted.revision, signature) =>
            {
                return Plan::Verify(wanted);
            }
            Some(_) => {}
        }
    }
    if observed.stored == Stored::Whole && has_revision(status, &wanted.revision) && is_content(status, spec)
    {
        Plan::Keep(wanted)
    } else {
        Plan::Fetch(wanted)
    }
}

/// What the condition says of an artifact whose signature was verified: Flux's text.
pub(crate) fn verified_message(revision: &Revision) -> String {
    format!("verified signature of revision {revision}")
}

/// Whether an earlier run verified just this revision, for this generation and by the same keys, certificates and roots.
///
/// Flux goes by the revision of the stored artifact. The one that was verified last may be another: it was verified by
/// new keys and then could not be fetched.
fn is_verified(observed: &Observed, revision: &Revision, signature: &Signature) -> bool {
    let Observed { status, generation, .. } = observed;
    let mut conditions = status.conditions.iter().flatten();
    has_revision(status, revision)
        && status.source_verification_fingerprint.as_deref() == Some(&signature.fingerprint)
        && conditions.any(|condition| {
            condition.type_ == SOURCE_VERIFIED
                && condition.status == TRUE
                && condition.observed_generation == Some(*generation)
                && condition.message == verified_message(revision)
        })
}

/// Whether the artifact in the status is of this revision: tag and digest, as Flux compares. A tag alone that changed
/// leads to a new artifact too, because consumers go by the whole revision.
pub(crate) fn has_revision(status: &Status, wanted: &Revision) -> bool {
    let stored = status.artifact.as_ref().and_then(|artifact| Revision::parse(&artifact.revision).ok());
    stored.as_ref() == Some(wanted)
}

/// Whether the stored artifact was made as the spec says. Layer selectors are compared by their meaning: `{}` and
/// nothing, and `extract` and no operation, are the same.
fn is_content(status: &Status, spec: &Spec) -> bool {
    status.observed_ignore == spec.ignore
        && layer(status.observed_layer_selector.as_ref()) == layer(spec.layer_selector.as_ref())
}

/// Media type (empty: the first layer) and operation.
fn layer(selector: Option<&LayerSelector>) -> (&str, &str) {
    let media_type = selector.and_then(|selector| selector.media_type.as_deref());
    let operation = selector.and_then(|selector| selector.operation.as_deref());
    (media_type.unwrap_or_default(), operation.filter(|text| !text.is_empty()).unwrap_or("extract"))
}
