//! OCI image layouts: a registry's content as a folder, for air-gapped work.
//!
//! OCI image-spec 1.1, "Image Layout": `oci-layout`, `index.json` and `blobs/<algorithm>/<hex>`. Tags are the
//! annotation `org.opencontainers.image.ref.name` of the entries of `index.json`. Content is read as untrusted:
//! bounded, regular files only, and checked against its digest; every write is a temporary file that is renamed.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use oci_artifact::{
    limits::{self, Budget},
    manifest::{Descriptor, Document, Index},
    name::{Digest, Hasher, Tag, Target},
};

use crate::{
    error::{Error, Fault},
    manifests::Fetched,
    source::{BlobSource, ByteStream, FileSource},
};

/// Annotation that holds the tag of an entry.
const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// Content of the file `oci-layout`.
const MARKER: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// A layout folder.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout in `root`, which need not exist before something is stored.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All tags in the order of the index.
    pub fn tags(&self) -> Result<Vec<Tag>, Error> {
        let index = self.index().map_err(|fault| fault.during(self.action("reading")))?;
        Ok(index
            .manifests
            .iter()
            .filter_map(|entry| Tag::parse(entry.annotations.get(REF_NAME)?).ok())
            .collect())
    }

    /// The only artifact that the layout lists, if there is just one; signatures beside it are none.
    pub fn only(&self) -> Option<Digest> {
        let index = self.index().ok()?;
        let mut artifacts = index.manifests.iter().filter(|entry| !is_signature(entry));
        match (artifacts.next(), artifacts.next()) {
            (Some(only), None) => Some(only.digest.clone()),
            _ => None,
        }
    }

    /// The entries without a name whose subject is `digest`.
    pub(crate) fn referrers(&self, digest: &Digest) -> Result<Vec<Descriptor>, Error> {
        let index = self.index().map_err(|fault| fault.during(self.action("reading")))?;
        let mut found = Vec::new();
        for entry in index.manifests.into_iter().filter(|entry| !entry.annotations.contains_key(REF_NAME)) {
            let fetched = self.manifest(&Target::Digest(entry.digest.clone()))?;
            if subject(&fetched).is_some_and(|subject| subject.digest == *digest) {
                found.push(Descriptor {
                    artifact_type: artifact_type(&fetched),
                    annotations: fetched.document.annotations().clone(),
                    ..entry
                });
            }
        }
        Ok(found)
    }

    /// A manifest or index by tag, or by the digest of any blob that is one.
    pub fn manifest(&self, target: &Target) -> Result<Fetched, Error> {
        let action = self.action(&format!("reading the manifest `{target}` of"));
        self.read_manifest(target).map_err(|fault| fault.during(action))
    }

    fn read_manifest(&self, target: &Target) -> Result<Fetched, Fault> {
        let index = self.index()?;
        let entry = index.manifests.iter().find(|entry| match target {
            Target::Tag(tag) => entry.annotations.get(REF_NAME).is_some_and(|name| name == tag.as_str()),
            Target::Digest(digest) => entry.digest == *digest,
        });
        let digest = match (entry, target) {
            (Some(entry), _) => entry.digest.clone(),
            (None, Target::Digest(digest)) => digest.clone(),
            (None, Target::Tag(tag)) => return Err(missing(tag.to_string(), &index)),
        };
        let bytes = read_bounded(&self.blob_path(&digest), "the manifest").map_err(|fault| match fault {
            Fault::File { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                missing(target.to_string(), &index)
            }
            other => other,
        })?;
        Fetched::check(bytes.into(), entry.map(|entry| entry.media_type.as_str()), &Target::Digest(digest))
    }

    /// Whether a blob of that size is there. Its content is checked when it is read.
    pub fn has_blob(&self, blob: &Descriptor) -> bool {
        fs::symlink_metadata(self.blob_path(&blob.digest))
            .is_ok_and(|found| found.is_file() && found.len() == blob.size)
    }

    /// A blob to be read, checked against size and digest while it is opened.
    pub fn blob(&self, blob: &Descriptor) -> Result<FileSource, Error> {
        let action = self.action(&format!("reading blob {} of", blob.digest));
        self.open_blob(blob).map_err(|fault| fault.during(action))
    }

    fn open_blob(&self, blob: &Descriptor) -> Result<FileSource, Fault> {
        let path = self.blob_path(&blob.digest);
        let mut file = open_regular(&path)?;
        let mut hasher = Hasher::new(blob.digest.algorithm());
        let mut buffer = vec![0; 256 << 10];
        let mut size = 0_u64;
        loop {
            let count = file.read(&mut buffer).map_err(|source| failed("reading", &path, source))?;
            if count == 0 {
                break;
            }
            size += count as u64;
            hasher.update(buffer.get(..count).unwrap_or_default());
        }
        if size != blob.size {
            return Err(Fault::Size { expected: blob.size, actual: size });
        }
        let actual = hasher.finish();
        if actual != blob.digest {
            return Err(Fault::Digest { expected: blob.digest.clone(), actual });
        }
        Ok(FileSource::new(file, size))
    }

    /// Stores a blob; it appears under its name only if size and digest are right.
    pub async fn put_blob(&self, blob: &Descriptor, source: &dyn BlobSource) -> Result<(), Error> {
        let action = self.action(&format!("storing blob {} in", blob.digest));
        let stream = source.open().await?;
        self.store(&blob.digest, blob.size, stream).await.map_err(|fault| fault.during(action))
    }

    async fn store(&self, digest: &Digest, size: u64, mut stream: ByteStream) -> Result<(), Fault> {
        let path = self.blob_path(digest);
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(|source| failed("creating", folder, source))?;
        let mut file = temporary(folder)?;
        let mut hasher = Hasher::new(digest.algorithm());
        let mut done = 0_u64;
        while let Some(chunk) = stream.try_next().await.map_err(|error| *error.fault)? {
            done += chunk.len() as u64;
            hasher.update(&chunk);
            file.write_all(&chunk).map_err(|source| failed("writing", &path, source))?;
        }
        if done != size {
            return Err(Fault::Size { expected: size, actual: done });
        }
        let actual = hasher.finish();
        if actual != *digest {
            return Err(Fault::Digest { expected: digest.clone(), actual });
        }
        persist(file, &path)
    }

    /// Stores a manifest's exact bytes and lists it in the index, once for each tag, or once without one.
    ///
    /// `listed` false stores a child of an index, which is found through its parent.
    pub async fn put_manifest(&self, fetched: &Fetched, tags: &[Tag], listed: bool) -> Result<(), Error> {
        let action = self.action(&format!("storing manifest {} in", fetched.digest));
        let source: Bytes = fetched.bytes.clone();
        let stream = source.open().await?;
        let stored = self.store(&fetched.digest, fetched.bytes.len() as u64, stream).await;
        stored
            .and_then(|()| if listed { self.list(fetched, tags) } else { Ok(()) })
            .map_err(|f| f.during(action))
    }

    fn list(&self, fetched: &Fetched, tags: &[Tag]) -> Result<(), Fault> {
        let mut index = match self.index() {
            Ok(index) => index,
            Err(Fault::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Index::new(Vec::new())
            }
            Err(fault) => return Err(fault),
        };
        let entry = |tag: Option<&Tag>| Descriptor {
            annotations: tag.iter().map(|tag| (REF_NAME.to_owned(), tag.to_string())).collect(),
            artifact_type: subject(fetched).and_then(|_| artifact_type(fetched)),
            ..Descriptor::new(&fetched.media_type, fetched.digest.clone(), fetched.bytes.len() as u64)
        };
        let taken = |name: &String| tags.iter().any(|tag| tag.as_str() == name);
        index.manifests.retain(|old| !old.annotations.get(REF_NAME).is_some_and(taken));
        if tags.is_empty() && !index.manifests.iter().any(|old| old.digest == fetched.digest) {
            index.manifests.push(entry(None));
        }
        index.manifests.extend(tags.iter().map(|tag| entry(Some(tag))));
        let text = serde_json::to_vec(&index)
            .map_err(|error| Fault::Setup(format!("writing index.json: {error}")))?;
        self.write_file("oci-layout", MARKER.as_bytes())?;
        self.write_file("index.json", &text)
    }

    fn index(&self) -> Result<Index, Fault> {
        let bytes = read_bounded(&self.root.join("index.json"), "index.json")?;
        match Document::parse(&bytes, Some(oci_artifact::manifest::OCI_INDEX))? {
            Document::Index(index) => Ok(index),
            Document::Manifest(_) => Err(Fault::Protocol("index.json is no index".into())),
        }
    }

    fn write_file(&self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        let path = self.root.join(name);
        let mut file = temporary(&self.root)?;
        file.write_all(bytes).map_err(|source| failed("writing", &path, source))?;
        persist(file, &path)
    }

    fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs").join(digest.algorithm().name()).join(digest.hex())
    }

    fn action(&self, what: &str) -> String {
        format!("{what} the OCI layout `{}`", self.root.display())
    }
}

