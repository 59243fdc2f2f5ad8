//! The names that status, events and annotations consist of. They are Flux's: its consumers and its users' alerts know
//! them.
//!
//! Source: source-controller 1.10.1, `api/v1` and `fluxcd/pkg/apis/meta`.

mod reason;

pub use reason::{Reason, Told};

/// Constants with what they mean, and `ALL` of them for the reference page.
macro_rules! names {
    ($($(#[doc = $doc:literal])+ $name:ident $text:literal,)+) => {
        $($(#[doc = $doc])+ pub const $name: &str = $text;)+

        /// All of them, with what they mean.
        pub const ALL: &[(&str, &[&str])] = &[$(($name, &[$($doc,)+]),)+];
    };
}

/// Types of conditions.
pub mod condition {
    names! {
        /// The sum of the others: whether the artifact that the spec asks for is stored and served.
        READY "Ready",
        /// A run is under way, or will be tried again.
        RECONCILING "Reconciling",
        /// Nothing is tried until somebody changes something.
        STALLED "Stalled",
        /// The artifact could not be had from the registry.
        FETCH_FAILED "FetchFailed",
        /// The artifact could not be stored.
        STORAGE_OPERATION_FAILED "StorageOperationFailed",
        /// The registry has another artifact than the one that is stored.
        ARTIFACT_OUTDATED "ArtifactOutdated",
        /// The stored artifact is the wanted one.
        ARTIFACT_IN_STORAGE "ArtifactInStorage",
        /// The artifact has the signature that is asked for.
        SOURCE_VERIFIED "SourceVerified",
    }

    /// Those that are good when true. All others are bad when true, and absent when all is well.
    pub const GOOD: [&str; 3] = [READY, ARTIFACT_IN_STORAGE, SOURCE_VERIFIED];
}

/// What an event says was done.
pub mod action {
    /// A whole run.
    pub const RECONCILE: &str = "Reconcile";
    /// Looking after what is stored.
    pub const RECONCILE_STORAGE: &str = "ReconcileStorage";
    /// Removing what is stored, because the object goes.
    pub const FINALIZE: &str = "Finalize";
}

/// Names in metadata.
pub mod metadata {
    names! {
        /// The finalizer of all of Flux's sources.
        FINALIZER "finalizers.fluxcd.io",
        /// Annotation: run now, whenever its value changes.
        REQUESTED_AT "reconcile.fluxcd.io/requestedAt",
        /// Annotations with this prefix are copied to events.
        EVENT_PREFIX "event.toolkit.fluxcd.io/",
        /// Annotation of events: the revision.
        REVISION "source.toolkit.fluxcd.io/revision",
        /// Annotation of events: the digest of the stored file.
        DIGEST "source.toolkit.fluxcd.io/digest",
        /// Annotation of events: the manifest's `org.opencontainers.image.revision`.
        ORIGIN_REVISION "source.toolkit.fluxcd.io/originRevision",
        /// Annotation: the platform that is taken from an image index, `os/architecture[/variant]`; `linux/amd64` if
        /// absent.
        PLATFORM "source.kubectl-oci.io/platform",
        /// The label that assigns objects to shards.
        SHARD "sharding.fluxcd.io/key",
    }
}
