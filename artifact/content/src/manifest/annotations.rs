//! Annotations: the names of RFC-0003 and the `key=value` form of the command line.

use std::str::FromStr;

/// When the artifact was made, RFC 3339.
pub const CREATED: &str = "org.opencontainers.image.created";
/// Where its content comes from, usually the URL of a Git repository.
pub const SOURCE: &str = "org.opencontainers.image.source";
/// The revision in that source, `<branch or tag>@sha1:<commit>`.
pub const REVISION: &str = "org.opencontainers.image.revision";

/// One `key=value`. The value may contain `=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// The key.
    pub key: String,
    /// The value, possibly empty.
    pub value: String,
}

/// Why a text is no annotation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("annotation `{}` must be of the form key=value", .0.escape_debug())]
pub struct AnnotationError(String);

impl FromStr for Annotation {
    type Err = AnnotationError;

    fn from_str(text: &str) -> Result<Self, AnnotationError> {
        match text.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                Ok(Self { key: key.trim().to_owned(), value: value.to_owned() })
            }
            Some(_) | None => Err(AnnotationError(text.chars().take(80).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotation_keeps_equal_signs_of_the_value() {
        let parsed: Annotation = "query=a=b&c=d".parse().unwrap();
        assert_eq!((parsed.key.as_str(), parsed.value.as_str()), ("query", "a=b&c=d"));
        assert_eq!("empty=".parse::<Annotation>().unwrap().value, "");
    }

    #[test]
    fn annotation_needs_a_key() {
        assert!("novalue".parse::<Annotation>().is_err());
        assert!("=value".parse::<Annotation>().is_err());
    }
}
