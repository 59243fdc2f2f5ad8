//! Small files with secrets: tokens, keys and settings of clouds.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use oci_registry::Secret;

use crate::error::IdentityError;

/// Bytes of such a file.
const BYTES: u64 = 64 << 10;

/// The whole of `path`, which `place` names: a variable, or what the file is. Regular files only, at most 64 KiB:
/// nothing here may wait for a pipe's writer.
pub(crate) fn read(place: &str, path: &Path) -> Result<Secret<Vec<u8>>, IdentityError> {
    let failed = |detail: String| IdentityError::Setting { place: shown(place, path), detail, hint: None };
    match regular(path, BYTES) {
        Ok(Some(bytes)) => Ok(Secret::new(bytes)),
        Ok(None) => Err(failed(format!("it is larger than {BYTES} bytes"))),
        Err(error) => Err(failed(format!("it cannot be read: {error}"))),
    }
}

/// The text of a file that may be larger, up to `limit`; `None` if there is no such file.
pub(crate) fn text(path: &Path, limit: u64) -> Result<Option<Secret<String>>, String> {
    match regular(path, limit) {
        Ok(Some(bytes)) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(Secret::new(text))),
            Err(_) => Err("it is no text".to_owned()),
        },
        Ok(None) => Err(format!("it is larger than {limit} bytes")),
        // Something that is no directory on the way means the same as an absent one.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(format!("it cannot be read: {error}")),
    }
}

/// The same of a token: text, whatever stands around it.
pub(crate) fn token(place: &str, path: &Path) -> Result<Secret<String>, IdentityError> {
    let bytes = read(place, path)?;
    let text = std::str::from_utf8(bytes.expose()).map_err(|_| "it is no text");
    text.and_then(|text| crate::oauth::usable(text.trim().to_owned())).map_err(|detail| {
        IdentityError::Setting { place: shown(place, path), detail: detail.to_owned(), hint: None }
    })
}

/// `AZURE_FEDERATED_TOKEN_FILE (/var/run/…)`.
pub(crate) fn shown(place: &str, path: &Path) -> String {
    format!("{place} ({})", path.display())
}

fn regular(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    // Before it is opened: that may wait already.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &str) -> String {
        read("A_FILE", Path::new(path)).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn file_that_is_none_or_too_large_is_named() {
        assert!(refused("/nowhere/token").starts_with("A_FILE (/nowhere/token): it cannot be read: "));
        assert_eq!(refused("/"), "A_FILE (/): it cannot be read: it is no regular file");
        let device = refused("/dev/zero");
        assert_eq!(device, "A_FILE (/dev/zero): it cannot be read: it is no regular file");
    }
}
