//! What can fail in a run, and what that means for status, events and the next run: one place, no wildcard.

use oci_artifact::{Class, Classify};
use oci_crds::{
    conditions::{Reason, action, condition},
    validate::Operation,
};

use crate::{Observed, text::bounded};

/// A step of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Reading the `ServiceAccount`.
    ServiceAccount,
    /// Deciding whose identity logs in.
    Identity,
    /// Reading a Secret with credentials, or one that a `ServiceAccount` names.
    Credentials,
    /// Reading the Secret with the proxy.
    Proxy,
    /// Reading the Secret with certificates, and setting the connection up.
    Certificates,
    /// Listing tags and choosing one.
    Tag,
    /// Finding out the digest of a tag.
    Digest,
    /// Verifying the signature.
    Signature,
    /// Fetching the manifest.
    Manifest,
    /// Choosing the layer.
    Layer,
    /// Downloading the layer.
    Download,
    /// Reading the layer's archive.
    Archive,
    /// Making a file to work with.
    WorkFile,
    /// Writing the artifact.
    Store,
    /// Removing the files of a deleted object.
    Forget,
}

/// What the failure of a step means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The condition that is true from now on; `SourceVerified` is false. `None` where no status is left to say it in.
    pub condition: Option<&'static str>,
    /// Its reason, and that of the event.
    pub reason: Reason,
    /// What the event says was done.
    pub action: &'static str,
}

impl Step {
    /// What its failure means: the reasons are Flux's.
    pub fn meaning(self) -> Meaning {
        let (condition, reason) = match self {
            Self::ServiceAccount | Self::Identity | Self::Credentials | Self::Proxy | Self::Certificates => {
                (condition::FETCH_FAILED, Reason::AuthenticationFailed)
            }
            Self::Tag => (condition::FETCH_FAILED, Reason::ReadOperationFailed),
            Self::Digest | Self::Manifest => (condition::FETCH_FAILED, Reason::PullFailed),
            Self::Signature => (condition::SOURCE_VERIFIED, Reason::VerificationError),
            Self::Layer | Self::Download | Self::Archive => {
                (condition::FETCH_FAILED, Reason::LayerOperationFailed)
            }
            Self::WorkFile => (condition::STORAGE_OPERATION_FAILED, Reason::DirectoryCreationFailed),
            Self::Store => (condition::STORAGE_OPERATION_FAILED, Reason::ArchiveOperationFailed),
            Self::Forget => {
                let reason = Reason::GarbageCollectionFailed;
                return Meaning { condition: None, reason, action: action::FINALIZE };
            }
        };
        Meaning { condition: Some(condition), reason, action: action::RECONCILE }
    }

    /// What Flux's message begins with, so that alerts which look for texts keep working.
    fn prefix(self, observed: &Observed) -> String {
        let Observed { spec, namespace, report, .. } = observed;
        let url = spec.url.as_deref().unwrap_or_default();
        match self {
            Self::ServiceAccount => {
                match report.checked.as_ref().and_then(|checked| checked.service_account.as_ref()) {
                    Some(name) => format!("failed to get service account '{namespace}/{name}': "),
                    None => "failed to get service account: ".to_owned(),
                }
            }
            Self::Identity => "failed to validate configuration: ".to_owned(),
            Self::Credentials => "failed to get credential: ".to_owned(),
            Self::Proxy => "failed to get proxy address: ".to_owned(),
            Self::Certificates => format!("failed to generate transport for '{url}': "),
            Self::Tag => format!("failed to determine the artifact tag for '{url}': "),
            Self::Digest => "failed to determine artifact digest: ".to_owned(),
            Self::Manifest => format!("failed to pull artifact from '{url}': "),
            Self::Signature => {
                format!("failed to verify the signature using provider '{}': ", verifier(observed))
            }
            Self::Layer => String::new(),
            Self::Download | Self::Archive => match operation(observed) {
                Operation::Extract => "failed to extract layer contents from artifact: ".to_owned(),
                Operation::Copy => "failed to copy layer from artifact: ".to_owned(),
            },
            Self::WorkFile => "failed to create temporary working directory: ".to_owned(),
            Self::Store => match operation(observed) {
                Operation::Extract => "unable to archive artifact to storage: ".to_owned(),
                Operation::Copy => "unable to copy artifact to storage: ".to_owned(),
            },
            Self::Forget => "garbage collection for deleted resource failed: ".to_owned(),
        }
    }
}

/// Who verifies, in Flux's words.
fn verifier(observed: &Observed) -> String {
    let verify = observed.spec.verify.as_ref();
    let provider = verify.and_then(|verify| verify.provider.as_deref()).filter(|name| !name.is_empty());
    let provider = provider.unwrap_or("cosign");
    let keyless = provider == "cosign" && verify.is_some_and(|verify| verify.secret_ref.is_none());
    if keyless { format!("{provider} keyless") } else { provider.to_owned() }
}

fn operation(observed: &Observed) -> Operation {
    observed.report.checked.as_ref().map(|checked| checked.layer.operation).unwrap_or_default()
}

/// A step that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which one.
    pub step: Step,
    /// Whether waiting helps. `Terminal` means that the same artifact fails for ever: it is looked at again at the
    /// interval only, when the tag may have moved.
    pub class: Class,
    /// What was attempted on what, and why it failed.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Failure {
    /// The failure of a step, from its error.
    pub fn new(step: Step, error: &(impl Classify + std::fmt::Display)) -> Self {
        Self { step, class: error.class(), message: error.to_string(), hint: error.hint() }
    }

    /// The sentence for conditions and events: the same for the same failure, on one line, bounded.
    pub(crate) fn sentence(&self, observed: &Observed) -> String {
        let mut text = self.step.prefix(observed);
        text.push_str(&self.message);
        if let Some(hint) = &self.hint {
            text.push_str("; ");
            text.push_str(hint);
        }
        bounded(&text)
    }
}
