//! A spec that was parsed: what the controller works with.

use std::time::Duration;

use oci_artifact::{
    manifest::LayerSelector,
    name::{Digest, IdentityPattern, Pattern, Range, Repository, Tag},
};

/// A spec whose every part could be parsed.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Where the artifact is.
    pub repository: Repository,
    /// Which artifact of the repository.
    pub selection: Selection,
    /// Which layer of the artifact, and what is done with it.
    pub layer: Layer,
    /// Whose identity logs in where no Secret does.
    pub provider: Provider,
    /// The name of the Secret with credentials.
    pub secret: Option<String>,
    /// The signature that is asked for.
    pub verify: Option<Verification>,
    /// The name of the ServiceAccount.
    pub service_account: Option<String>,
    /// The name of the Secret with certificates.
    pub certificate: Option<String>,
    /// The name of the Secret with the proxy.
    pub proxy: Option<String>,
    /// How often the registry is asked. Zero means once, as in Flux; only a stored object can have that.
    pub interval: Duration,
    /// How long the registry may take. More than zero.
    pub timeout: Duration,
    /// The ignore rules. `Some("")` means that nothing is ignored, unlike `None`.
    pub ignore: Option<String>,
    /// Whether the registry is spoken to by plain HTTP.
    pub insecure: bool,
    /// Whether the object is left alone.
    pub suspend: bool,
}

/// Which artifact of a repository. Where several are set, Flux's precedence has been applied.
#[derive(Clone, Debug)]
pub enum Selection {
    /// This one.
    Digest(Digest),
    /// The highest version in a range, among the tags that the filter matches.
    Range {
        /// The versions.
        range: Range,
        /// The tags that are looked at.
        filter: Option<Pattern>,
    },
    /// Whatever has this tag.
    Tag(Tag),
}

/// Which layer is the content, and what becomes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    /// Which one.
    pub selector: LayerSelector,
    /// What is done with it.
    pub operation: Operation,
}

/// What is done with a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Operation {
    /// Its archive is unpacked and packed again without what is ignored.
    #[default]
    Extract,
    /// It is stored as it is.
    Copy,
}

/// Whose identity logs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Provider {
    /// Nobody's: Secrets only, or a ServiceAccount's own token.
    #[default]
    Generic,
    /// Amazon's.
    Aws,
    /// Microsoft's.
    Azure,
    /// Google's.
    Gcp,
}

/// A signature that an artifact must have.
#[derive(Clone, Debug)]
pub enum Verification {
    /// Cosign, by one of the public keys in a Secret.
    CosignKeys {
        /// The name of the Secret.
        secret: String,
    },
    /// Cosign, by one of these identities. An empty list means anybody, which only a stored object can have.
    CosignKeyless {
        /// Who may have signed.
        identities: Vec<IdentityPattern>,
        /// The name of the Secret with the trusted root; `None` means the public one.
        trusted_root: Option<String>,
    },
    /// Notation, by the trust policy and the certificates in a Secret.
    Notation {
        /// The name of the Secret.
        secret: String,
    },
}
