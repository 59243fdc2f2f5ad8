//! Reading and writing the registry's content without a request.

use bytes::Bytes;
use oci_artifact::name::{Algorithm, Digest};

use super::{
    Registry, manifests,
    store::{Draft, Stored},
};

impl Registry {
    /// Stores a blob and returns its SHA-256 digest.
    pub fn put_blob(&self, repository: &str, bytes: &[u8]) -> Digest {
        let mut draft = Draft::new();
        draft.write(bytes).unwrap();
        let (content, digest) = draft.finish(Algorithm::Sha256).unwrap();
        self.shared.store.lock().unwrap().repository(repository).blobs.insert(digest.clone(), content);
        digest
    }

    /// Stores `bytes` under a digest that need not be theirs: a registry that lies.
    pub fn put_blob_as(&self, repository: &str, digest: &Digest, bytes: &[u8]) {
        let mut draft = Draft::new();
        draft.write(bytes).unwrap();
        let (content, _) = draft.finish(Algorithm::Sha256).unwrap();
        self.shared.store.lock().unwrap().repository(repository).blobs.insert(digest.clone(), content);
    }

    /// Stores a manifest without any check and returns its digest. `target` is a tag, or a digest, which then names
    /// the bytes even if it is not theirs.
    pub fn put_manifest(&self, repository: &str, target: &str, media_type: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::parse(target).unwrap_or_else(|_| Digest::of(bytes));
        let document = serde_json::from_slice(bytes).unwrap_or_default();
        let stored = Stored {
            media_type: media_type.to_owned(),
            bytes: Bytes::copy_from_slice(bytes),
            subject: manifests::subject(&document),
        };
        let mut store = self.shared.store.lock().unwrap();
        manifests::insert(store.repository(repository), target, &digest, stored);
        digest
    }

    /// Points a tag at a digest; it may dangle.
    pub fn put_tag(&self, repository: &str, tag: &str, digest: &Digest) {
        let mut store = self.shared.store.lock().unwrap();
        store.repository(repository).tags.insert(tag.to_owned(), digest.clone());
    }

    /// The bytes of the manifest behind a tag or a digest.
    pub fn manifest(&self, repository: &str, target: &str) -> Option<Vec<u8>> {
        let store = self.shared.store.lock().unwrap();
        let repository = store.repositories.get(repository)?;
        let digest = repository.resolve(target)?;
        Some(repository.manifests.get(&digest)?.bytes.to_vec())
    }

    /// The digest behind a tag.
    pub fn digest(&self, repository: &str, tag: &str) -> Option<Digest> {
        self.shared.store.lock().unwrap().repositories.get(repository)?.tags.get(tag).cloned()
    }

    /// All tags in lexical order.
    pub fn tags(&self, repository: &str) -> Vec<String> {
        let store = self.shared.store.lock().unwrap();
        store
            .repositories
            .get(repository)
            .map(|found| found.tags.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// The bytes of a blob.
    pub fn blob(&self, repository: &str, digest: &Digest) -> Option<Vec<u8>> {
        let content = self.shared.store.lock().unwrap().blob(repository, digest)?;
        Some(content.read().unwrap().to_vec())
    }

    /// The digests of all blobs.
    pub fn blobs(&self, repository: &str) -> Vec<Digest> {
        let store = self.shared.store.lock().unwrap();
        store
            .repositories
            .get(repository)
            .map(|found| found.blobs.keys().cloned().collect())
            .unwrap_or_default()
    }
}
