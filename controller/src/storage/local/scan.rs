//! What is on a volume when it is opened.

use std::{
    collections::HashMap,
    fs::{self, DirEntry},
    io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use oci_artifact::name::{Algorithm, Digest};
use oci_source::store::StoreError;

use crate::storage::{
    KIND, LATEST,
    error::Attempt,
    file::{self, Identity, Inode},
    hash,
    index::Index,
    local::{DRAFTS, make_folder},
    names::{self, Kind},
};

/// What was found when a storage was opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scan {
    /// Files that are served.
    pub files: usize,
    /// Bytes that were read.
    pub bytes: u64,
    /// Leftovers that were removed.
    pub leftovers: usize,
    /// Files that could not be read.
    pub unreadable: usize,
    /// How long it took.
    pub took: Duration,
}

/// Files with one content, before it is read: its names, as folder and file.
struct Candidate {
    identity: Identity,
    names: Vec<(Arc<str>, String)>,
}

/// Prepares the folders, and removes drafts of a process that was killed.
pub(super) fn clean(root: &Path) -> Result<(), StoreError> {
    for folder in [DRAFTS, KIND] {
        let path = root.join(folder);
        make_folder(&path).attempt(|| format!("creating the folder {}", path.display()))?;
    }
    let drafts = root.join(DRAFTS);
    for entry in entries(&drafts)? {
        let path = entry.path();
        fs::remove_file(&path).attempt(|| format!("removing the leftover {}", path.display()))?;
    }
    Ok(())
}

/// Reads everything.
pub(super) fn scan(root: &Path, algorithm: Algorithm) -> Result<(Index<Inode>, Scan), StoreError> {
    let start = Instant::now();
    let mut found = Found::default();
    let kind = root.join(KIND);
    for namespace in folders(&kind)? {
        for name in folders(&kind.join(&namespace))? {
            let key = format!("{namespace}/{name}");
            found.folder(&kind.join(&key), &key.into())?;
        }
        // Fails if something is in it, which is what it is for.
        let _ = fs::remove_dir(kind.join(&namespace));
    }
    let candidates: Vec<_> = found.files.into_values().collect();
    let digests = hash_all(&kind, &candidates, algorithm);
    let mut scan = Scan { leftovers: found.leftovers, ..Scan::default() };
    let mut index = Index::default();
    for (candidate, digest) in candidates.into_iter().zip(digests) {
        let Some(digest) = digest else {
            scan.unreadable += candidate.names.len();
            continue;
        };
        scan.files += candidate.names.len();
        scan.bytes += candidate.identity.size();
        let inode = Arc::new(Inode::new(digest, candidate.identity));
        for (key, name) in candidate.names {
            index.insert(&key, &name, Arc::clone(&inode));
        }
    }
    for (key, name) in found.latest {
        index.renew(&key, &name, tokio::time::Instant::now());
    }
    index.guess_newest();
    scan.took = start.elapsed();
    Ok((index, scan))
}

#[derive(Default)]
struct Found {
    files: HashMap<(u64, u64), Candidate>,
    latest: Vec<(Arc<str>, String)>,
    leftovers: usize,
}

impl Found {
    /// Notes the files of one owner.
    fn folder(&mut self, folder: &Path, key: &Arc<str>) -> Result<(), StoreError> {
        for entry in entries(folder)? {
            let (path, name) = (entry.path(), entry.file_name());
            let Some(name) = name.to_str() else {
                continue;
            };
            // Of what lies there, not of what a link points to.
            let about = entry.metadata().attempt(|| format!("looking at {}", path.display()))?;
            match (names::kind(name), Identity::of(&about)) {
                (Kind::Artifact, Some(identity)) => {
                    let candidate = self.files.entry(identity.file());
                    let candidate = candidate.or_insert_with(|| Candidate { identity, names: Vec::new() });
                    candidate.names.push((Arc::clone(key), name.to_owned()));
                }
                (Kind::Latest, None) if about.is_symlink() => self.latest.extend(target(&path, key)),
                (Kind::Leftover, _) if !about.is_dir() => {
                    fs::remove_file(&path).attempt(|| format!("removing the leftover {}", path.display()))?;
                    self.leftovers += 1;
                }
                _ => {}
            }
        }
        let _ = fs::remove_dir(folder);
        Ok(())
    }
}

/// The file that `latest` points to: only its name counts, because Flux writes where the volume was mounted then.
fn target(path: &Path, key: &Arc<str>) -> Option<(Arc<str>, String)> {
    let target = fs::read_link(path).ok()?;
    let name = target.file_name()?.to_str()?;
    (name != LATEST).then(|| (Arc::clone(key), name.to_owned()))
}

/// The names of real folders that objects can have.
pub(super) fn folders(path: &Path) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    for entry in entries(path)? {
        let real = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let name = entry.file_name().into_string().ok();
        names.extend(name.filter(|name| real && names::is_subdomain(name)));
    }
    Ok(names)
}

pub(super) fn entries(path: &Path) -> Result<Vec<DirEntry>, StoreError> {
    fs::read_dir(path).and_then(Iterator::collect).attempt(|| format!("listing {}", path.display()))
}

/// The digests of all files, in their order; `None` for one that cannot be read.
fn hash_all(kind: &Path, candidates: &[Candidate], algorithm: Algorithm) -> Vec<Option<Digest>> {
    let next = AtomicUsize::new(0);
    let digests = Mutex::new(vec![None; candidates.len()]);
    let work = || {
        while let Some((at, candidate)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            candidates.get(at).map(|candidate| (at, candidate))
        } {
            let Some((key, name)) = candidate.names.first() else {
                continue;
            };
            let path = kind.join(&**key).join(name);
            match hash_one(&path, candidate.identity, algorithm) {
                Ok(digest) => {
                    let mut digests = digests.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(slot) = digests.get_mut(at) {
                        *slot = Some(digest);
                    }
                }
                Err(error) => tracing::warn!(path = %path.display(), %error, "a stored file cannot be read"),
            }
        }
    };
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        for _ in 1..cores.min(candidates.len()) {
            scope.spawn(work);
        }
        work();
    });
    digests.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn hash_one(path: &Path, expected: Identity, algorithm: Algorithm) -> io::Result<Digest> {
    match hash::hash(file::open(path)?, algorithm)? {
        Some((digest, identity)) if identity == expected => Ok(digest),
        _ => Err(io::Error::other("it was changed while it was read")),
    }
}
