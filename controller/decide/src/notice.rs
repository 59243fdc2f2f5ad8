//! What people and other controllers are told: an event, and a notification.

use std::collections::BTreeMap;

use oci_crds::{
    conditions::{Reason, action, metadata},
    v1::Artifact,
};

use crate::{Judged, Observed, Resolved, plan::verified_message, text::bounded};

/// Annotations of manifests that say where the content is from.
const ORIGIN_SOURCE: &str = "org.opencontainers.image.source";
const ORIGIN_REVISION: &str = "org.opencontainers.image.revision";

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `Normal`, severity `info`.
    Normal,
    /// `Warning`, severity `error`.
    Warning,
}

/// One thing that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How bad it is.
    pub kind: Kind,
    /// The event's reason.
    pub reason: Reason,
    /// What was done, for notifications.
    pub action: &'static str,
    /// The sentence.
    pub message: String,
    /// Annotations of the event, and metadata of the notification.
    pub metadata: BTreeMap<String, String>,
}

impl Notice {
    /// A new artifact is there.
    pub(crate) fn stored(observed: &Observed, artifact: &Artifact) -> Self {
        let url = observed.spec.url.as_deref().unwrap_or_default();
        let mut message = format!("stored artifact with revision '{}' from '{url}'", artifact.revision);
        if let (Some(source), Some(revision)) =
            (annotation(artifact, ORIGIN_SOURCE), annotation(artifact, ORIGIN_REVISION))
        {
            message = format!("{message}, origin source '{source}', origin revision '{revision}'");
        }
        Self::about(observed, artifact, Reason::NewArtifact, &message)
    }

    /// What failed before works again; the artifact is the one that was there.
    pub(crate) fn recovered(observed: &Observed, artifact: &Artifact, message: &str) -> Self {
        Self::about(observed, artifact, Reason::Succeeded, message)
    }

    /// What the policy of the signature does not insist on, if there is such.
    pub(crate) fn lenient(observed: &Observed, artifact: &Artifact, resolved: &Resolved) -> Option<Self> {
        let revision = &resolved.revision;
        let message = match resolved.signature.as_ref()?.judged.as_ref()? {
            Judged::Verified { let_pass: None } => return None,
            Judged::Verified { let_pass: Some(what) } => {
                format!("{}; let pass: {what}", verified_message(revision))
            }
            Judged::Ignored { why } => format!("signature of revision {revision} is not verified: {why}"),
        };
        Some(Self::about(observed, artifact, Reason::VerificationLenient, &message))
    }

    fn about(observed: &Observed, artifact: &Artifact, reason: Reason, message: &str) -> Self {
        let mut all = BTreeMap::from([
            (metadata::REVISION.to_owned(), artifact.revision.clone()),
            (metadata::DIGEST.to_owned(), artifact.digest.clone()),
        ]);
        if let Some(revision) = annotation(artifact, ORIGIN_REVISION) {
            all.insert(metadata::ORIGIN_REVISION.to_owned(), bounded(revision));
        }
        all.extend(observed.event_annotations.clone());
        Self {
            kind: Kind::Normal,
            reason,
            action: action::RECONCILE,
            message: bounded(message),
            metadata: all,
        }
    }

    /// Something is wrong.
    pub(crate) fn warning(observed: &Observed, reason: Reason, action: &'static str, message: &str) -> Self {
        let metadata = observed.event_annotations.clone();
        Self { kind: Kind::Warning, reason, action, message: bounded(message), metadata }
    }
}

/// What the manifest says, unless it is empty.
fn annotation<'a>(artifact: &'a Artifact, name: &str) -> Option<&'a str> {
    let value = artifact.metadata.as_ref()?.get(name)?;
    Some(value.as_str()).filter(|value| !value.is_empty())
}
