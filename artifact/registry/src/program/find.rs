//! Finding a program on an explicit search path.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// The file of `program` in the first directory of `path` that has it.
///
/// Relative directories (and the empty ones, which mean the current one) are passed over: whoever owns the folder in
/// which a command is run must not choose the program that hands out secrets.
pub fn find(program: &str, path: &OsStr) -> Option<PathBuf> {
    let file = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::split_paths(path)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(&file))
        .find(|candidate| is_executable(candidate))
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}
