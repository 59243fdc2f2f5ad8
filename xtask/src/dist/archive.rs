//! The archive of one platform: the program and the licence, packed as the plugin packs layers, which is the same bytes from
//! the same files everywhere: sorted, without times and owners, modes 0755 and 0644.
//!
//! A `.tar.gz` for every platform: krew takes it on all of them, and a zip would need another library.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
};

use oci_artifact::archive::{Control, Input, PackOptions, pack};

use crate::error::{At as _, Error, Result};

/// Writes `to`; it is whole or not there. Returns its size.
pub(crate) fn write(program: &Path, license: &Path, to: &Path) -> Result<u64> {
    let folder = to.parent().unwrap_or(to);
    let tree = tempfile::tempdir_in(folder).at(folder)?;
    // Copies keep the permissions; whether somebody may run it is all that is packed of them.
    let copies = [(program, "kubectl-oci"), (license, "LICENSE")];
    for (from, name) in copies {
        fs::copy(from, tree.path().join(name)).at(from)?;
    }
    let mut draft = tempfile::NamedTempFile::new_in(folder).at(folder)?;
    let packed =
        pack(Input::Path(tree.path()), &PackOptions::default(), &Control::new(), draft.as_file_mut())
            .map_err(|error| Error::Wrong(format!("packing {}: {error}", to.display())))?;
    keep(draft, to)?;
    Ok(packed.size)
}

/// Writes a small file; it is whole or not there.
pub(crate) fn write_text(to: &Path, text: &[u8]) -> Result<()> {
    let folder = to.parent().unwrap_or(to);
    let mut draft = tempfile::NamedTempFile::new_in(folder).at(folder)?;
    draft.write_all(text).at(to)?;
    keep(draft, to)
}

/// Drafts are for their owner alone; what is released is for everybody.
fn keep(draft: tempfile::NamedTempFile, to: &Path) -> Result<()> {
    let file: File = draft.persist(to).map_err(|error| error.error).at(to)?;
    #[cfg(unix)]
    {
        let everybody: fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        file.set_permissions(everybody).at(to)?;
    }
    file.sync_all().at(to)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use oci_artifact::archive::{Member, MemberKind, read};

    use super::*;

    #[test]
    fn archive_is_the_same_bytes_from_the_same_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("LICENSE-2.0"), "the licence").unwrap();
        let archive = |name: &str, mode: u32| {
            fs::write(path(name), vec![7; 100_000]).unwrap();
            fs::set_permissions(path(name), fs::Permissions::from_mode(mode)).unwrap();
            let to = path(&format!("{name}.tar.gz"));
            let size = write(&path(name), &path("LICENSE-2.0"), &to).unwrap();
            assert_eq!(size, to.metadata().unwrap().len());
            assert_eq!(to.metadata().unwrap().permissions().mode() & 0o777, 0o644);
            fs::read(to).unwrap()
        };
        let first = archive("one", 0o700);
        assert_eq!(first, archive("two", 0o775));
        let mut members = Vec::new();
        let mut note = |member: Member<'_>| {
            members.push((member.path.as_str().to_owned(), member.kind));
            Ok(())
        };
        read(&first[..], first.len() as u64, &Control::new(), &mut note).unwrap();
        let file = |name: &str, size, executable| (name.to_owned(), MemberKind::File { size, executable });
        assert_eq!(members, [file("LICENSE", 11, false), file("kubectl-oci", 100_000, true)]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 5, "nothing else is left");
    }
}
