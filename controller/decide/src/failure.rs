//! What can fail in a run, and what that means for status, events and the next run: one place, no wildcard.

use oci_artifact::{Class, Classify};

/// A step of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Reading the `ServiceAccount`.
    ServiceAccount,
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
}
