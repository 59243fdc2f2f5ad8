//! The tags of a new artifact: that of the URL and those of `--tag`.

use oci_artifact::name::{Tag, TagError, Target};

use crate::error::Error;

/// Tags in the order they were given, each once.
#[derive(Clone, Debug, Default)]
pub(crate) struct TagList(Vec<Tag>);

impl TagList {
    /// The URL's tag, if it has one, and the others. A digest cannot be written to.
    pub(crate) fn new(target: Option<&Target>, more: &[String]) -> Result<Self, Error> {
        let mut tags = match target {
            Some(Target::Digest(_)) => {
                return Err(Error::usage(
                    "cannot push to a digest: give a tag, the digest follows from the content",
                ));
            }
            Some(Target::Tag(tag)) => vec![tag.clone()],
            None => Vec::new(),
        };
        for tag in parse(more)? {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        Ok(Self(tags))
    }

    /// These, or `tag` if there are none.
    pub(crate) fn or(mut self, tag: impl FnOnce() -> Option<Tag>) -> Self {
        if self.0.is_empty() {
            self.0.extend(tag());
        }
        self
    }

    /// All of them.
    pub(crate) fn as_slice(&self) -> &[Tag] {
        &self.0
    }
}

/// Tags as they are typed.
pub(crate) fn parse(texts: &[String]) -> Result<Vec<Tag>, TagError> {
    texts.iter().map(|text| Tag::parse(text)).collect()
}
