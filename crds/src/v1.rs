//! Version `v1`: every field of source-controller 1.10.1. This is the version that is stored.
//!
//! Texts that have a meaning of their own (URLs, durations, patterns) are kept as they were written;
//! [`validate::check`](crate::validate::check) parses them. An empty text means the same as an absent one, as in Go.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Object, Version, metav1};

/// The version's name.
#[derive(Clone, Copy, Debug)]
pub enum V1 {}

impl Version for V1 {
    const NAME: &'static str = "v1";
}

/// An `OCIRepository` as `v1` shows it.
pub type OciRepository = Object<V1>;

/// Which artifact is wanted, and how it is fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    /// The repository in its registry, `oci://HOST[:PORT]/PATH`, without tag and digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^oci://.*$"))]
    pub url: Option<String>,

    /// Which artifact of the repository: one of tag, semver and digest. Absent means the tag `latest`.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,

    /// Which layer of the artifact is the content, and what is done with it. Absent means that the first layer is
    /// extracted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer_selector: Option<LayerSelector>,

    /// How to log in: `generic` by Secrets, `aws`, `azure` and `gcp` by the cloud's own identity. Absent means
    /// `generic`. Credentials of a Secret win over the cloud's identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["generic", "aws", "azure", "gcp"]))]
    pub provider: Option<String>,

    /// A Secret of type `kubernetes.io/dockerconfigjson` in the same namespace, with credentials for the registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalReference>,

    /// The signature that the artifact must have. Absent means that none is looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<Verify>,

    /// A ServiceAccount in the same namespace, for its image pull Secrets or its object-level identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,

    /// A Secret in the same namespace with `ca.crt` to trust the registry's certificate, and with `tls.crt` and
    /// `tls.key` to show one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalReference>,

    /// A Secret in the same namespace with the `address` of a proxy to the registry, and `username` and `password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalReference>,

    /// How often the registry is asked for something new, as `5m` or `1h30m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    pub interval: Option<String>,

    /// How long the registry may take, as `30s`. Absent means `60s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$"))]
    pub timeout: Option<String>,

    /// What is left out of the stored artifact, in the syntax of `.gitignore`. Absent means a list of files that no
    /// consumer needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,

    /// Whether the registry is spoken to by plain HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insecure: Option<bool>,

    /// Whether the object is left alone for now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

/// Which artifact of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Reference {
    /// The digest, `sha256:<hex>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,

    /// A range of versions; the highest tag in it is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semver: Option<String>,

    /// A regular expression that a tag must match to be looked at, together with `semver`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semver_filter: Option<String>,

    /// The tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// Which layer is the content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LayerSelector {
    /// The media type of the layer; the first that has it is taken. Absent means the first layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,

    /// `extract` to unpack the layer's tar archive, `copy` to store the layer as it is. Absent means `extract`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["extract", "copy"]))]
    pub operation: Option<String>,
}

/// The name of something in the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("required" = ["name"]))]
pub struct LocalReference {
    /// The name.
    #[serde(default)]
    pub name: String,
}

/// The signature that an artifact must have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["provider"]))]
pub struct Verify {
    /// Whose signatures: `cosign` or `notation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["cosign", "notation"], "default" = "cosign"))]
    pub provider: Option<String>,

    /// A Secret in the same namespace with the public keys (cosign), or the trust policy and certificates (notation).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalReference>,

    /// Who may have signed, for cosign without keys. One of them must match.
    #[serde(rename = "matchOIDCIdentity", skip_serializing_if = "Option::is_none")]
    pub match_oidc_identity: Option<Vec<Identity>>,

    /// A Secret in the same namespace with the Sigstore trusted root `trusted_root.json`, for cosign without keys.
    /// Absent means the public one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_root_secret_ref: Option<LocalReference>,
}

/// A signer by what its certificate says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["issuer", "subject"]))]
pub struct Identity {
    /// A regular expression for the issuer of the identity token.
    pub issuer: String,

    /// A regular expression for the subject of the certificate.
    pub subject: String,
}

/// What the controller found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// The stored artifact of the last successful run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,

    /// What is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "metav1::conditions")]
    pub conditions: Option<Vec<Condition>>,

    /// Written by releases before 1.0 only: the checksum of source and layer selection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_config_checksum: Option<String>,

    /// The value of the annotation `reconcile.fluxcd.io/requestedAt` that was last acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,

    /// The generation of the object that was last dealt with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// The `spec.ignore` that the stored artifact was made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_ignore: Option<String>,

    /// The `spec.layerSelector` that the stored artifact was made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_layer_selector: Option<LayerSelector>,

    /// A digest of what the stored artifact's signature was verified with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_verification_fingerprint: Option<String>,

    /// Where the newest artifact can be downloaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A stored artifact.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["digest", "lastUpdateTime", "path", "revision", "url"]))]
pub struct Artifact {
    /// Written by releases before 0.35 only: the SHA-256 checksum of the file, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,

    /// The digest of the file, `<algorithm>:<checksum>`.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(regex(pattern = r"^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$"))]
    pub digest: String,

    /// When the file was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "metav1::time")]
    pub last_update_time: Option<Time>,

    /// The annotations of the artifact's manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,

    /// The path of the file in the storage.
    pub path: String,

    /// Tag and digest of the artifact in its registry, `<tag>@sha256:<hex>`.
    pub revision: String,

    /// The size of the file in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,

    /// Where the file can be downloaded.
    pub url: String,
}
