//! Parsed manifests and indexes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    Descriptor, Error, OCI_INDEX, OCI_MANIFEST, Platform, descriptor::null_as_empty, is_index, is_manifest,
};
use crate::limits;

/// An image manifest, which is what an artifact is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    schema_version: u64,
    /// Media type of the manifest itself; parsing fills it in where a document leaves it out.
    #[serde(default)]
    pub media_type: String,
    /// Type of the artifact, where it is not told by the config's media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The config blob.
    pub config: Descriptor,
    /// The layers, in order.
    pub layers: Vec<Descriptor>,
    /// The manifest that this one refers to (signatures and the like).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Annotations of the artifact.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_as_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// An image index: a list of manifests, one per platform, or of referrers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    schema_version: u64,
    /// Media type of the index itself; parsing fills it in where a document leaves it out.
    #[serde(default)]
    pub media_type: String,
    /// The children.
    #[serde(deserialize_with = "null_as_empty")]
    pub manifests: Vec<Descriptor>,
    /// Annotations of the index.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_as_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// What a registry may answer when asked for a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one at a time exists, and the larger one is the usual one")]
pub enum Document {
    /// An image manifest.
    Manifest(Manifest),
    /// An image index.
    Index(Index),
}

/// The members that tell the two shapes apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "one for each member that may be there")]
struct Shape {
    schema_version: Option<u64>,
    media_type: Option<String>,
    #[serde(default, deserialize_with = "present")]
    manifests: bool,
    #[serde(default, deserialize_with = "present")]
    layers: bool,
    #[serde(default, deserialize_with = "present")]
    config: bool,
    #[serde(default, deserialize_with = "present")]
    fs_layers: bool,
}

/// Whether a member is there, be it `null`: registries write an empty list so.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl Document {
    /// Parses a document that was served as `content_type` (parameters are ignored; `None` if none was sent).
    ///
    /// Refuses documents of both shapes, a `mediaType` that disagrees with shape or Content-Type, other schema
    /// versions and more entries than [`limits`] allows. `bytes` are bounded by the caller.
    pub fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Self, Error> {
        // serde reads structs from arrays too; no other client takes such a document for a manifest.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(Error::Neither);
        }
        let shape: Shape = serde_json::from_slice(bytes).map_err(Error::Json)?;
        let index = shape.manifests;
        let manifest = shape.layers || shape.config || shape.fs_layers;
        match shape.schema_version {
            Some(2) => {}
            other => return Err(Error::SchemaVersion(other.unwrap_or_default())),
        }
        let fallback = match (manifest, index) {
            (true, true) => return Err(Error::Ambiguous),
            (false, false) => return Err(Error::Neither),
            (true, false) => OCI_MANIFEST,
            (false, true) => OCI_INDEX,
        };
        let served = content_type.map(essence).filter(|served| !is_generic(served));
        let stated = shape.media_type.filter(|text| !text.is_empty());
        let media_type = match (&stated, served) {
            (Some(stated), Some(served)) if stated != served => {
                return Err(Error::MediaType { stated: stated.clone(), served: served.to_owned() });
            }
            (Some(stated), _) => stated.clone(),
            (None, Some(served)) => served.to_owned(),
            (None, None) => fallback.to_owned(),
        };
        if index && is_index(&media_type) {
            let index = Index { media_type, ..serde_json::from_slice(bytes).map_err(Error::Json)? };
            at_most("manifests", index.manifests.len(), limits::INDEX_MANIFESTS)?;
            Ok(Self::Index(index))
        } else if manifest && is_manifest(&media_type) {
            let manifest = Manifest { media_type, ..serde_json::from_slice(bytes).map_err(Error::Json)? };
            at_most("layers", manifest.layers.len(), limits::MANIFEST_LAYERS)?;
            Ok(Self::Manifest(manifest))
        } else if is_index(&media_type) || is_manifest(&media_type) {
            Err(Error::MediaType { stated: fallback.to_owned(), served: media_type })
        } else {
            Err(Error::Unsupported(media_type))
        }
    }

    /// Media type of the document.
    pub fn media_type(&self) -> &str {
        match self {
            Self::Manifest(manifest) => &manifest.media_type,
            Self::Index(index) => &index.media_type,
        }
    }

    /// Annotations of the document.
    pub fn annotations(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Manifest(manifest) => &manifest.annotations,
            Self::Index(index) => &index.annotations,
        }
    }
}

impl Manifest {
    /// A manifest of the OCI type without subject and artifact type.
    pub fn new(config: Descriptor, layers: Vec<Descriptor>, annotations: BTreeMap<String, String>) -> Self {
        Self {
            schema_version: 2,
            media_type: OCI_MANIFEST.to_owned(),
            artifact_type: None,
            config,
            layers,
            subject: None,
            annotations,
        }
    }
}

impl Index {
    /// An OCI index of these manifests.
    pub fn new(manifests: Vec<Descriptor>) -> Self {
        Self { schema_version: 2, media_type: OCI_INDEX.to_owned(), manifests, annotations: BTreeMap::new() }
    }

