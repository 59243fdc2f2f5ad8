//! Labels. Whoever adds a value adds a time series for ever.

use oci_decide::{Outcome, Step};
use prometheus_client::encoding::EncodeLabelSet;

/// The value of `controller` and `name`, as controller-runtime has it.
pub(super) const CONTROLLER: &str = "ocirepository";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Object {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) namespace: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Controller {
    pub(super) controller: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Reconciled {
    pub(super) controller: &'static str,
    pub(super) result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Named {
    pub(super) name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Ended {
    pub(super) outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct At {
    pub(super) step: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Listener {
    pub(super) listener: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Sent {
    pub(super) result: &'static str,
}

/// All values of `result`.
pub(super) const RESULTS: [&str; 3] = ["success", "requeue_after", "error"];

/// What controller-runtime would call the result of a run: a refused spec is no error there, since nothing retries it.
pub(super) fn result(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Suspended | Outcome::Forgotten | Outcome::Refused(_) => "success",
        Outcome::Kept(_) | Outcome::Stored { .. } => "requeue_after",
        Outcome::Failed { .. } => "error",
    }
}

/// All values of `outcome`.
pub(super) const OUTCOMES: [&str; 6] = ["suspended", "forgotten", "refused", "kept", "stored", "failed"];

pub(super) fn outcome(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Suspended => "suspended",
        Outcome::Forgotten => "forgotten",
        Outcome::Refused(_) => "refused",
        Outcome::Kept(_) => "kept",
        Outcome::Stored { .. } => "stored",
        Outcome::Failed { .. } => "failed",
    }
}

/// All steps.
pub(super) const STEPS: [Step; 15] = [
    Step::ServiceAccount,
    Step::Identity,
    Step::Credentials,
    Step::Proxy,
    Step::Certificates,
    Step::Tag,
    Step::Digest,
    Step::Signature,
    Step::Manifest,
    Step::Layer,
    Step::Download,
    Step::Archive,
    Step::WorkFile,
    Step::Store,
    Step::Forget,
];

pub(super) fn step(step: Step) -> &'static str {
    match step {
        Step::ServiceAccount => "service_account",
        Step::Identity => "identity",
        Step::Credentials => "credentials",
        Step::Proxy => "proxy",
        Step::Certificates => "certificates",
        Step::Tag => "tag",
        Step::Digest => "digest",
        Step::Signature => "signature",
        Step::Manifest => "manifest",
        Step::Layer => "layer",
        Step::Download => "download",
        Step::Archive => "archive",
        Step::WorkFile => "work_file",
        Step::Store => "store",
        Step::Forget => "forget",
    }
}
