//! Files of the user's or of the cluster's: bounded, and never one that does not end.

use std::{io, path::Path};

use oci_registry::Secret;
use tokio::{fs, io::AsyncReadExt as _};

use super::setting;
use crate::{environment::Environment, error::IdentityError};

/// A file's text, at most `limit` bytes of it; `None` if there is no such file.
pub(super) async fn read(path: &Path, limit: u64) -> Result<Option<Secret<String>>, IdentityError> {
    let fault = |detail: String| setting(format!("file `{}`", path.display()), detail);
    match text(path, limit).await {
        Ok(Ok(text)) => Ok(Some(text)),
        Ok(Err(detail)) => Err(fault(detail)),
        // Something that is no directory on the way means the same as an absent one.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(fault(error.to_string())),
    }
}

async fn text(path: &Path, limit: u64) -> io::Result<Result<Secret<String>, String>> {
    // To open a pipe would be to wait for somebody to write.
    if !fs::metadata(path).await?.is_file() {
        return Ok(Err("it is no regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    fs::File::open(path).await?.take(limit + 1).read_to_end(&mut bytes).await?;
    if bytes.len() as u64 > limit {
        return Ok(Err(format!("it is larger than {limit} bytes")));
    }
    Ok(String::from_utf8(bytes).map(Secret::new).map_err(|_| "it is no text".to_owned()))
}

/// What a file holds that is one word, without the line's end that editors add.
pub(super) async fn word(path: &Path, limit: u64) -> Result<Secret<String>, IdentityError> {
    let fault = |detail| setting(format!("file `{}`", path.display()), detail);
    let text = read(path, limit).await?.ok_or_else(|| fault("there is no such file"))?;
    let text = text.expose().trim();
    if text.is_empty() { Err(fault("it is empty")) } else { Ok(Secret::new(text.to_owned())) }
}

/// A path as people write it, from the home directory if it begins with `~/`.
pub(super) fn expanded(environment: &Environment, path: &str) -> std::path::PathBuf {
    match (path.strip_prefix("~/"), &environment.home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => path.into(),
    }
}
