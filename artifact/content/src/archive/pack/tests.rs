use std::{fs, io::Read as _, os::unix::fs::PermissionsExt as _};

use super::*;

/// `(name, type flag, mode, content)` of every member, as an independent reader sees them.
fn members(layer: &[u8]) -> Vec<(String, u8, u32, Vec<u8>)> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(layer));
    let entries = archive.entries().unwrap();
    entries
        .map(|entry| {
            let mut entry = entry.unwrap();
            let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.mtime().unwrap()), (0, 0));
            (name, header.entry_type().as_byte(), header.mode().unwrap(), content)
        })
        .collect()
}

fn names(layer: &[u8]) -> Vec<String> {
    members(layer).into_iter().map(|member| member.0).collect()
}

fn try_packed(path: &Path, options: &PackOptions) -> Result<(Vec<u8>, Packed), Error> {
    let mut out = Vec::new();
    let packed = pack(Input::Path(path), options, &Control::new(), &mut out)?;
    Ok((out, packed))
}

fn packed(path: &Path, options: &PackOptions) -> (Vec<u8>, Packed) {
    try_packed(path, options).unwrap()
}

fn a_tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let tree = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = tree.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    tree
}

/// The tree whose digests are known: every kind of header, and content over several blocks.
fn the_golden_tree() -> tempfile::TempDir {
    let long = "l".repeat(90);
    let tree = a_tree(&[
        ("a/b.yaml", "kind: A\n"),
        ("a.b/c.yaml", "kind: B\n"),
        ("run.sh", "#!/bin/sh\n"),
        ("ä/ö.yaml", "kind: ü\n"),
        ("empty", ""),
        (&format!("{long}/{long}/file"), "split\n"),
        (&"n".repeat(101), "pax\n"),
        (&format!("{long}/{}", "m".repeat(120)), "pax below\n"),
    ]);
    let big: Vec<String> =
        (0..60_000).map(|line| format!("line {line}: {}\n", (line * 7_919) % 10_007)).collect();
    fs::write(tree.path().join("big.txt"), big.concat()).unwrap();
    fs::create_dir(tree.path().join("void")).unwrap();
    fs::set_permissions(tree.path().join("run.sh"), fs::Permissions::from_mode(0o744)).unwrap();
    tree
}

#[test]
fn pack_of_a_known_tree_has_the_known_digests() {
    let tree = the_golden_tree();
    for threads in [1, 2, 5] {
        let (_, packed) = packed(tree.path(), &PackOptions { threads, ..PackOptions::default() });
        // Computed with Go 1.26's archive/tar over the same tree.
        assert_eq!(
            packed.content_digest.to_string(),
            "sha256:e0187fc8cf378d50d507648a7760eb58dcef4f83d9b7e4bf9f9308067b3fd36e"
        );
        // Any other encoder than the pinned zlib-rs, or other blocks, gives other bytes.
        assert_eq!(
            packed.digest.to_string(),
            "sha256:be479cc3f89debaabe2ef9faaad999c13eeafe6a6a1913de352ea303ce209324",
            "{threads}"
        );
    }
}

