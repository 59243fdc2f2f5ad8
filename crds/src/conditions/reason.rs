//! Reasons of conditions and events: the one list that status, events, logs and the reference page take them from.

use std::fmt;

/// Whether an event is told for a reason, and of which type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// None.
    Never,
    /// `Normal`, severity `info`.
    Normal,
    /// `Warning`, severity `error`.
    Warning,
}

macro_rules! reasons {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident $text:literal, in [$($condition:literal),*], told $told:ident, do $remedy:literal;
    )+) => {
        /// Why a condition is as it is, or an event is told.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason { $($(#[doc = $doc])+ $name,)+ }

        impl Reason {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The name as it is written in conditions, events and logs.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The conditions that have it, such as `FetchFailed=True`, apart from `Ready`, which takes over the reasons
            /// of the others.
            pub fn conditions(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($condition),*],)+ }
            }

            /// Whether events have it.
            pub fn told(self) -> Told {
                match self { $(Self::$name => Told::$told,)+ }
            }

            /// What it means, in a sentence or two.
            pub fn meaning(self) -> String {
                let lines: &[&str] = match self { $(Self::$name => &[$($doc,)+],)+ };
                lines.concat().trim().to_owned()
            }

            /// What to do about it.
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)+ }
            }
        }
    };
}

reasons! {
    /// All is well. As an event: what failed before works again.
    Succeeded "Succeeded", in ["ArtifactInStorage=True", "SourceVerified=True"], told Normal,
        do "nothing";
    /// A run is under way.
    Progressing "Progressing", in ["Reconciling=True"], told Never,
        do "wait";
    /// A run failed, and is tried again.
    ProgressingWithRetry "ProgressingWithRetry", in ["Reconciling=True"], told Never,
        do "wait, or mend what `Ready` says";
    /// The registry has a new revision, which is not stored yet.
    NewRevision "NewRevision", in ["ArtifactOutdated=True"], told Never,
        do "look at the other conditions";
    /// The URL of the spec cannot be used. It is not tried again until the spec changes.
    UrlInvalid "URLInvalid", in ["FetchFailed=True", "Stalled=True"], told Warning,
        do "the message says what is wrong, as `kubectl oci lint -f` does";
    /// Something else of the spec cannot be used. It is not tried again until the spec changes; Flux tries on.
    SpecInvalid "SpecInvalid", in ["FetchFailed=True", "Stalled=True"], told Warning,
        do "the message names the field, as `kubectl oci lint -f` does";
    /// A Secret, a ServiceAccount, a proxy or a certificate that the spec names is missing or of no use.
    AuthenticationFailed "AuthenticationFailed", in ["FetchFailed=True"], told Warning,
        do "create or mend it: the object runs again at once";
    /// Tags could not be listed, or none fits the range or the filter.
    ReadOperationFailed "ReadOperationFailed", in ["FetchFailed=True"], told Warning,
        do "`kubectl oci list artifacts oci://… --filter-semver` shows what there is";
    /// The registry does not know the reference, or refuses the login: digest or manifest could not be had.
    PullFailed "OCIArtifactPullFailed", in ["FetchFailed=True"], told Warning,
        do "`kubectl oci auth explain oci://… --test`";
    /// The artifact has no such layer, or its archive could not be had, is broken or too large.
    LayerOperationFailed "OCIArtifactLayerOperationFailed", in ["FetchFailed=True"], told Warning,
        do "`kubectl oci inspect artifact oci://…` shows the layers; `spec.layerSelector` chooses one";
    /// No signature counts.
    VerificationError "VerificationError", in ["SourceVerified=False"], told Warning,
        do "`kubectl oci verify artifact oci://… -f app.yaml` says why, signature by signature";
    /// A folder or file for the work could not be made.
    DirectoryCreationFailed "DirectoryCreationFailed", in ["StorageOperationFailed=True"], told Warning,
        do "look at space and rights of the controller's volume, and at its log";
    /// The volume or the bucket does not take the artifact.
    ArchiveOperationFailed "ArchiveOperationFailed", in ["StorageOperationFailed=True"], told Warning,
        do "look at space and rights of the volume or the bucket, and at the controller's log";
    /// An artifact was stored.
    NewArtifact "NewArtifact", in [], told Normal,
        do "nothing";
    /// The trust policy does not insist on what the artifact's signature lacks. Flux says so in its log only.
    VerificationLenient "VerificationLenient", in [], told Normal,
        do "set the level of the policy to `strict`, if that is not meant";
    /// The stored file is not the one that was stored. It is fetched again.
    ArtifactVerificationFailed "ArtifactVerificationFailed", in [], told Warning,
        do "find out who else writes to the volume or the bucket";
    /// The files of a deleted object could not be removed. It is tried again, and the object waits for that.
    GarbageCollectionFailed "GarbageCollectionFailed", in [], told Warning,
        do "look at the rights of the volume or the bucket, and at the controller's log";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq<Reason> for String {
    fn eq(&self, reason: &Reason) -> bool {
        self == reason.as_str()
    }
}