    /// The child for a platform: equal os and architecture, and equal variant if `platform` has one. A child that names
    /// no platform counts as linux/amd64, as in Flux's library.
    pub fn child(&self, platform: &Platform) -> Result<&Descriptor, Error> {
        let unnamed = Platform::linux_amd64();
        let fits = |child: &&Descriptor| {
            let has = child.platform.as_ref().unwrap_or(&unnamed);
            has.os == platform.os
                && has.architecture == platform.architecture
                && (platform.variant.is_none() || has.variant == platform.variant)
        };
        self.manifests.iter().find(fits).ok_or_else(|| Error::Platform {
            wanted: platform.to_string(),
            found: self
                .manifests
                .iter()
                .take(20)
                .map(|child| child.platform.as_ref().map_or("no platform".to_owned(), Platform::to_string))
                .collect(),
        })
    }
}

fn at_most(what: &'static str, count: usize, limit: usize) -> Result<(), Error> {
    if count > limit { Err(Error::TooMany { what, count, limit }) } else { Ok(()) }
}

/// The type without parameters.
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// Types that plain file servers and old registries send for any JSON.
fn is_generic(media_type: &str) -> bool {
    matches!(media_type, "" | "application/json" | "application/octet-stream" | "text/plain")
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: &str = r#"{"mediaType":"application/octet-stream","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}"#;

    fn manifest(extra: &str) -> String {
        format!(r#"{{"schemaVersion":2,"config":{D},"layers":[{D}]{extra}}}"#)
    }

    #[test]
    fn document_fills_in_a_missing_media_type() {
        let parsed = Document::parse(manifest("").as_bytes(), None).unwrap();
        assert_eq!(parsed.media_type(), OCI_MANIFEST);
        let docker = super::super::DOCKER_MANIFEST;
        let parsed = Document::parse(manifest("").as_bytes(), Some(docker)).unwrap();
        assert_eq!(parsed.media_type(), docker);
    }

    #[test]
    fn document_ignores_parameters_of_the_content_type() {
        let body = manifest(&format!(r#","mediaType":"{OCI_MANIFEST}""#));
        let served = format!("{OCI_MANIFEST}; charset=utf-8");
        assert!(Document::parse(body.as_bytes(), Some(&served)).is_ok());
        assert!(Document::parse(body.as_bytes(), Some("application/json")).is_ok());
    }

    #[test]
    fn document_refuses_two_shapes() {
        let both = manifest(&format!(r#","manifests":[{D}]"#));
        assert!(matches!(Document::parse(both.as_bytes(), None), Err(Error::Ambiguous)));
    }

    #[test]
    fn document_refuses_a_media_type_that_disagrees() {
        let body = manifest(&format!(r#","mediaType":"{OCI_MANIFEST}""#));
        assert!(matches!(Document::parse(body.as_bytes(), Some(OCI_INDEX)), Err(Error::MediaType { .. })));
        assert!(matches!(
            Document::parse(manifest("").as_bytes(), Some(OCI_INDEX)),
            Err(Error::MediaType { .. })
        ));
    }

    #[test]
    fn document_refuses_hostile_shapes() {
        let d = |text: &str| Document::parse(text.as_bytes(), None).unwrap_err();
        assert!(matches!(d("{}"), Error::SchemaVersion(0)));
        assert!(matches!(d(r#"{"schemaVersion":2}"#), Error::Neither));
        assert!(matches!(d(r#"{"schemaVersion":1,"fsLayers":[]}"#), Error::SchemaVersion(1)));
        assert!(matches!(d(&format!(r#"{{"schemaVersion":2,"config":{D},"layers":null}}"#)), Error::Json(_)));
        assert!(matches!(d(&format!(r#"{{"schemaVersion":2,"layers":[{D}]}}"#)), Error::Json(_)));
        assert!(matches!(d("[2,null,[],null,null,null]"), Error::Neither));
        assert!(matches!(d("\u{feff}{}"), Error::Neither));
        assert!(matches!(d(&manifest(r#","schemaVersion":2"#)), Error::Json(_)));
        for size in ["-1", "9223372036854775808000", "1e3", "\"2\""] {
            let broken = manifest("").replace("\"size\":2", &format!("\"size\":{size}"));
            assert!(matches!(d(&broken), Error::Json(_)), "{size}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(matches!(d(&manifest(&format!(r#","annotations":{deep}"#))), Error::Json(_)));
        let broken = manifest("").replace("sha256:4413", "sha256:../3");
        assert!(matches!(d(&broken), Error::Json(_)));
    }

    #[test]
    fn document_refuses_too_many_children() {
        let many = vec![D; limits::INDEX_MANIFESTS + 1].join(",");
        let body = format!(r#"{{"schemaVersion":2,"manifests":[{many}]}}"#);
        assert!(matches!(Document::parse(body.as_bytes(), None), Err(Error::TooMany { .. })));
    }

    #[test]
    fn index_reads_null_manifests_as_none() {
        let body =
            r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
        let Document::Index(index) = Document::parse(body.as_bytes(), None).unwrap() else { panic!() };
        assert!(index.child(&Platform::linux_amd64()).is_err());
    }

    #[test]
    fn index_takes_a_child_without_platform_for_linux_amd64() {
        let body = format!(r#"{{"schemaVersion":2,"manifests":[{D}]}}"#);
        let Document::Index(index) = Document::parse(body.as_bytes(), None).unwrap() else { panic!() };
        assert!(index.child(&Platform::linux_amd64()).is_ok());
        let arm = Platform { architecture: "arm64".to_owned(), ..Platform::linux_amd64() };
        assert!(matches!(index.child(&arm), Err(Error::Platform { .. })));
    }
}
