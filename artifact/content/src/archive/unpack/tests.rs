use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::PathBuf,
};

use super::*;
use crate::archive::{Input, PackOptions, pack};

/// Every path below `root` with its kind and content, to compare before and after.
fn snapshot(root: &Path) -> BTreeMap<PathBuf, String> {
    fn visit(root: &Path, at: &Path, out: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let what = if metadata.is_dir() {
                visit(root, &path, out);
                "folder".to_owned()
            } else if metadata.is_symlink() {
                format!("link {}", path.read_link().unwrap().display())
            } else {
                format!("{:o} {}", metadata.permissions().mode(), fs::read_to_string(&path).unwrap())
            };
            out.insert(path.strip_prefix(root).unwrap().to_owned(), what);
        }
    }
    let mut out = BTreeMap::new();
    visit(root, root, &mut out);
    out
}

fn a_folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn a_layer(files: &[(&str, &str)]) -> Vec<u8> {
    let folder = a_folder(files);
    let mut layer = Vec::new();
    pack(Input::Path(folder.path()), &PackOptions::default(), &Control::new(), &mut layer).unwrap();
    layer
}

fn unpack(layer: &[u8], destination: &Path) -> Result<Summary, Error> {
    unpack_into(layer, layer.len() as u64, destination, &Control::new())
}

#[test]
fn unpack_gives_back_what_was_packed() {
    let big = "0123456789abcdef".repeat(100_000);
    let source = a_folder(&[("a/b/c", "1"), ("a/d", ""), ("big", &big), ("z/big", &big), ("z/small", "2")]);
    fs::create_dir(source.path().join("empty")).unwrap();
    fs::set_permissions(source.path().join("a/d"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut layer = Vec::new();
    pack(Input::Path(source.path()), &PackOptions::default(), &Control::new(), &mut layer).unwrap();
    let parent = tempfile::tempdir().unwrap();
    let control = Control::new();
    let out = parent.path().join("x/y/out");
    let summary = unpack_into(&layer[..], layer.len() as u64, &out, &control).unwrap();
    assert_eq!(snapshot(&out), snapshot(source.path()));
    assert_eq!((summary.files, summary.folders), (5, 4));
    assert_eq!(summary.bytes, 2 * big.len() as u64 + 2);
    assert_eq!(control.bytes(), layer.len() as u64);
    // Nothing hidden stays beside it.
    assert_eq!(fs::read_dir(parent.path().join("x/y")).unwrap().count(), 1);
}

#[test]
fn unpack_writes_many_files_in_many_folders() {
    let files: Vec<(String, String)> =
        (0..2_000).map(|n| (format!("d{}/e{}/f{n}", n % 7, n % 31), n.to_string().repeat(n % 400))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&**name, &**text)).collect();
    let source = a_folder(&files);
    let layer = a_layer(&files);
    let out = tempfile::tempdir().unwrap();
    unpack(&layer, out.path()).unwrap();
    assert_eq!(snapshot(out.path()), snapshot(source.path()));
}

#[test]
fn unpack_replaces_an_empty_folder_and_keeps_its_mode() {
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::set_permissions(&out, fs::Permissions::from_mode(0o750)).unwrap();
    unpack(&a_layer(&[("a", "1")]), &out).unwrap();
    assert_eq!(out.metadata().unwrap().permissions().mode() & 0o7777, 0o750);
    assert_eq!(snapshot(parent.path()).len(), 2);
}

#[test]
fn unpack_into_a_folder_with_files_overwrites_and_deletes_nothing() {
    let out = a_folder(&[("a/old", "1"), ("a/both", "2"), ("keep", "3")]);
    fs::create_dir(out.path().join("b")).unwrap();
    unpack(&a_layer(&[("a/both", "new"), ("a/n/x", "4"), ("b/y", "5"), ("c/z", "6")]), out.path()).unwrap();
    let expected = a_folder(&[
        ("a/old", "1"),
        ("a/both", "new"),
        ("keep", "3"),
        ("a/n/x", "4"),
        ("b/y", "5"),
        ("c/z", "6"),
    ]);
    assert_eq!(snapshot(out.path()), snapshot(expected.path()));
}

#[test]
fn unpack_refuses_what_is_in_the_way_before_it_changes_anything() {
    type Setup = fn(&Path);
    let layer = a_layer(&[("a", "new"), ("d/x", "new"), ("z/y", "new")]);
    let setups: [(&str, Setup); 5] = [
        ("a folder", |out| fs::create_dir_all(out.join("d/x")).unwrap()),
        ("a file", |out| fs::write(out.join("z"), "old").unwrap()),
        ("a symbolic link", |out| symlink("a", out.join("z")).unwrap()),
        ("a symbolic link", |out| {
            fs::create_dir(out.join("z")).unwrap();
            symlink("../a", out.join("z/y")).unwrap();
        }),
        ("a symbolic link", |out| symlink("/", out.join("d")).unwrap()),
    ];
    for (found, setup) in setups {
        let out = a_folder(&[("a", "old")]);
        setup(out.path());
        let before = snapshot(out.path());
        let error = unpack(&layer, out.path()).unwrap_err();
        assert!(matches!(error, Error::Occupied { found: what, .. } if what == found), "{error}");
        assert_eq!(snapshot(out.path()), before);
    }
}

#[test]
fn unpack_refuses_a_destination_that_is_no_folder() {
    let parent = a_folder(&[("file", "1")]);
    symlink("nowhere", parent.path().join("link")).unwrap();
    let before = snapshot(parent.path());
    let layer = a_layer(&[("a", "1")]);
    for name in ["file", "link"] {
        let error = unpack(&layer, &parent.path().join(name)).unwrap_err();
        assert!(matches!(error, Error::NotAFolder(_)), "{error}");
    }
    assert!(matches!(unpack(&layer, &parent.path().join("file/below")), Err(Error::Io { .. })));
    assert_eq!(snapshot(parent.path()), before);
}

#[test]
fn unpack_follows_a_link_that_is_the_destination() {
    let parent = a_folder(&[("real/x", "1")]);
    symlink("real", parent.path().join("link")).unwrap();
    unpack(&a_layer(&[("a", "1")]), &parent.path().join("link")).unwrap();
    assert!(parent.path().join("link").is_symlink());
    assert!(parent.path().join("real/a").is_file());
}

/// A layer whose last byte is wrong: everything is unpacked before the fault is seen.
fn a_damaged_layer() -> Vec<u8> {
    let mut layer = a_layer(&[("a", "1"), ("d/b", "2")]);
    *layer.last_mut().unwrap() ^= 1;
    layer
}

#[test]
fn unpack_that_fails_leaves_nothing() {
    let layer = a_damaged_layer();
    for place in ["out", "x/y/out"] {
        let parent = a_folder(&[("x/keep", "1")]);
        let before = snapshot(parent.path());
        assert!(matches!(unpack(&layer, &parent.path().join(place)), Err(Error::Gzip(_))));
        assert_eq!(snapshot(parent.path()), before);
    }
    for files in [&[][..], &[("out/a", "old")]] {
        let parent = a_folder(files);
        fs::create_dir_all(parent.path().join("out")).unwrap();
        let before = snapshot(parent.path());
        unpack(&layer, &parent.path().join("out")).unwrap_err();
        assert_eq!(snapshot(parent.path()), before);
    }
}

/// Does something once half of the bytes were read.
struct Halfway<'a, F: FnMut()> {
    bytes: &'a [u8],
    half: usize,
    act: F,
}

