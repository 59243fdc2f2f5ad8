//! The files of the image: two programs, what they are linked with, certificate authorities, and who runs them. No shell and
//! nothing else that could be run.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    error::{At as _, Error, Result},
    run::output,
};

/// The programs, in `/`.
pub(in crate::dist) const PROGRAMS: [&str; 2] = ["oci-controller", "oci-webhook"];
/// Whom they run as: the user that images of others call `nonroot`.
pub(super) const USER: u32 = 65532;

/// Where systems keep the certificate authorities that they trust, in one file.
const AUTHORITIES: [&str; 4] = [
    "etc/ssl/certs/ca-certificates.crt",
    "etc/pki/tls/certs/ca-bundle.crt",
    "etc/ssl/ca-bundle.pem",
    "etc/ssl/cert.pem",
];

/// Lays the files out in `root`; `programs` is the folder of the programs, `system` that of everything else.
pub(super) fn lay_out(root: &Path, programs: &Path, license: &Path, system: &Path) -> Result<()> {
    let mut libraries = BTreeSet::new();
    for name in PROGRAMS {
        let program = programs.join(name);
        copy(&program, &root.join(name))?;
        libraries.extend(linked(&program)?);
    }
    for library in &libraries {
        // By the name that the loader asks for, whatever link that is here.
        copy(&system.join(inside(library)), &root.join(inside(library)))?;
    }
    let found = AUTHORITIES.iter().map(|path| system.join(path)).find(|path| path.is_file());
    let authorities = found.ok_or_else(|| {
        Error::Wrong("this computer has no certificate authorities: install `ca-certificates`".to_owned())
    })?;
    copy(&authorities, &root.join("etc/ssl/certs/ca-certificates.crt"))?;
    copy(license, &root.join("LICENSE"))?;
    let texts = [
        ("etc/passwd", format!("root:x:0:0:root:/:/nothing\nnonroot:x:{USER}:{USER}:nonroot:/:/nothing\n")),
        ("etc/group", format!("root:x:0:\nnonroot:x:{USER}:\n")),
        // What glibc does without the file differs from version to version.
        ("etc/nsswitch.conf", "hosts: files dns\n".to_owned()),
    ];
    for (name, text) in texts {
        let path = root.join(name);
        fs::write(&path, text).at(path)?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).at(folder)?;
    }
    fs::copy(from, to).map(drop).at(from)
}

/// A path without its root.
fn inside(path: &Path) -> &Path {
    path.strip_prefix("/").unwrap_or(path)
}

/// What a program needs to start: the loader and libraries; nothing if it is static.
fn linked(program: &Path) -> Result<Vec<PathBuf>> {
    let found = output(Command::new("ldd").arg(program))?;
    let text = String::from_utf8_lossy(&found.stdout).into_owned() + &String::from_utf8_lossy(&found.stderr);
    if text.contains("not a dynamic executable") || text.contains("statically linked") {
        return Ok(Vec::new());
    }
    // A library that is not here is told by the program, which is started in the image.
    if !found.status.success() {
        return Err(Error::Wrong(format!("asking what {} links:\n{text}", program.display())));
    }
    Ok(paths(&text))
}

/// Of `libc.so.6 => /lib/libc.so.6 (0x…)` and `/lib64/ld-linux-x86-64.so.2 (0x…)`; what the kernel gives has no path.
fn paths(text: &str) -> Vec<PathBuf> {
    let path = |line: &str| {
        let line = line.split_once("=> ").map_or(line, |(_, path)| path).trim();
        let path = line.split(" (").next().filter(|path| path.starts_with('/'))?;
        Some(PathBuf::from(path))
    };
    text.lines().filter_map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_what_ldd_names_with_a_path() {
        let text = "\tlinux-vdso.so.1 (0x00007f87)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f86)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f88)\n";
        let expected = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"];
        assert_eq!(paths(text), expected.map(PathBuf::from));
        assert_eq!(paths(""), [""; 0].map(PathBuf::from));
    }
}
