//! What a run tells while it is under way.

use std::sync::{Mutex, PoisonError};

use oci_artifact::{Class, Classify as _, archive::Repacked, manifest::Descriptor};
use oci_crds::validate::Operation;
use oci_decide::Resolved;
use oci_source::Progress;

/// What was told.
#[derive(Clone, Default)]
pub(super) struct Seen {
    pub(super) layer: Option<(Descriptor, Operation)>,
    pub(super) repacked: Option<Repacked>,
    /// Whether the registry gave an answer that says something about the object, and not about itself.
    pub(super) answered: Option<bool>,
}

/// Remembers it.
#[derive(Default)]
pub(super) struct Watch(Mutex<Seen>);

impl Watch {
    pub(super) fn seen(self) -> Seen {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Progress for Watch {
    fn resolved(&self, _: &Resolved) {}

    fn selected(&self, layer: &Descriptor, operation: Operation) {
        self.note(|seen| seen.layer = Some((layer.clone(), operation)));
    }

    fn repacked(&self, repacked: &Repacked) {
        self.note(|seen| seen.repacked = Some(repacked.clone()));
    }

    fn failed(&self, error: &oci_registry::Error) {
        let about_the_object =
            error.is_not_found() || matches!(error.class(), Class::Terminal | Class::Denied);
        self.note(|seen| seen.answered = Some(about_the_object));
    }
}
