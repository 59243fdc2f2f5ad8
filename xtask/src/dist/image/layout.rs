//! The folder that the image is written into: an OCI image layout, as `kubectl oci copy` reads it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use oci_artifact::{
    manifest::{Descriptor, Document, Index, OCI_INDEX, to_bytes},
    name::Digest,
};
use serde::Serialize;

use crate::{
    dist::archive::write_text,
    error::{At as _, Error, Result},
};

/// Annotation that holds the tag of an entry.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// A layout folder.
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// In `root`, which need not exist.
    pub(super) fn create(root: &Path) -> Result<Self> {
        let blobs = root.join("blobs/sha256");
        fs::create_dir_all(&blobs).at(blobs)?;
        write_text(&root.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        Ok(Self { root: root.to_owned() })
    }

    /// Where a blob is or will be.
    pub(super) fn blob(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs").join(digest.algorithm().name()).join(digest.hex())
    }

    /// Stores bytes.
    pub(super) fn put(&self, media_type: &str, bytes: &[u8]) -> Result<Descriptor> {
        let digest = Digest::of(bytes);
        write_text(&self.blob(&digest), bytes)?;
        Ok(Descriptor::new(media_type, digest, bytes.len() as u64))
    }

    /// Stores a manifest or an index.
    pub(super) fn put_document(&self, media_type: &str, document: &impl Serialize) -> Result<Descriptor> {
        self.put(media_type, &to_bytes(document))
    }

    /// Lists what was stored, in place of what had the tag.
    pub(super) fn list(&self, entry: &Descriptor, tag: &str) -> Result<()> {
        let mut entries = self.entries()?;
        entries.retain(|old| name(old) != Some(tag));
        let mut entry = entry.clone();
        entry.annotations.insert(REF_NAME.to_owned(), tag.to_owned());
        entries.push(entry);
        // The order does not tell what was built first.
        entries.sort_by(|one, two| name(one).cmp(&name(two)));
        write_text(&self.root.join("index.json"), &to_bytes(&Index::new(entries)))
    }

    /// The entries whose tags begin so, without their tags.
    pub(super) fn tagged(&self, prefix: &str) -> Result<Vec<Descriptor>> {
        let mut entries = self.entries()?;
        entries.retain(|entry| name(entry).is_some_and(|name| name.starts_with(prefix)));
        for entry in &mut entries {
            entry.annotations.remove(REF_NAME);
        }
        Ok(entries)
    }

    fn entries(&self) -> Result<Vec<Descriptor>> {
        let path = self.root.join("index.json");
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            read => read.at(&path)?,
        };
        match Document::parse(&bytes, Some(OCI_INDEX)) {
            Ok(Document::Index(index)) => Ok(index.manifests),
            Ok(Document::Manifest(_)) => Err(Error::Wrong(format!("{} is no index", path.display()))),
            Err(error) => Err(Error::Wrong(format!("{}: {error}", path.display()))),
        }
    }
}

fn name(entry: &Descriptor) -> Option<&str> {
    entry.annotations.get(REF_NAME).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_replaces_what_has_the_tag() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path()).unwrap();
        let entry = |text: &str| layout.put(OCI_INDEX, text.as_bytes()).unwrap();
        let (one, two) = (entry("one"), entry("two"));
        layout.list(&one, "v1-linux-amd64").unwrap();
        layout.list(&two, "v1-linux-amd64").unwrap();
        layout.list(&one, "v1").unwrap();
        layout.list(&one, "v1-linux-arm64").unwrap();
        assert_eq!(layout.tagged("v1-linux-").unwrap(), [two, one.clone()]);
        let entries = layout.entries().unwrap();
        let names: Vec<_> = entries.iter().filter_map(name).collect();
        assert_eq!(names, ["v1", "v1-linux-amd64", "v1-linux-arm64"], "whichever was built first");
        assert_eq!(fs::read(layout.blob(&one.digest)).unwrap(), b"one");
    }
}
