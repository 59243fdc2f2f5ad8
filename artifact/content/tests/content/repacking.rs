//! From a layer to source-controller's stored archive, read back by another parser.

use std::{
    fs::File,
    io::{self, Cursor, Read, Seek as _, SeekFrom, Write},
};

use flate2::read::GzDecoder;
use oci_artifact::{
    Classify as _,
    archive::{Control, Error, RepackOptions, Repacked, Sink, repack},
    limits,
    name::{Algorithm, Digest, Hasher},
};

use crate::tarball::{Header, Tarball, gzip};

fn options(ignore: Option<&str>) -> RepackOptions {
    RepackOptions { ignore: ignore.map(str::to_owned), threads: 1, algorithm: Algorithm::Sha256 }
}

fn run(layer: &[u8], options: &RepackOptions) -> Result<(Vec<u8>, Repacked), Error> {
    let mut out = Vec::new();
    let repacked = repack(Cursor::new(layer), layer.len() as u64, options, &Control::new(), &mut out)?;
    assert_eq!(repacked.size, out.len() as u64);
    Ok((out, repacked))
}

/// Name, type, mode and content of every member, as the `tar` crate reads them.
fn members(stored: &[u8]) -> Vec<(String, tar::EntryType, u32, Vec<u8>)> {
    let mut archive = tar::Archive::new(GzDecoder::new(stored));
    let mut out = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header().clone();
        assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, 0));
        assert_eq!((header.username().unwrap(), header.groupname().unwrap()), (Some(""), Some("")));
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        out.push((name, header.entry_type(), header.mode().unwrap(), content));
    }
    out
}

/// The names in the stored archive without the root, folders with a slash.
#[track_caller]
fn names(layer: Tarball, ignore: Option<&str>) -> Vec<String> {
    let (stored, _) = run(&layer.gz(), &options(ignore)).unwrap();
    let mut names: Vec<String> = members(&stored)
        .into_iter()
        .map(|(name, kind, ..)| if kind.is_dir() { format!("{name}/") } else { name })
        .collect();
    assert_eq!(names.remove(0), "./");
    names
}

/// A layer of these files and, where a name ends with a slash, folders; an ignore file has the text after `=`.
fn layer(names: &[&str]) -> Tarball {
    let mut layer = Tarball::default().folder("./");
    for name in names {
        layer = match (name.strip_suffix('/'), name.split_once('=')) {
            (Some(_), _) => layer.folder(name),
            (_, Some((name, text))) => layer.member(b'0', name.as_bytes(), text.as_bytes()),
            _ => layer.file(name),
        };
    }
    layer
}

#[track_caller]
fn kept(all: &[&str], ignore: Option<&str>, expected: &[&str]) {
    assert_eq!(names(layer(all), ignore), expected, "{all:?} {ignore:?}");
}

#[test]
fn repack_writes_what_source_controller_stores() {
    let layer = Tarball::default()
        .folder("./")
        .folder("./b/")
        .header(&Header::new(b'0', b"b/run.sh", 3).with(100, b"0000755\0").with(136, b"14000000000\0"))
        .content(b"#!\n")
        .header(&Header::new(b'0', b"b/odd", 1).with(100, b"0004010\0").with(108, b"0001750\0"))
        .content(b"x")
        .symlink("b/link", "odd")
        .member(b'0', b"a.yaml", b"kind: A\n");
    let (stored, repacked) = run(&layer.gz(), &options(None)).unwrap();
    let (folder, file) = (tar::EntryType::Directory, tar::EntryType::Regular);
    let expected = [
        (".", folder, 0o750, &b""[..]),
        ("b", folder, 0o750, b""),
        ("b/run.sh", file, 0o700, b"#!\n"),
        ("b/odd", file, 0o700, b"x"),
        ("a.yaml", file, 0o600, b"kind: A\n"),
    ];
    let expected =
        expected.map(|(name, kind, mode, content)| (name.to_owned(), kind, mode, content.to_vec()));
    assert_eq!(members(&stored), expected);
    assert_eq!((repacked.files, repacked.ignored, repacked.skipped_links), (3, 0, 1));
    assert_eq!(repacked.digest, Digest::of(&stored));
}

#[test]
fn repack_output_is_the_same_for_ever() {
    let layer = layer(&["a.yaml", "b/", "b/c.yaml", ".sourceignore=*.md\n", "README.md"]).gz();
    let (_, repacked) = run(&layer, &options(Some("/x"))).unwrap();
    assert_eq!(repacked.digest.to_string(), GOLDEN, "the digests of all stored artifacts would change");
}