/// What a manifest refers to.
fn subject(fetched: &Fetched) -> Option<&Descriptor> {
    match &fetched.document {
        Document::Manifest(manifest) => manifest.subject.as_ref(),
        Document::Index(_) => None,
    }
}

/// The type of a manifest as lists of referrers have it.
fn artifact_type(fetched: &Fetched) -> Option<String> {
    match &fetched.document {
        Document::Manifest(manifest) => {
            Some(manifest.artifact_type.clone().unwrap_or_else(|| manifest.config.media_type.clone()))
        }
        Document::Index(_) => None,
    }
}

/// Whether an entry was listed as a referrer, or has the name of an artifact's signatures.
fn is_signature(entry: &Descriptor) -> bool {
    match entry.annotations.get(REF_NAME) {
        Some(name) => name.strip_prefix("sha256-").and_then(|name| name.strip_suffix(".sig")).is_some(),
        None => entry.artifact_type.is_some(),
    }
}

/// At most twenty names of what there is.
fn missing(wanted: String, index: &Index) -> Fault {
    let name = |entry: &Descriptor| match entry.annotations.get(REF_NAME) {
        Some(name) => format!("{name} ({})", entry.digest),
        None => entry.digest.to_string(),
    };
    Fault::NotInLayout { wanted, found: index.manifests.iter().take(20).map(name).collect() }
}

