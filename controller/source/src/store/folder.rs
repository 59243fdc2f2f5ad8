//! A folder in the place of a storage: for runs without a controller.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use tempfile::{Builder, NamedTempFile};

use super::{Content, Owner, PublishFuture, Published, Store, StoreError};

/// Keeps the newest artifact of each owner as `<namespace>/<name>.tar.gz`, or nothing at all.
#[derive(Clone, Debug)]
pub struct Folder {
    root: Option<PathBuf>,
    now: Timestamp,
}

impl Folder {
    /// Keeps artifacts below `root`, which is created if it is missing; with `None` they are thrown away once they are
    /// complete. `now` is when they are said to have been stored.
    pub fn new(root: Option<PathBuf>, now: Timestamp) -> Self {
        Self { root, now }
    }

    /// Where the artifact of an owner is; `None` if nothing is kept.
    pub fn file(&self, owner: &Owner) -> Option<PathBuf> {
        self.root.as_ref().map(|root| root.join(&owner.namespace).join(format!("{}.tar.gz", owner.name)))
    }

    fn keep(&self, owner: &Owner, draft: NamedTempFile, content: &Content) -> Result<Published, StoreError> {
        for name in [&owner.namespace, &owner.name] {
            if !is_name(name) {
                return Err(StoreError::Name(name.chars().take(80).flat_map(char::escape_debug).collect()));
            }
        }
        if let Some(path) = self.file(owner) {
            let parent = path.parent().unwrap_or(&path);
            fs::create_dir_all(parent).map_err(|source| failed("creating the folder", parent, source))?;
            draft.persist(&path).map_err(|error| failed("creating", &path, error.error))?;
        }
        let Owner { namespace, name } = owner;
        let path = format!("ocirepository/{namespace}/{name}/{}.tar.gz", content.revision.digest);
        Ok(Published { path, at: self.now })
    }
}

impl Store for Folder {
    fn draft(&self) -> Result<NamedTempFile, StoreError> {
        let mut builder = Builder::new();
        let made = match &self.root {
            // As any file that is created: the umask takes away what nobody else may do.
            Some(root) => fs::create_dir_all(root).and_then(|()| {
                builder.prefix(".draft-").permissions(Permissions::from_mode(0o666)).tempfile_in(root)
            }),
            None => builder.tempfile(),
        };
        let place = self.root.clone().unwrap_or_else(std::env::temp_dir);
        made.map_err(|source| failed("creating a file in", &place, source))
    }

    fn publish<'a>(
        &'a self,
        owner: &'a Owner,
        draft: NamedTempFile,
        content: &'a Content,
    ) -> PublishFuture<'a> {
        let kept = self.keep(owner, draft, content);
        Box::pin(async { kept })
    }
}

/// Whether a text can be the name of an object: no folder of it leads anywhere else.
fn is_name(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
        && !text.starts_with('.')
}

fn failed(what: &str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Io { attempted: format!("{what} {}", path.display()), source }
}

#[cfg(test)]
mod tests {
    use oci_artifact::name::{Digest, Revision};

    use super::*;

    fn content() -> Content {
        let digest = Digest::of(b"x");
        Content { revision: Revision { tag: None, digest: digest.clone() }, digest, size: 1 }
    }

    fn owner(namespace: &str, name: &str) -> Owner {
        Owner { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    #[tokio::test]
    async fn folder_keeps_the_newest_artifact_and_no_drafts() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::new(Some(root.path().join("out")), Timestamp::UNIX_EPOCH);
        let abandoned = folder.draft().unwrap();
        for text in ["old", "new"] {
            let draft = folder.draft().unwrap();
            fs::write(draft.path(), text).unwrap();
            let (owner, content) = (owner("team", "app"), content());
            let published = folder.publish(&owner, draft, &content).await.unwrap();
            assert_eq!(published.path, format!("ocirepository/team/app/{}.tar.gz", content.digest));
        }
        drop(abandoned);
        assert_eq!(fs::read(root.path().join("out/team/app.tar.gz")).unwrap(), b"new");
        assert_eq!(fs::read_dir(root.path().join("out")).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn folder_refuses_names_that_lead_elsewhere() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::new(Some(root.path().to_owned()), Timestamp::UNIX_EPOCH);
        for (namespace, name) in [("..", "app"), ("team", "../app"), ("", "app"), ("team", "a/b"), ("T", "a")]
        {
            let (owner, content) = (owner(namespace, name), content());
            let draft = folder.draft().unwrap();
            let refused = folder.publish(&owner, draft, &content).await;
            assert!(matches!(refused, Err(StoreError::Name(_))), "{namespace}/{name}");
        }
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }
}