const GOLDEN: &str = "sha256:a98212b733545c2484af6b3faff4d1a4693859092416631a1dfdda6c2cf078f8";

#[test]
fn repack_makes_the_folders_that_have_no_member_before_what_is_in_them() {
    kept(&["a/b/c", "a/d", "e"], None, &["a/", "a/b/", "a/b/c", "a/d", "e"]);
    kept(&["a/b", "a/", "a/c"], None, &["a/", "a/b", "a/c"]);
    kept(&["a/", "b", "a/", "a/c"], None, &["a/", "b", "a/c"]);
    kept(&["a/b/", "a/b/c"], None, &["a/", "a/b/", "a/b/c"]);
}

#[test]
fn repack_leaves_version_control_and_by_default_more_out() {
    let all = [
        ".git/config",
        ".gitignore",
        "x/.gitmodules",
        ".gitattributes",
        "a.jpg",
        "x/b.tar.gz",
        "c.zip",
        ".github/workflows/x.yaml",
        ".circleci/x",
        ".travis.yml",
        "x/.gitlab-ci.yml",
        "appveyor.yml",
        ".drone.yml",
        "cloudbuild.yaml",
        "codeship-services.yml",
        "codeship-steps.yml",
        "x/.goreleaser.yml",
        ".sops.yaml",
        "x/y/.flux.yaml",
        "d.yaml",
        "x/e.tgz",
    ];
    kept(&all, None, &["d.yaml", "x/", "x/e.tgz"]);
    kept(&all, Some(""), &["d.yaml", "x/", "x/e.tgz"]);
    kept(&all, Some("# nothing\n\n  \n"), &["d.yaml", "x/", "x/e.tgz"]);
    let vcs_only = names(layer(&all), Some("none-of-them"));
    assert_eq!(vcs_only.iter().filter(|name| !name.ends_with('/')).count(), all.len() - 4, "{vcs_only:?}");
    assert!(!vcs_only.iter().any(|name| name.starts_with(".git/") || name.starts_with(".gitignore")));
}

#[test]
fn repack_takes_the_last_pattern_that_matches() {
    for (ignore, all, expected) in [
        ("*.md", &["a.md", "x/b.md", "c"][..], &["c"][..]),
        ("*.md\n!keep.md", &["a.md", "x/keep.md"], &["x/", "x/keep.md"]),
        ("!keep.md\n*.md", &["keep.md", "b"], &["b"]),
        ("/*\n!/deploy", &["a", "deploy/b/c"], &["deploy/", "deploy/b/", "deploy/b/c"]),
        ("!.gitignore", &[".gitignore", "a"], &[".gitignore", "a"]),
        ("!.git/", &[".git/config"], &[".git/", ".git/config"]),
        ("x/", &["x", "y/x/a", "b"], &["x", "b"]),
        ("/a.md\r\n", &["a.md", "x/a.md"], &["x/", "x/a.md"]),
        ("\\#a", &["#a", "b"], &["b"]),
        ("[a", &["[a"], &["[a"]),
    ] {
        kept(all, Some(ignore), expected);
    }
}

#[test]
fn repack_brings_single_files_back_out_of_ignored_folders() {
    // git would never look below `x`; go-git asks for every path on its own.
    kept(&["x/", "x/a", "x/y/", "x/y/b"], Some("x/\n!x/y/b"), &["x/", "x/y/", "x/y/b"]);
    kept(&["x/", "x/a"], Some("x/"), &[]);
    kept(&["x/", "x/a"], Some("/x/*"), &["x/"]);
    kept(&["x/", "x/y/", "z"], Some("x/\n!/x/y/"), &["x/", "x/y/", "z"]);
}

#[test]
fn repack_obeys_ignore_files_wherever_they_stand() {
    let expected = [".sourceignore", "a", "x/", "x/.sourceignore", "x/c.md"];
    for order in [
        [".sourceignore=*.md\n!/x", "a", "b.md", "x/.sourceignore=!c.md\n/d", "x/c.md", "x/d"],
        ["a", "b.md", "x/.sourceignore=!c.md\n/d", "x/c.md", "x/d", ".sourceignore=*.md\n!/x"],
        ["x/d", "x/c.md", "x/.sourceignore=!c.md\n/d", "b.md", ".sourceignore=*.md\n!/x", "a"],
    ] {
        let mut found = names(layer(&order), None);
        found.sort();
        assert_eq!(found, expected, "{order:?}");
    }
}