fn temporary(folder: &Path) -> Result<tempfile::NamedTempFile, Fault> {
    tempfile::Builder::new()
        .prefix(".incoming-")
        .tempfile_in(folder)
        .map_err(|source| failed("creating a temporary file in", folder, source))
}

fn persist(file: tempfile::NamedTempFile, path: &Path) -> Result<(), Fault> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // Temporary files are private; a layout is there to be read by others.
        let readable = fs::Permissions::from_mode(0o644);
        file.as_file().set_permissions(readable).map_err(|source| failed("writing", path, source))?;
    }
    file.as_file().sync_all().map_err(|source| failed("writing", path, source))?;
    file.persist(path).map(drop).map_err(|error| failed("renaming to", path, error.error))
}

/// A regular file; nothing that could block or lead elsewhere.
fn open_regular(path: &Path) -> Result<File, Fault> {
    let found = fs::symlink_metadata(path).map_err(|source| failed("opening", path, source))?;
    if !found.is_file() {
        return Err(failed("opening", path, io::Error::other("not a regular file")));
    }
    File::open(path).map_err(|source| failed("opening", path, source))
}

fn read_bounded(path: &Path, what: &'static str) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    let file = open_regular(path)?;
    Budget::new(file, limits::MANIFEST_BYTES, what)
        .read_to_end(&mut out)
        .map_err(|source| failed("reading", path, source))?;
    Ok(out)
}

fn failed(what: &'static str, path: &Path, source: io::Error) -> Fault {
    Fault::File { what, path: path.display().to_string(), source }
}
