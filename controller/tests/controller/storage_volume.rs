//! A volume of a test's own, and what is put on it.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use oci_artifact::name::{Digest, Revision};
use oci_controller::storage::{Local, StorageOptions};
use oci_crds::v1::Artifact;
use oci_decide::Stored;
use oci_source::store::{Content, Owner, Published, Store as _, StoreError};
use tempfile::TempDir;

/// A volume that is removed at the end.
pub(crate) struct Volume(TempDir);

impl Volume {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn open(&self) -> Local {
        open(self.root())
    }

    /// A file below the root.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// Names of drafts that are left.
    pub(crate) fn drafts(&self) -> Vec<String> {
        list(&self.path(".drafts"))
    }

    pub(crate) fn inode(&self, path: &str) -> u64 {
        fs::metadata(self.path(path)).unwrap().ino()
    }
}

pub(crate) fn open(root: &Path) -> Local {
    Local::open(root, StorageOptions::default(), now).unwrap()
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

/// Names in a folder, in order.
pub(crate) fn list(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub(crate) fn owner(name: &str) -> Owner {
    Owner { namespace: "apps".to_owned(), name: name.to_owned() }
}

/// What is made from the manifest `revision`, in words.
pub(crate) fn content(revision: &str, bytes: &[u8]) -> Content {
    Content {
        revision: Revision { tag: None, digest: Digest::of(revision.as_bytes()) },
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
    }
}

/// The path of the first content of a revision.
pub(crate) fn plain_path(name: &str, revision: &str) -> String {
    format!("ocirepository/apps/{name}/{}.tar.gz", Digest::of(revision.as_bytes()))
}

pub(crate) async fn try_publish(
    storage: &Local,
    name: &str,
    revision: &str,
    bytes: &[u8],
) -> Result<Published, StoreError> {
    let mut draft = storage.draft()?;
    draft.write_all(bytes).unwrap();
    storage.publish(&owner(name), draft, &content(revision, bytes)).await
}

/// Publishes, and returns what the status then says.
pub(crate) async fn publish(storage: &Local, name: &str, revision: &str, bytes: &[u8]) -> Artifact {
    let published = try_publish(storage, name, revision, bytes).await.unwrap();
    artifact(&published.path, bytes)
}

/// What a status says about a file.
pub(crate) fn artifact(path: &str, bytes: &[u8]) -> Artifact {
    Artifact {
        path: path.to_owned(),
        digest: Digest::of(bytes).to_string(),
        size: Some(i64::try_from(bytes.len()).unwrap()),
        revision: "v1".to_owned(),
        ..Artifact::default()
    }
}

pub(crate) async fn assert_whole(storage: &Local, name: &str, artifact: &Artifact) {
    assert_eq!(storage.look(&owner(name), artifact).await, Stored::Whole, "{name}: {}", artifact.path);
}

/// Ends a storage as a kill does: nothing is tidied up, only the lock is gone.
pub(crate) fn kill(storage: Local) {
    drop(storage);
}
