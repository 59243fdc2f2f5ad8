//! A status while it is written.

use oci_crds::{
    conditions::{
        Reason,
        condition::{ARTIFACT_IN_STORAGE, ARTIFACT_OUTDATED, READY, RECONCILING, SOURCE_VERIFIED},
    },
    v1::Status,
};

use crate::{
    Judged, Observed, Resolved, Stored,
    conditions::{Conditions, FALSE, TRUE},
    plan::{has_revision, verified_message},
};

/// A status while it is written. Its own conditions are in [`Draft::conditions`] until it is finished.
pub(crate) struct Draft<'a> {
    observed: &'a Observed,
    pub(crate) status: Status,
    pub(crate) conditions: Conditions,
}

impl<'a> Draft<'a> {
    /// From what is there, without what is not so any more.
    pub(crate) fn new(observed: &'a Observed) -> Self {
        let mut status = observed.status.clone();
        let mut conditions = Conditions::new(status.conditions.take(), observed.generation, observed.now);
        if observed.stored != Stored::Whole {
            status.artifact = None;
            conditions.remove(ARTIFACT_IN_STORAGE);
            conditions.remove(ARTIFACT_OUTDATED);
        }
        if observed.spec.verify.is_none() {
            status.source_verification_fingerprint = None;
            conditions.remove(SOURCE_VERIFIED);
        }
        Self { observed, status, conditions }
    }

    fn url(&self) -> &'a str {
        self.observed.spec.url.as_deref().unwrap_or_default()
    }

    /// A signature that was not verified in an earlier run says nothing about this one.
    pub(crate) fn forget_refutation(&mut self) {
        if self.conditions.is(SOURCE_VERIFIED, FALSE) {
            self.conditions.remove(SOURCE_VERIFIED);
        }
    }

    /// What came of the signature in this run, if it was looked at. Where the policy asks for nobody's, nothing that was
    /// said before holds. Whether that is news.
    pub(crate) fn judged(&mut self, resolved: Option<&Resolved>) -> bool {
        let Some(Resolved { revision, signature: Some(signature), .. }) = resolved else { return false };
        match &signature.judged {
            None => false,
            Some(Judged::Verified { .. }) => {
                let message = verified_message(revision);
                let before = self.conditions.says(SOURCE_VERIFIED, TRUE, Reason::Succeeded, &message);
                self.conditions.set(SOURCE_VERIFIED, TRUE, Reason::Succeeded, &message);
                self.status.source_verification_fingerprint = Some(signature.fingerprint.clone());
                !before
            }
            Some(Judged::Ignored { .. }) => {
                let before = self.conditions.is(SOURCE_VERIFIED, TRUE);
                self.conditions.remove(SOURCE_VERIFIED);
                self.status.source_verification_fingerprint = None;
                before
            }
        }
    }

    /// Whether the registry has another artifact than the one that is stored, if that is known.
    pub(crate) fn outdated(&mut self, resolved: Option<&Resolved>) {
        let Some(Resolved { revision, .. }) = resolved else {
            return;
        };
        if self.status.artifact.is_none() || has_revision(&self.status, revision) {
            self.conditions.remove(ARTIFACT_OUTDATED);
        } else {
            let message = format!("new revision '{revision}' for '{}'", self.url());
            self.conditions.set(ARTIFACT_OUTDATED, TRUE, Reason::NewRevision, &message);
        }
    }

    /// What the run is about.
    pub(crate) fn under_way(&self, resolved: Option<&Resolved>) -> String {
        let Observed { generation, status, .. } = self.observed;
        match resolved {
            Some(Resolved { revision, .. }) if !has_revision(&self.status, revision) => {
                format!("building artifact: new revision '{revision}' for '{}'", self.url())
            }
            Some(_) => "building artifact".to_owned(),
            None if status.observed_generation != Some(*generation) => {
                format!("reconciling new object generation ({generation})")
            }
            None if self.status.artifact.is_none() => "building artifact".to_owned(),
            None => "reconciliation in progress".to_owned(),
        }
    }

    /// Whether the conditions say so already.
    pub(crate) fn is_under_way(&self, message: &str) -> bool {
        let mut reasons = [Reason::Progressing, Reason::ProgressingWithRetry].into_iter();
        !self.conditions.is(READY, TRUE)
            && reasons.any(|reason| self.conditions.says(RECONCILING, TRUE, reason, message))
    }

    /// The status. Where artifacts are served may have changed since it was last written.
    pub(crate) fn finish(self) -> Status {
        let Observed { settings, namespace, name, .. } = self.observed;
        let advertised = &settings.advertised;
        let mut status = Status { conditions: Some(self.conditions.finish()), ..self.status };
        status.url = status.artifact.as_mut().map(|artifact| {
            artifact.url = format!("{advertised}/{}", artifact.path);
            format!("{advertised}/ocirepository/{namespace}/{name}/latest.tar.gz")
        });
        status
    }
}