impl<F: FnMut()> Read for Halfway<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.bytes.len() <= self.half {
            (self.act)();
        }
        let most = buffer.len().min(1_000);
        self.bytes.read(&mut buffer[..most])
    }
}

fn a_long_layer() -> Vec<u8> {
    let text: Vec<String> =
        (0..500_000_u32).map(|n| format!("{:x}", n.wrapping_mul(2_654_435_761))).collect();
    a_layer(&[("a", "1"), ("long", &text.concat())])
}

#[test]
fn unpack_that_is_cancelled_leaves_nothing() {
    let layer = a_long_layer();
    let parent = tempfile::tempdir().unwrap();
    let control = Control::new();
    let half = layer.len() / 2;
    let reader = Halfway { bytes: &layer, half, act: || control.cancel() };
    let error = unpack_into(reader, layer.len() as u64, &parent.path().join("x/out"), &control).unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    assert!(snapshot(parent.path()).is_empty());
}

#[test]
fn unpack_that_panics_leaves_nothing() {
    let layer = a_long_layer();
    let parent = tempfile::tempdir().unwrap();
    let half = layer.len() / 2;
    let panicked = std::panic::catch_unwind(|| {
        let reader = Halfway { bytes: &layer, half, act: || panic!("on purpose") };
        unpack_into(reader, layer.len() as u64, &parent.path().join("x/out"), &Control::new())
    });
    assert!(panicked.is_err());
    assert!(snapshot(parent.path()).is_empty());
}

#[test]
fn unpack_names_a_file_that_cannot_be_created() {
    // 300 bytes are fine in an archive, and too many for a name in most file systems.
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    header.set_mode(0o644);
    header.set_entry_type(tar::EntryType::Regular);
    builder.append_data(&mut header, "d/".to_owned() + &"n".repeat(300), &b""[..]).unwrap();
    let layer = builder.into_inner().unwrap();
    let parent = tempfile::tempdir().unwrap();
    let error = unpack(&layer, &parent.path().join("out")).unwrap_err();
    assert!(
        matches!(&error, Error::Io { operation: "create", path, .. } if path.ends_with("n".repeat(300))),
        "{error}"
    );
    assert!(snapshot(parent.path()).is_empty());
}
