//! What a status says about an artifact: `TAG@ALGORITHM:HEX`, or the digest alone (Flux RFC-0005).

use std::{fmt, str::FromStr};

use super::{Digest, DigestError, Tag, TagError};

/// A digest and the tag that it was found by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Revision {
    /// The tag, unless the digest was asked for.
    pub tag: Option<Tag>,
    /// The digest of the manifest, or of the index.
    pub digest: Digest,
}

/// Why a text is no revision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevisionError {
    /// What stands behind the last `@`, or the whole text, is no digest.
    #[error("the revision has no digest: {0}")]
    Digest(#[from] DigestError),
    /// What stands in front of the last `@` is no tag.
    #[error("the revision has no valid tag: {0}")]
    Tag(#[from] TagError),
}

impl Revision {
    /// Reads a revision; its digest stands behind the last `@`.
    pub fn parse(text: &str) -> Result<Self, RevisionError> {
        match text.rsplit_once('@') {
            Some((tag, digest)) => Ok(Self { tag: Some(Tag::parse(tag)?), digest: Digest::parse(digest)? }),
            None => Ok(Self { tag: None, digest: Digest::parse(text)? }),
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tag {
            Some(tag) => write!(f, "{tag}@{}", self.digest),
            None => self.digest.fmt(f),
        }
    }
}

impl FromStr for Revision {
    type Err = RevisionError;

    fn from_str(text: &str) -> Result<Self, RevisionError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn revision_prints_what_it_was_parsed_from() {
        for text in [format!("v1.0.0@sha256:{HEX}"), format!("sha256:{HEX}")] {
            assert_eq!(Revision::parse(&text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn revision_refuses_what_is_none() {
        for text in ["", "v1", "v1@", &format!("@sha256:{HEX}"), &format!("v1/x@sha256:{HEX}")] {
            assert!(Revision::parse(text).is_err(), "{text}");
        }
    }
}
