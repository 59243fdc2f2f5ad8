//! What the registry holds. Content above one MiB lives in temporary files, so that a large push costs no memory.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _, Write as _},
    sync::Arc,
};

use bytes::Bytes;
use oci_artifact::name::{Algorithm, Digest, Hasher};
use tempfile::TempPath;

/// Above this a blob lives in a file.
const SPILL_BYTES: usize = 1 << 20;

/// Bytes in memory or in a file that goes away with its last user.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Memory(Bytes),
    File { path: Arc<TempPath>, length: u64 },
}

impl Content {
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File { length, .. } => *length,
        }
    }

    pub(super) fn read(&self) -> io::Result<Bytes> {
        match self {
            Self::Memory(bytes) => Ok(bytes.clone()),
            Self::File { path, .. } => {
                let mut all = Vec::new();
                File::open(path.as_ref())?.read_to_end(&mut all)?;
                Ok(all.into())
            }
        }
    }
}

/// Content that is being written, hashed on the way.
#[derive(Debug)]
pub(super) struct Draft {
    memory: Vec<u8>,
    file: Option<(File, TempPath)>,
    length: u64,
    sha256: Hasher,
}

impl Draft {
    pub(super) fn new() -> Self {
        Self { memory: Vec::new(), file: None, length: 0, sha256: Hasher::new(Algorithm::Sha256) }
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sha256.update(bytes);
        self.length += bytes.len() as u64;
        if self.file.is_none() && self.memory.len() + bytes.len() > SPILL_BYTES {
            let (mut file, path) = tempfile::NamedTempFile::new()?.into_parts();
            file.write_all(&self.memory)?;
            self.memory = Vec::new();
            self.file = Some((file, path));
        }
        if let Some((file, _)) = &mut self.file {
            return file.write_all(bytes);
        }
        self.memory.extend_from_slice(bytes);
        Ok(())
    }

    /// The content and the digest over it. SHA-512 is rare, so it costs a second pass.
    pub(super) fn finish(self, algorithm: Algorithm) -> io::Result<(Content, Digest)> {
        let content = match self.file {
            Some((_, path)) => Content::File { path: Arc::new(path), length: self.length },
            None => Content::Memory(self.memory.into()),
        };
        let digest = match algorithm {
            Algorithm::Sha256 => self.sha256.finish(),
            Algorithm::Sha512 => {
                let mut hasher = Hasher::new(Algorithm::Sha512);
                hasher.update(&content.read()?);
                hasher.finish()
            }
        };
        Ok((content, digest))
    }
}

/// A manifest as it was put.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) media_type: String,
    pub(super) bytes: Bytes,
    pub(super) subject: Option<Digest>,
}

#[derive(Debug, Default)]
pub(super) struct Repository {
    pub(super) blobs: BTreeMap<Digest, Content>,
    pub(super) manifests: BTreeMap<Digest, Stored>,
    pub(super) tags: BTreeMap<String, Digest>,
}

impl Repository {
    /// The digest that a tag or a digest stands for, if it is here.
    pub(super) fn resolve(&self, target: &str) -> Option<Digest> {
        match Digest::parse(target) {
            Ok(digest) => self.manifests.contains_key(&digest).then_some(digest),
            Err(_) => self.tags.get(target).cloned(),
        }
    }
}

/// All repositories and open upload sessions.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) repositories: BTreeMap<String, Repository>,
    pub(super) uploads: BTreeMap<String, Draft>,
    sessions: u64,
}

impl Store {
    pub(super) fn open_upload(&mut self) -> String {
        self.sessions += 1;
        let id = format!("session-{}", self.sessions);
        self.uploads.insert(id.clone(), Draft::new());
        id
    }

    pub(super) fn blob(&self, repository: &str, digest: &Digest) -> Option<Content> {
        self.repositories.get(repository)?.blobs.get(digest).cloned()
    }

    pub(super) fn repository(&mut self, name: &str) -> &mut Repository {
        self.repositories.entry(name.to_owned()).or_default()
    }
}
