//! Files: those that flags name, and what is kept beside the artifacts.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use jiff::Timestamp;
use oci_artifact::limits::{Budget, TRUSTED_ROOT_BYTES};
use oci_verify::tuf::SAVED_BYTES;
use tokio::task::spawn_blocking;

use super::TrustError;

/// What is kept of a repository, in the storage's folder.
const NAME: &str = ".sigstore-tuf.json";

/// All of a file of at most `limit` bytes, and when it was written.
fn read(path: &Path, limit: usize, what: &'static str) -> io::Result<(Vec<u8>, SystemTime)> {
    let file = File::open(path)?;
    let written = file.metadata()?.modified()?;
    let mut bytes = Vec::new();
    Budget::new(file, limit as u64, what).read_to_end(&mut bytes)?;
    Ok((bytes, written))
}

/// A `trusted_root.json`, and when it was written.
pub(super) fn trusted_root(path: &Path) -> io::Result<(Vec<u8>, Timestamp)> {
    let (bytes, written) = read(path, TRUSTED_ROOT_BYTES, "the trusted root")?;
    Ok((bytes, Timestamp::try_from(written).unwrap_or_default()))
}

/// A `root.json` of TUF.
pub(super) fn anchor(path: &Path) -> Result<Vec<u8>, TrustError> {
    let flag = "sigstore-tuf-root";
    let anchor = read(path, TRUSTED_ROOT_BYTES, "root.json");
    anchor.map(|(bytes, _)| bytes).map_err(|source| TrustError::File { flag, path: path.to_owned(), source })
}

/// What the last process has left, if it has.
pub(super) async fn load(folder: &Path) -> io::Result<Option<Vec<u8>>> {
    let path = folder.join(NAME);
    let read = move || match read(&path, SAVED_BYTES, "what was kept") {
        Ok((bytes, _)) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    spawn_blocking(read).await.map_err(io::Error::other)?
}

/// Leaves something for the next process: all of it or what was there before.
pub(super) async fn keep(folder: &Path, bytes: Vec<u8>) -> io::Result<()> {
    let folder: PathBuf = folder.to_owned();
    let write = move || {
        // Whoever holds the storage is alone in it, so one name for half of a file is enough.
        let (draft, path) = (folder.join(".sigstore-tuf.json.new"), folder.join(NAME));
        let mut file = File::create(&draft)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        File::open(&folder)?.sync_all()
    };
    spawn_blocking(write).await.map_err(io::Error::other)?
}
