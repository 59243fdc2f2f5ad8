//! The file: read with bounds, replaced as a whole.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use oci_artifact::limits::OverBudget;

use super::{
    super::{
        ConfigError,
        docker_config::{CONFIG_BYTES, DockerConfig, shown},
    },
    StoreError,
};

/// How often a change of somebody else is taken in.
const TRIES: usize = 5;
/// Links that are followed to a file.
const LINKS: usize = 40;

/// The bytes of the file and what they mean; an absent one is empty.
pub(super) struct Content {
    pub(super) text: Vec<u8>,
    pub(super) config: DockerConfig,
}

/// Reads the file, which somebody may be about to change.
pub(super) fn read(path: &Path) -> Result<Content, StoreError> {
    let (text, _) = load(path)?;
    let config = DockerConfig::parse(&text, &path.to_string_lossy())?;
    if !text.trim_ascii().is_empty() && body(&text).first() != Some(&b'{') {
        let fault = "a value of the wrong type";
        return Err(ConfigError::Json { origin: name(path), fault, line: 1, column: 1 }.into());
    }
    Ok(Content { text, config })
}

/// Replaces the text by what `change` makes of it, all at once; `false` if it makes nothing.
pub(super) fn update(path: &Path, change: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Result<bool, StoreError> {
    for _ in 0..TRIES {
        let before = read(path)?;
        // A byte order mark is no part of the text, and stays.
        let mark = before.text.len() - body(&before.text).len();
        let (mark, text) = before.text.split_at(mark);
        let Some(after) = change(text) else { return Ok(false) };
        if replace(path, &before.text, &[mark, &after].concat())? {
            return Ok(true);
        }
    }
    Err(StoreError::Contended { file: name(path) })
}

/// For messages.
pub(super) fn name(path: &Path) -> String {
    shown(&path.to_string_lossy())
}

/// The text without a byte order mark and white space before it.
pub(super) fn body(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start()
}

fn load(path: &Path) -> Result<(Vec<u8>, Option<Metadata>), StoreError> {
    let failed = |source| failed(path, "reading credentials file", source);
    // Looked at first: opening a pipe would wait for its other end.
    let data = match fs::metadata(path) {
        Ok(data) => data,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), None)),
        Err(error) => return Err(failed(error)),
    };
    if !data.is_file() {
        return Err(StoreError::Irregular { file: name(path) });
    }
    let mut text = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(CONFIG_BYTES + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 > CONFIG_BYTES {
        let source = OverBudget { what: "the file", limit: CONFIG_BYTES };
        return Err(ConfigError::Large { origin: name(path), source }.into());
    }
    Ok((text, Some(data)))
}

/// Writes `after` beside the file and moves it there; `false` if the file no longer has `before`.
fn replace(path: &Path, before: &[u8], after: &[u8]) -> Result<bool, StoreError> {
    let writing = |source| failed(path, "writing credentials file", source);
    let path = &target(path).map_err(writing)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make(folder).map_err(|source| failed(folder, "making the folder", source))?;
    let mut fresh = tempfile::Builder::new().prefix(".config.json.").tempfile_in(folder).map_err(writing)?;
    fresh.write_all(after).map_err(writing)?;
    let (now, old) = load(path)?;
    if now != before {
        return Ok(false);
    }
    let file = fresh.as_file();
    if let Some(old) = old {
        inherit(file, &old).map_err(writing)?;
    }
    file.sync_all().map_err(writing)?;
    fresh.persist(path).map_err(|error| writing(error.error))?;
    // The file is whole without this too; after a crash it may be the old one.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(true)
}

/// The old file's owner, and its rights as far as they are its owner's alone.
#[cfg(unix)]
fn inherit(file: &File, old: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
    let own = file.metadata()?;
    if (old.uid(), old.gid()) != (own.uid(), own.gid()) {
        fchown(file, Some(old.uid()), Some(old.gid()))?;
    }
    file.set_permissions(fs::Permissions::from_mode(old.permissions().mode() & 0o600))
}

#[cfg(not(unix))]
fn inherit(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

/// Makes a folder that only its owner can look into.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Where the links lead, also to a file that does not exist yet.
fn target(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::symlink_metadata(&path) {
            Ok(data) if data.is_symlink() => {
                let next = fs::read_link(&path)?;
                path = path.parent().unwrap_or(Path::new("")).join(next);
            }
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(path),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

fn failed(path: &Path, doing: &'static str, source: io::Error) -> StoreError {
    StoreError::File { file: name(path), doing, source }
}