#[test]
fn repack_lets_deeper_files_and_then_the_object_decide() {
    let all = ["x/y/a", "x/y/.sourceignore=!a", "x/.sourceignore=a", ".sourceignore=!a"];
    kept(&all[..2], None, &["x/", "x/y/", "x/y/a", "x/y/.sourceignore"]);
    kept(&all, Some("*ignore"), &["x/", "x/y/", "x/y/a"]);
    kept(&all[2..], Some("*ignore\n!a\n"), &[]);
    kept(&["x/a", "x/.sourceignore=a", "y/a"], None, &["x/", "x/.sourceignore", "y/", "y/a"]);
    kept(&["x/a", "x/.sourceignore=a"], Some("!a"), &["x/", "x/a", "x/.sourceignore"]);
    kept(&["x/a", "x/.sourceignore=!a"], Some("a"), &["x/", "x/.sourceignore"]);
}

#[test]
fn repack_counts_any_pattern_anywhere_against_the_defaults() {
    kept(&["a.jpg", "x/.sourceignore=none"], None, &["a.jpg", "x/", "x/.sourceignore"]);
    // Flux reads ignored folders too, but never `.git`.
    kept(&["a.jpg", ".github/.sourceignore=none"], None, &["a.jpg", ".github/", ".github/.sourceignore"]);
    kept(&["a.jpg", ".git/.sourceignore=none", "b"], None, &["b"]);
    kept(&["a.jpg", "x/.sourceignore=# only words\n", "b"], None, &["x/", "x/.sourceignore", "b"]);
    kept(&["a.jpg", ".sourceignore/", "b"], None, &[".sourceignore/", "b"]);
}

#[test]
fn repack_writes_the_same_in_one_pass_and_in_three() {
    let early = layer(&[".sourceignore=*.md", "a.md", "b"]).gz();
    let (first, _) = run(&early, &options(None)).unwrap();
    // The same members in the same order, but an ignore file without a say of its own makes the run begin anew.
    let again = layer(&[".sourceignore=*.md", "a.md", "b", "x/.sourceignore=none"]).gz();
    let (second, _) = run(&again, &options(Some("/x"))).unwrap();
    let both = [first, second].map(|stored| members(&stored));
    assert_eq!(both[0], both[1]);
}

#[test]
fn repack_leaves_nothing_of_an_attempt_in_a_file() {
    let random: Vec<u8> = (0..400_000_u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0] ^ (n >> 9).to_be_bytes()[3])
        .collect();
    let layer = Tarball::default()
        .member(b'0', b"big", &random)
        .file("small")
        .member(b'0', b".sourceignore", b"big")
        .gz();
    let mut file = tempfile::tempfile().unwrap();
    let size = layer.len() as u64;
    let repacked = repack(Cursor::new(&layer), size, &options(None), &Control::new(), &mut file).unwrap();
    let mut stored = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut stored).unwrap();
    assert_eq!(stored.len() as u64, repacked.size);
    assert_eq!(Digest::of(&stored), repacked.digest);
    assert_eq!((repacked.files, repacked.ignored), (2, 1));
}

#[test]
fn repack_output_does_not_depend_on_threads() {
    let mut layer = Tarball::default();
    for number in 0..300 {
        let text = format!("line {number} of {}\n", number * 7919 % 300).repeat(number * 3);
        layer = layer.member(b'0', format!("d{}/f{number}", number % 7).as_bytes(), text.as_bytes());
    }
    let layer = layer.gz();
    let (expected, repacked) = run(&layer, &options(None)).unwrap();
    assert_eq!(repacked.files, 300);
    for threads in [0, 2, 3, 100] {
        let (stored, _) = run(&layer, &RepackOptions { threads, ..options(None) }).unwrap();
        assert!(stored == expected, "{threads}");
    }
}

#[test]
fn repack_makes_the_digest_with_the_wanted_algorithm() {
    let layer = layer(&["a"]).gz();
    let options = RepackOptions { algorithm: Algorithm::Sha512, ..options(None) };
    let (stored, repacked) = run(&layer, &options).unwrap();
    let mut hasher = Hasher::new(Algorithm::Sha512);
    hasher.update(&stored);
    assert_eq!(repacked.digest, hasher.finish());
}

#[test]
fn repack_wants_gzip_and_says_what_to_do() {
    for tar in [layer(&["a"]).tar(), vec![0; 1024]] {
        let error = run(&tar, &options(None)).unwrap_err();
        assert!(matches!(error, Error::NotGzip), "{error}");
        assert!(error.hint().unwrap().contains("`copy`"));
    }
    let zstd = run(b"\x28\xb5\x2f\xfd...", &options(None)).unwrap_err();
    assert!(zstd.to_string().contains("zstd"), "{zstd}");
    assert!(matches!(run(b"", &options(None)), Err(Error::EmptyLayer)));
    assert!(matches!(run(b"{}", &options(None)), Err(Error::Format(_))));
}