#[test]
fn pack_orders_as_flux_does() {
    let tree = a_tree(&[("a/z", ""), ("a.b", ""), ("a/a", ""), ("B", ""), ("a-b/c", "")]);
    let (layer, packed) = packed(tree.path(), &PackOptions::default());
    assert_eq!(names(&layer), [".", "B", "a", "a/a", "a/z", "a-b", "a-b/c", "a.b"]);
    assert_eq!(packed.files, 5);
    assert_eq!(layer[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
    assert_eq!(packed.digest, Digest::of(&layer));
    assert_eq!(packed.size, layer.len() as u64);
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(&layer[..]).read_to_end(&mut tar).unwrap();
    assert_eq!(packed.content_digest, Digest::of(&tar));
    assert!(tar.ends_with(&[0; 1024]) && tar.len() == 8 * 512 + 1024);
}

#[test]
fn pack_normalises_modes() {
    let tree = a_tree(&[("x", ""), ("y", ""), ("d/z", "")]);
    let chmod =
        |name: &str, mode| fs::set_permissions(tree.path().join(name), fs::Permissions::from_mode(mode));
    let (before, _) = packed(tree.path(), &PackOptions::default());
    chmod("x", 0o600).unwrap();
    chmod("d", 0o700).unwrap();
    assert_eq!(packed(tree.path(), &PackOptions::default()).0, before);
    chmod("y", 0o4711).unwrap();
    let modes: Vec<_> =
        members(&packed(tree.path(), &PackOptions::default()).0).into_iter().map(|m| m.2).collect();
    assert_eq!(modes, [0o755, 0o755, 0o644, 0o644, 0o755]);
}

#[test]
fn pack_leaves_out_links_and_special_files() {
    let tree = a_tree(&[("x", "")]);
    std::os::unix::fs::symlink("x", tree.path().join("link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(tree.path().join("socket")).unwrap();
    let (layer, packed) = packed(tree.path(), &PackOptions::default());
    assert_eq!(names(&layer), [".", "x"]);
    assert_eq!(packed.skipped, 2);
}

#[test]
fn pack_leaves_out_what_is_ignored() {
    let tree = a_tree(&[("x.png", ""), (".git/config", ""), ("a/y.zip", ""), ("a/z", "")]);
    let options = PackOptions { ignore: Ignore::flux_defaults(), ..PackOptions::default() };
    let (layer, packed) = packed(tree.path(), &options);
    assert_eq!(names(&layer), [".", "a", "a/z"]);
    assert_eq!(packed.ignored, 3);
}

#[test]
fn pack_brings_back_a_file_below_an_ignored_folder() {
    let tree = a_tree(&[("a/b/keep", ""), ("a/c", "")]);
    let options = PackOptions { ignore: Ignore::new(["a", "!keep"]), ..PackOptions::default() };
    assert_eq!(names(&packed(tree.path(), &options).0), [".", "a/b/keep"]);
}

#[test]
fn pack_obeys_ignore_files_where_asked() {
    let tree = a_tree(&[
        (".sourceignore", "*.md\n"),
        ("README.md", ""),
        ("a/.sourceignore", "!README.md\nsecret\n"),
        ("a/README.md", ""),
        ("a/secret", ""),
        ("b/README.md", ""),
        ("b/secret", ""),
    ]);
    let options = PackOptions { source_ignore: true, ..PackOptions::default() };
    let expected = [".", ".sourceignore", "a", "a/.sourceignore", "a/README.md", "b", "b/secret"];
    assert_eq!(names(&packed(tree.path(), &options).0), expected);
    assert_eq!(packed(tree.path(), &PackOptions::default()).1.files, 7);
}

#[test]
fn pack_excludes_its_own_output() {
    let tree = a_tree(&[("x", ""), ("out.tgz", "old"), ("sub/out.tgz", "other")]);
    let missing = tree.path().join("not/there");
    let options =
        PackOptions { exclude: vec![tree.path().join("out.tgz"), missing], ..PackOptions::default() };
    assert_eq!(names(&packed(tree.path(), &options).0), [".", "sub", "sub/out.tgz", "x"]);
}

#[test]
fn pack_of_a_linked_root_is_the_folder() {
    let tree = a_tree(&[("real/x", "1")]);
    let link = tree.path().join("link");
    std::os::unix::fs::symlink("real", &link).unwrap();
    let direct = packed(&tree.path().join("real"), &PackOptions::default());
    assert_eq!(packed(&link, &PackOptions::default()).1, direct.1);
}

#[test]
fn pack_of_one_file_is_a_root_and_the_file() {
    let tree = a_tree(&[("app.png", "content")]);
    let options = PackOptions { ignore: Ignore::flux_defaults(), ..PackOptions::default() };
    let members = members(&packed(&tree.path().join("app.png"), &options).0);
    assert_eq!(members[1], ("app.png".to_owned(), b'0', 0o644, b"content".to_vec()));
    assert_eq!(members.len(), 2);
}

#[test]
fn pack_of_a_stream_is_that_of_a_file() {
    for size in [0, 5, 3 << 20] {
        let content = "x".repeat(size);
        let tree = a_tree(&[("app.yaml", &content)]);
        let mut out = Vec::new();
        let input = Input::Stream { name: "app.yaml", reader: &mut content.as_bytes() };
        pack(input, &PackOptions::default(), &Control::new(), &mut out).unwrap();
        assert_eq!(out, packed(&tree.path().join("app.yaml"), &PackOptions::default()).0);
    }
}

#[test]
fn pack_refuses_a_stream_with_a_bad_name() {
    let input = Input::Stream { name: "../x", reader: &mut &b""[..] };
    let error = pack(input, &PackOptions::default(), &Control::new(), Vec::new()).unwrap_err();
    assert!(matches!(error, Error::Path { .. }), "{error}");
}

#[test]
fn pack_of_nothing_says_what_was_left_out() {
    let tree = a_tree(&[("x.png", "")]);
    let options = PackOptions { ignore: Ignore::flux_defaults(), ..PackOptions::default() };
    let error = try_packed(tree.path(), &options).unwrap_err();
    assert!(matches!(error, Error::Empty { ignored: 1, skipped: 0, .. }), "{error}");
}

#[test]
fn pack_names_a_path_that_is_missing() {
    let error = try_packed(Path::new("/no/such/path"), &PackOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "cannot open `/no/such/path`");
}

#[test]
fn pack_refuses_a_path_that_is_neither_file_nor_folder() {
    let tree = tempfile::tempdir().unwrap();
    let socket = tree.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let error = try_packed(&socket, &PackOptions::default()).unwrap_err();
    assert!(matches!(error, Error::NotPackable(_)), "{error}");
}

#[test]
fn pack_refuses_names_that_no_reader_would_take() {
    use std::os::unix::ffi::OsStrExt as _;
    for name in [&b"a\\b"[..], b"a\nb", b"a\xff", b"C:x"] {
        let tree = tempfile::tempdir().unwrap();
        fs::write(tree.path().join(std::ffi::OsStr::from_bytes(name)), "").unwrap();
        let error = try_packed(tree.path(), &PackOptions::default()).unwrap_err();
        assert!(matches!(error, Error::Path { .. }), "{error}");
    }
}

#[test]
fn pack_refuses_a_tree_that_is_too_deep() {
    let tree = a_tree(&[(&format!("{}x", "d/".repeat(crate::limits::PATH_DEPTH - 1)), "")]);
    packed(tree.path(), &PackOptions::default());
    let tree = a_tree(&[(&format!("{}x", "d/".repeat(crate::limits::PATH_DEPTH)), "")]);
    let error = try_packed(tree.path(), &PackOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Path { .. }), "{error}");
}

#[test]
fn pack_resolves_links_inside_the_root() {
    let tree = a_tree(&[("real/x", "1"), ("real/sub/y", "2"), ("file", "3")]);
    let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, tree.path().join(name)).unwrap();
    link("real", "again");
    link("../file", "real/up");
    link("again/sub/../x", "chain");
    let options = PackOptions { resolve_symlinks: true, ..PackOptions::default() };
    let (layer, packed) = packed(tree.path(), &options);
    let expected = [
        ".",
        "again",
        "again/sub",
        "again/sub/y",
        "again/up",
        "again/x",
        "chain",
        "file",
        "real",
        "real/sub",
        "real/sub/y",
        "real/up",
        "real/x",
    ];
    assert_eq!(names(&layer), expected);
    assert_eq!(packed.skipped, 0);
    let by_name = members(&layer);
    assert_eq!(by_name.iter().find(|member| member.0 == "again/up").unwrap().3, b"3");
}

#[test]
fn pack_breaks_cycles_of_links() {
    let tree = a_tree(&[("a/x", "1")]);
    std::os::unix::fs::symlink("..", tree.path().join("a/up")).unwrap();
    std::os::unix::fs::symlink(".", tree.path().join("a/self")).unwrap();
    let options = PackOptions { resolve_symlinks: true, ..PackOptions::default() };
    assert_eq!(names(&packed(tree.path(), &options).0), [".", "a", "a/self", "a/up", "a/x"]);
}

#[test]
fn pack_refuses_links_that_leave_the_root_or_lead_nowhere() {
    let options = PackOptions { resolve_symlinks: true, ..PackOptions::default() };
    let outside = tempfile::tempdir().unwrap();
    for target in [outside.path().to_str().unwrap(), "../", "/etc/passwd"] {
        let tree = a_tree(&[("x", "1")]);
        std::os::unix::fs::symlink(target, tree.path().join("link")).unwrap();
        let error = try_packed(tree.path(), &options).unwrap_err();
        assert!(matches!(error, Error::LinkOutside { .. }), "{error}");
    }
    for target in ["missing", "link"] {
        let tree = a_tree(&[("x", "1")]);
        std::os::unix::fs::symlink(target, tree.path().join("link")).unwrap();
        let error = try_packed(tree.path(), &options).unwrap_err();
        assert!(matches!(error, Error::LinkBroken { .. }), "{error}");
        let ignoring = PackOptions { ignore: Ignore::new(["link"]), ..options.clone() };
        assert_eq!(names(&packed(tree.path(), &ignoring).0), [".", "x"]);
    }
}

/// Digits that hardly compress, so that the sink sees them while they are read.
fn noise(numbers: u32) -> String {
    (0..numbers)
        .fold(String::new(), |text, number| text + &format!("{:x}", number.wrapping_mul(2_654_435_761)))
}

/// A sink that does something once some bytes have come.
struct After<F: FnMut()>(F);

impl<F: FnMut()> Write for After<F> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        (self.0)();
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn pack_notices_a_file_that_changes_underneath() {
    // The sink sees the gzip header before any file is opened, and blocks while the big file is being read.
    let noise = noise(400_000);
    for (how, change) in [
        ("grew", (|path| fs::write(path, "x".repeat(8 << 20)).unwrap()) as fn(&Path)),
        ("shrank", |path| fs::write(path, "x").unwrap()),
    ] {
        let tree = a_tree(&[("file", &noise)]);
        let path = tree.path().join("file");
        let mut writes = 0;
        let sink = After(|| {
            writes += 1;
            if writes == 2 {
                change(&path);
            }
        });
        let error =
            pack(Input::Path(tree.path()), &PackOptions::default(), &Control::new(), sink).unwrap_err();
        assert!(matches!(error, Error::Changed { how: found, .. } if found == how), "{how}: {error}");
        assert!(error.to_string().contains("file"), "{error}");
    }
}

#[test]
fn pack_notices_a_file_that_disappears() {
    let noise = noise(400_000);
    let tree = a_tree(&[("a", &noise), ("b", "")]);
    let path = tree.path().join("b");
    let mut writes = 0;
    let late = After(|| {
        writes += 1;
        if writes == 2 {
            fs::remove_file(&path).unwrap();
        }
    });
    let error = pack(Input::Path(tree.path()), &PackOptions::default(), &Control::new(), late).unwrap_err();
    assert!(matches!(error, Error::Changed { how: "disappeared", .. }), "{error}");
}

#[test]
fn pack_stops_when_cancelled() {
    let tree = a_tree(&[("x", "1")]);
    let control = Control::new();
    let sink = After(|| control.cancel());
    let error = pack(Input::Path(tree.path()), &PackOptions::default(), &control, sink).unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
}

#[test]
fn pack_reports_its_progress() {
    let tree = a_tree(&[("x", "123"), ("y", "45")]);
    let control = Control::new();
    pack(Input::Path(tree.path()), &PackOptions::default(), &control, Vec::new()).unwrap();
    assert_eq!(control.bytes(), 5);
}
