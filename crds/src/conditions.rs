//! The names that status, events and annotations consist of. They are Flux's: its consumers and its users' alerts know
//! them.
//!
//! Source: source-controller 1.10.1, `api/v1` and `fluxcd/pkg/apis/meta`.

/// Types of conditions. `Ready`, `ArtifactInStorage` and `SourceVerified` are good when true, all others bad.
pub mod condition {
    /// The sum of all others.
    pub const READY: &str = "Ready";
    /// A run is under way, or will be tried again.
    pub const RECONCILING: &str = "Reconciling";
    /// Nothing is tried until somebody changes something.
    pub const STALLED: &str = "Stalled";
    /// The artifact could not be had from the registry.
    pub const FETCH_FAILED: &str = "FetchFailed";
    /// The artifact could not be stored.
    pub const STORAGE_OPERATION_FAILED: &str = "StorageOperationFailed";
    /// The registry has another artifact than the one that is stored.
    pub const ARTIFACT_OUTDATED: &str = "ArtifactOutdated";
    /// The stored artifact is the wanted one.
    pub const ARTIFACT_IN_STORAGE: &str = "ArtifactInStorage";
    /// The artifact has the signature that is asked for.
    pub const SOURCE_VERIFIED: &str = "SourceVerified";
}

/// Reasons of conditions and events.
pub mod reason {
    /// All is well.
    pub const SUCCEEDED: &str = "Succeeded";
    /// Under way.
    pub const PROGRESSING: &str = "Progressing";
    /// Failed, and will be tried again.
    pub const PROGRESSING_WITH_RETRY: &str = "ProgressingWithRetry";
    /// The registry has a new revision.
    pub const NEW_REVISION: &str = "NewRevision";
    /// The URL of the spec cannot be used.
    pub const URL_INVALID: &str = "URLInvalid";
    /// Something else of the spec cannot be used. Ours: Flux tries such a spec again and again.
    pub const SPEC_INVALID: &str = "SpecInvalid";
    /// Secret, `ServiceAccount`, proxy or certificate cannot be used.
    pub const AUTHENTICATION_FAILED: &str = "AuthenticationFailed";
    /// Tags could not be listed, or none is wanted.
    pub const READ_OPERATION_FAILED: &str = "ReadOperationFailed";
    /// Digest or manifest could not be had.
    pub const PULL_FAILED: &str = "OCIArtifactPullFailed";
    /// The layer could not be chosen, had, or read.
    pub const LAYER_OPERATION_FAILED: &str = "OCIArtifactLayerOperationFailed";
    /// The signature could not be verified.
    pub const VERIFICATION_ERROR: &str = "VerificationError";
    /// A folder or file for the work could not be made.
    pub const DIRECTORY_CREATION_FAILED: &str = "DirectoryCreationFailed";
    /// The artifact could not be written.
    pub const ARCHIVE_OPERATION_FAILED: &str = "ArchiveOperationFailed";
    /// Event: an artifact was stored.
    pub const NEW_ARTIFACT: &str = "NewArtifact";
    /// Event: the policy of signatures does not insist on what the artifact lacks. Ours: Flux logs it only.
    pub const VERIFICATION_LENIENT: &str = "VerificationLenient";
    /// Event: the stored file is not the one that was stored.
    pub const ARTIFACT_VERIFICATION_FAILED: &str = "ArtifactVerificationFailed";
    /// Event: the files of a deleted object could not be removed.
    pub const GARBAGE_COLLECTION_FAILED: &str = "GarbageCollectionFailed";
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
    /// The finalizer of all of Flux's sources.
    pub const FINALIZER: &str = "finalizers.fluxcd.io";
    /// Annotation: run now, whenever its value changes.
    pub const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
    /// Annotations with this prefix are copied to events.
    pub const EVENT_PREFIX: &str = "event.toolkit.fluxcd.io/";
    /// Annotation of events: the revision.
    pub const REVISION: &str = "source.toolkit.fluxcd.io/revision";
    /// Annotation of events: the digest of the stored file.
    pub const DIGEST: &str = "source.toolkit.fluxcd.io/digest";
    /// Annotation of events: the manifest's `org.opencontainers.image.revision`.
    pub const ORIGIN_REVISION: &str = "source.toolkit.fluxcd.io/originRevision";
    /// Annotation: the platform that is taken from an image index, `os/architecture[/variant]`; `linux/amd64` if absent.
    pub const PLATFORM: &str = "source.kubectl-oci.io/platform";
    /// The label that assigns objects to shards.
    pub const SHARD: &str = "sharding.fluxcd.io/key";
}
