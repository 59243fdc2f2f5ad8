//! Why a document is no usable manifest.

use crate::{Class, Classify, name::excerpt};

/// An error about JSON, which may quote the document.
fn brief(error: &serde_json::Error) -> String {
    error.to_string().chars().filter(|c| !c.is_control()).take(400).collect()
}

/// Foreign names for a message.
fn listed(names: &[String]) -> String {
    names.iter().map(|name| excerpt(name)).collect::<Vec<_>>().join(", ")
}

/// Why a document is no usable manifest.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No JSON object of the expected shape.
    #[error("the manifest is not valid JSON of the expected shape: {}", brief(.0))]
    Json(#[source] serde_json::Error),
    /// `schemaVersion` is not 2.
    #[error("the manifest has schemaVersion {0}, only 2 is supported")]
    SchemaVersion(u64),
    /// Both `manifests` and `layers` are present (CVE-2021-41190).
    #[error("the document is a manifest and an index at once: refused")]
    Ambiguous,
    /// Neither `manifests` nor `layers`.
    #[error("the document is neither an image manifest nor an image index")]
    Neither,
    /// `mediaType` and Content-Type, or `mediaType` and shape, disagree.
    #[error("the manifest says it is `{}` but was served as `{}`", excerpt(.stated), excerpt(.served))]
    MediaType {
        /// What the document says, or what its shape means.
        stated: String,
        /// What the registry said.
        served: String,
    },
    /// A type that no client of ours reads.
    #[error("manifest media type `{}` is not supported", excerpt(.0))]
    Unsupported(String),
    /// More entries than allowed.
    #[error("the manifest has {count} {what}, more than {limit}")]
    TooMany {
        /// `layers` or `manifests`.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// No layer at all.
    #[error("the artifact has no layers")]
    NoLayers,
    /// The index that was asked for does not exist.
    #[error("the artifact has {count} layers, there is no layer with index {index}")]
    LayerIndex {
        /// Index asked for, from 0.
        index: usize,
        /// Layers that exist.
        count: usize,
    },
    /// No layer has the type that was asked for.
    #[error("no layer has media type `{wanted}`; the layers are: {}", listed(.found))]
    LayerMediaType {
        /// The type asked for.
        wanted: String,
        /// The types there are.
        found: Vec<String>,
    },
    /// No child of the index runs on the platform.
    #[error("the index has no manifest for platform `{wanted}`; it has: {}", listed(.found))]
    Platform {
        /// The platform asked for.
        wanted: String,
        /// The platforms there are.
        found: Vec<String>,
    },
}

impl Classify for Error {
    fn reason(&self) -> &'static str {
        match self {
            Self::Json(_)
            | Self::SchemaVersion(_)
            | Self::Ambiguous
            | Self::Neither
            | Self::MediaType { .. }
            | Self::TooMany { .. } => "ManifestInvalid",
            Self::Unsupported(_) => "ManifestUnsupported",
            Self::NoLayers | Self::LayerIndex { .. } | Self::LayerMediaType { .. } => "LayerNotFound",
            Self::Platform { .. } => "PlatformNotFound",
        }
    }

    fn class(&self) -> Class {
        Class::Terminal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_quote_little_of_foreign_names_and_nothing_of_control() {
        let name = format!("a\n\u{1b}[31m{}", "b".repeat(10_000));
        let (stated, found) = (name.clone(), vec![name.clone(), name.clone()]);
        for error in [
            Error::MediaType { stated, served: name.clone() },
            Error::Unsupported(name.clone()),
            Error::LayerMediaType { wanted: "c".to_owned(), found: found.clone() },
            Error::Platform { wanted: "c/d".to_owned(), found },
            Error::Json(serde::de::Error::custom(name)),
        ] {
            let text = error.to_string();
            assert!(text.len() < 600 && !text.chars().any(char::is_control), "{text:?}");
        }
    }
}
