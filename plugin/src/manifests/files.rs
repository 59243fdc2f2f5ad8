//! Which files `-f` means, as kubectl understands it, and their bytes.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use clap::Args;
use oci_artifact::{archive::Control, limits::Budget};
use rustix::fs::OFlags;

use crate::{
    error::Error,
    stdin::{Patient, Stdin},
};

/// Bytes of a file that is read.
const FILE_BYTES: u64 = 16 << 20;
/// What a folder's files must end in.
const EXTENSIONS: [&str; 3] = ["json", "yaml", "yml"];

/// `-f` and `-R`
#[derive(Args, Clone, Debug)]
pub(crate) struct FileArgs {
    /// A file, a folder's *.yaml, *.yml and *.json, or - for standard input; can be repeated
    #[arg(long = "filename", short = 'f', required = true, value_name = "FILE|FOLDER|-")]
    files: Vec<PathBuf>,
    /// Look into the folders of a folder as well
    #[arg(long, short = 'R')]
    recursive: bool,
}

/// Where manifests come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Stdin,
    File(PathBuf),
}

impl FileArgs {
    /// What is meant, in the order of the flags and of the names in a folder.
    pub(crate) fn sources(&self) -> Result<Vec<Source>, Error> {
        let mut found = Vec::new();
        if self.files.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
            return Err(Error::usage("-f - can be given once: standard input can be read once"));
        }
        for path in &self.files {
            let text = path.to_string_lossy();
            if text.is_empty() {
                return Err(Error::usage("-f is empty, name a file or a folder"));
            }
            if text.starts_with("http://") || text.starts_with("https://") {
                return Err(Error::Usage {
                    message: format!("-f `{text}` is a URL; files and folders only"),
                    hint: Some(format!("download it: `curl -fsSL {text} | kubectl oci … -f -`")),
                });
            }
            if text == "-" {
                found.push(Source::Stdin);
            } else if path.is_dir() {
                self.walk(path, &mut found);
            } else {
                found.push(Source::File(path.clone()));
            }
        }
        Ok(found)
    }

    /// A folder's files. Links to files count, links to folders do not: a folder is never seen twice.
    fn walk(&self, folder: &Path, found: &mut Vec<Source>) {
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        // Reading it as a file fails for the same reason, and is reported as such.
        let Ok(mut entries) = entries else {
            return found.push(Source::File(folder.to_path_buf()));
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let extension = path.extension().and_then(|extension| extension.to_str());
            if is_folder && self.recursive {
                self.walk(&path, found);
            } else if !is_folder && extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) {
                // What cannot be looked at is a file that cannot be read, and is said to be one.
                if fs::metadata(&path).map_or(true, |metadata| metadata.is_file()) {
                    found.push(Source::File(path));
                }
            }
        }
    }
}

impl Source {
    /// For people.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Stdin => "<stdin>".into(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// All bytes, of a pipe until its end.
    pub(crate) fn read(&self, control: &Control) -> io::Result<Vec<u8>> {
        match self {
            Self::Stdin => read(Stdin::new(control.clone())),
            Self::File(path) if fs::metadata(path)?.is_file() => read(File::open(path)?),
            Self::File(path) => {
                // Opening a pipe that nobody writes to must not wait for ever.
                let flags = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
                let pipe = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
                read(Patient::of(pipe, control.clone()))
            }
        }
    }
}

fn read(source: impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Budget::new(source, FILE_BYTES, "a file of manifests").read_to_end(&mut bytes)?;
    Ok(bytes)
}