#[test]
fn repack_refuses_hostile_layers() {
    let good = layer(&["a", "b"]).gz();
    for (what, layer) in [
        ("parent", Tarball::default().file("../a").gz()),
        ("absolute", Tarball::default().file("/a").gz()),
        ("control", Tarball::default().file("a\nb").gz()),
        ("twice", Tarball::default().file("a").file("a").gz()),
        ("conflict", Tarball::default().file("a").file("a/b").gz()),
        ("hard link", Tarball::default().file("a").member(b'1', b"b", b"").gz()),
        ("device", Tarball::default().member(b'3', b"b", b"").gz()),
        ("link outside", Tarball::default().symlink("a", "../b").gz()),
        ("hidden", gzip(&[layer(&["a"]).tar(), layer(&["b"]).tar()].concat())),
        ("cut", good[..good.len() - 9].to_vec()),
        ("more", [&good[..], b"x"].concat()),
        ("bad in an ignored place", layer(&["x/a", ".sourceignore=x", "x/../b"]).gz()),
        ("bad at the end", layer(&["a", ".sourceignore=a", "/b"]).gz()),
    ] {
        assert!(run(&layer, &options(None)).is_err(), "{what}");
    }
    let size = good.len() as u64;
    for wrong in [size - 1, size + 1] {
        let refused = repack(Cursor::new(&good), wrong, &options(None), &Control::new(), Vec::new());
        assert!(matches!(refused, Err(Error::LayerSize { .. })), "{wrong}");
    }
}

#[test]
fn repack_bounds_ignore_files_alone_and_together() {
    let limited = |layer: Tarball, ignore: Option<&str>| {
        matches!(run(&layer.gz(), &options(ignore)), Err(Error::Limit { .. }))
    };
    let file = |layer: Tarball, name: &str, text: &str| layer.member(b'0', name.as_bytes(), text.as_bytes());
    let bytes = usize::try_from(limits::IGNORE_FILE_BYTES).unwrap();
    let most = format!("a\n{}", "#".repeat(bytes - 2));
    let (start, half) = (Tarball::default, "b\n".repeat(limits::IGNORE_PATTERNS / 2));
    assert!(!limited(file(start(), ".sourceignore", &most), None));
    assert!(limited(file(start(), ".sourceignore", &format!("{most}#")), None));
    assert!(limited(file(file(start(), ".sourceignore", &most), "x/.sourceignore", "a"), None));
    let two = || file(file(start(), "x/.sourceignore", &half), "y/.sourceignore", &half);
    assert!(!limited(two(), None));
    assert!(limited(file(two(), "z/.sourceignore", "c"), None));
    assert!(limited(start(), Some(&"a\n".repeat(limits::IGNORE_PATTERNS + 1))));
}

#[test]
fn repack_ends_when_it_is_cancelled() {
    let layer = layer(&["a"]).gz();
    let control = Control::new();
    control.cancel();
    let ended = repack(Cursor::new(&layer), layer.len() as u64, &options(None), &control, Vec::new());
    assert!(matches!(ended, Err(Error::Cancelled)));
}

/// Takes a number of bytes, and maybe no second start.
struct Weak {
    left: usize,
}

impl Write for Weak {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Weak {
    fn start_over(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

#[test]
fn repack_ends_when_the_sink_fails() {
    let early = layer(&["a"]).gz();
    let late = layer(&["a", ".sourceignore=a"]).gz();
    for (layer, left, reason) in
        [(&early, 5, "DiskFull"), (&early, 50, "DiskFull"), (&late, 5_000, "FileSystemFailed")]
    {
        let sink = Weak { left };
        let error = repack(Cursor::new(layer), layer.len() as u64, &options(None), &Control::new(), sink);
        let error = error.unwrap_err();
        assert!(matches!(error, Error::Sink(_)), "{error}");
        assert_eq!(error.reason(), reason);
    }
}

#[test]
fn repack_reads_the_layer_from_its_start() {
    let bytes = layer(&["a", ".sourceignore=b"]).gz();
    let mut file: File = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    let mut out = Vec::new();
    repack(&file, bytes.len() as u64, &options(None), &Control::new(), &mut out).unwrap();
    assert_eq!(members(&out).len(), 3);
}
