//! The program by which kubectl completes a plugin. krew links one program of a plugin, so it is written afterwards.

use std::{
    fs::Permissions,
    io::{self, Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use oci_artifact::limits::Budget;

use super::ASKED_BY;
use crate::error::Error;

/// How kubectl finds it.
const NAME: &str = "kubectl_complete-oci";
/// By which a file of ours is known.
const MARK: &str = "# Lets kubectl complete `kubectl oci`; written by `kubectl oci completion install`.\n";
/// More than any of ours has.
const MOST: u64 = 4096;

/// What happened.
pub(crate) struct Installed {
    /// The file.
    pub(crate) path: PathBuf,
    /// Whether it was there, with the same content.
    pub(crate) before: bool,
}

/// Writes the file into `folder`. A file of somebody else stays as it is.
pub(crate) fn install(folder: &Path) -> Result<Installed, Error> {
    let path = folder.join(NAME);
    let failed = |source| Error::file("writing the completion", &path, source);
    let text = format!("#!/bin/sh\n{MARK}exec kubectl-oci {ASKED_BY} \"$@\"\n");
    match existing(&path).map_err(failed)? {
        Some(found) if found == text => return Ok(Installed { path, before: true }),
        Some(found) if !found.contains(MARK) => {
            return Err(Error::Usage {
                message: format!("`{}` is there already, and not from here", path.display()),
                hint: Some("remove it, or name another folder of your PATH with `--dir`".into()),
            });
        }
        Some(_) | None => {}
    }
    let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    draft.write_all(text.as_bytes()).map_err(failed)?;
    draft.as_file().set_permissions(Permissions::from_mode(0o755)).map_err(failed)?;
    draft.as_file().sync_all().map_err(failed)?;
    draft.persist(&path).map_err(|error| failed(error.error))?;
    Ok(Installed { path, before: false })
}

/// What is there; of what is no text of a plain file, something that is not ours.
fn existing(path: &Path) -> io::Result<Option<String>> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(found) if !found.is_file() || found.len() > MOST => return Ok(Some(String::new())),
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    Budget::new(std::fs::File::open(path)?, MOST, "the completion").read_to_end(&mut bytes)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
