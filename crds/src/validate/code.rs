//! The stable names of all findings, with what they mean: the one table behind messages, flags, metrics and the
//! reference page.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

/// What a finding means for the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It cannot be run (nor, with few exceptions, by Flux): refused, and the controller stalls.
    Unusable,
    /// Flux runs it, but not as its writer thinks or wants: refused when it is new. An object that is already stored
    /// runs with Flux's meaning.
    Refused,
    /// Worth knowing; never refused.
    Advice,
}

/// Not the name of a [`Code`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no rule `{0}`: docs/reference/validation.md lists them")]
pub struct UnknownCode(String);

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident $kind:ident $field:literal,)+) => {
        /// The name of a rule. It does not change with the wording of its message.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[doc = $doc])+ $name,)+ }

        impl Code {
            /// All of them, in the order of the fields that they are about.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The name as it is written in flags, logs and metrics.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// What it means for the object, where nothing lessens it.
            pub fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind,)+ }
            }

            /// The field that it is about; `*` stands for several.
            pub fn field(self) -> &'static str {
                match self { $(Self::$name => $field,)+ }
            }

            /// What is wrong and why that matters, in a sentence or two.
            pub fn meaning(self) -> String {
                let lines: &[&str] = match self { $(Self::$name => &[$($doc,)+],)+ };
                lines.concat().trim().to_owned()
            }
        }
    };
}

codes! {
    /// The value is of another type than the field, such as a number where a string is wanted.
    TypeMismatch Unusable "*",
    /// There is no such field. kubectl refuses it, other clients drop it silently.
    FieldUnknown Unusable "*",
    /// A field that must be there is missing.
    FieldMissing Unusable "*",
    /// The value is none of those that the schema lists.
    EnumUnknown Unusable "*",
    /// The value does not match the schema's pattern.
    PatternMismatch Unusable "*",

    /// The repository is not named.
    UrlMissing Unusable "spec.url",
    /// The URL does not begin with `oci://`.
    UrlScheme Unusable "spec.url",
    /// The host or the port is not valid.
    UrlHost Unusable "spec.url",
    /// The path is no repository name of the OCI distribution specification.
    UrlRepository Unusable "spec.url",
    /// A tag stands in the URL; it belongs into `spec.ref.tag`.
    UrlTag Unusable "spec.url",
    /// A digest stands in the URL; it belongs into `spec.ref.digest`.
    UrlDigest Unusable "spec.url",
    /// User, password, query or fragment stand in the URL. Everybody who may read the object could read them.
    UrlExtra Unusable "spec.url",
    /// The repository name is longer than 255 bytes.
    UrlLong Unusable "spec.url",

    /// More than one of tag, semver and digest is set. Flux takes digest before semver before tag and says nothing.
    RefAmbiguous Refused "spec.ref",
    /// The tag is not valid.
    RefTag Unusable "spec.ref.tag",
    /// A digest stands in the tag; it belongs into `spec.ref.digest`.
    RefTagDigest Unusable "spec.ref.tag",
    /// The digest is not `sha256:` or `sha512:` with as many lower-case hex digits as the algorithm has.
    RefDigest Unusable "spec.ref.digest",
    /// The range of versions cannot be parsed.
    RefSemver Unusable "spec.ref.semver",
    /// The filter is no regular expression, or one that is not read alike everywhere.
    RefSemverFilter Unusable "spec.ref.semverFilter",
    /// The filter stands without `semver`, where it does nothing.
    RefSemverFilterUnused Refused "spec.ref.semverFilter",

    /// The operation is neither `extract` nor `copy`.
    LayerOperation Unusable "spec.layerSelector.operation",
    /// The media type is not of the form `type/subtype`; no layer can have it.
    LayerMediaType Refused "spec.layerSelector.mediaType",

    /// The provider is none of `generic`, `aws`, `azure` and `gcp`.
    ProviderUnknown Unusable "spec.provider",
    /// The registry is none of that cloud's, and nothing else says how to log in.
    ProviderHost Unusable "spec.provider",

    /// The name is no valid name of a Secret or ServiceAccount.
    NameInvalid Unusable "spec.*.name",

    /// The provider is neither `cosign` nor `notation`.
    VerifyProvider Unusable "spec.verify.provider",
    /// Cosign without a key and without identities: a signature of anybody at all would do.
    VerifyAnyone Refused "spec.verify.matchOIDCIdentity",
    /// Issuer or subject is empty and so matches everybody.
    VerifyIdentityEmpty Refused "spec.verify.matchOIDCIdentity[*]",
    /// Issuer or subject is no regular expression, or one that is not read alike everywhere.
    VerifyIdentityPattern Unusable "spec.verify.matchOIDCIdentity[*]",
    /// Identities beside a key, where they do nothing.
    VerifyIdentitiesUnused Refused "spec.verify.matchOIDCIdentity",
    /// Notation needs a Secret with trust policy and certificates.
    VerifyNotationSecret Unusable "spec.verify.secretRef",
    /// A trusted root beside a key or with notation, where it does nothing.
    VerifyTrustedRootUnused Refused "spec.verify.trustedRootSecretRef",

    /// The interval is not given.
    IntervalMissing Unusable "spec.interval",
    /// The interval is no duration.
    IntervalInvalid Unusable "spec.interval",
    /// The interval is zero: Flux looks once and never again.
    IntervalZero Refused "spec.interval",
    /// The interval is shorter than a second.
    IntervalShort Refused "spec.interval",
    /// The timeout is no duration.
    TimeoutInvalid Unusable "spec.timeout",
    /// The timeout is zero, which would leave no time for a run. A stored object runs with the default of a minute.
    TimeoutZero Refused "spec.timeout",
    /// The timeout is longer than an hour, in which a silent registry would hold a worker.
    TimeoutLong Refused "spec.timeout",

    /// A certificate beside `insecure`, where it is not used: plain HTTP has none.
    InsecureCertificate Refused "spec.certSecretRef",

    /// Registry and artifact are reached over plain HTTP, where anybody on the way can change them.
    Insecure Advice "spec.insecure",
    /// `ref` is absent or empty, which means the tag `latest`.
    RefLatest Advice "spec.ref",
    /// A tag can be moved to something else, and no signature is asked for.
    MutableTag Advice "spec.ref",
    /// The pattern matches also where it stands in the middle of something longer.
    UnanchoredIdentity Advice "spec.verify.matchOIDCIdentity[*]",
    /// The registry is asked more often than every ten seconds.
    IntervalBusy Advice "spec.interval",
    /// The proxy is not used for what cosign without keys fetches from the transparency log and the trust root.
    ProxyIgnored Advice "spec.proxySecretRef",
    /// The registry does not look like one of the cloud's.
    ProviderForeign Advice "spec.provider",
    /// Ignore rules do nothing where the layer is copied as it is.
    IgnoreUnused Advice "spec.ignore",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let found = Self::ALL.iter().find(|code| code.as_str() == text);
        found
            .copied()
            .ok_or_else(|| UnknownCode(text.chars().take(80).flat_map(char::escape_debug).collect()))
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
