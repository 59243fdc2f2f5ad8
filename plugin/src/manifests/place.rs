//! A file that is replaced by another text all at once.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{MetadataExt as _, fchown},
    path::Path,
};

/// Replaces a file's text. At every instant there is the old file or the new one, of the same owner and permissions; a
/// link stays, and what it points to is replaced.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let target = fs::canonicalize(path)?;
    let metadata = fs::metadata(&target)?;
    if metadata.permissions().readonly() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only"));
    }
    let folder = target.parent().ok_or_else(|| io::Error::other("the file is in no folder"))?;
    let mut file = tempfile::Builder::new().prefix(".convert-").tempfile_in(folder)?;
    // Not by the handle's own writer, which puts the temporary name into the error.
    file.as_file_mut().write_all(text.as_bytes())?;
    // Not everybody may give files away; then it is ours, as after any editor.
    let _ = fchown(file.as_file(), Some(metadata.uid()), Some(metadata.gid()));
    file.as_file().set_permissions(metadata.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    Ok(())
}
