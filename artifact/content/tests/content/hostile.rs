//! Archives made to harm: each is unpacked for real, and neither writes outside nor leaves anything behind.
//!
//! The numbers H01 to H29 are those of the corpus of hostile input in the threat model.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use oci_artifact::{
    Classify as _,
    archive::{Control, Error, PathFault, Summary, unpack_into},
};

use crate::tarball::{Header, Tarball, gzip};

/// Everything below `root`: kind, mode, content.
fn snapshot(root: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut out = BTreeMap::new();
    let mut left = vec![root.to_owned()];
    while let Some(at) = left.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let content = if metadata.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
            if metadata.is_dir() {
                left.push(path.clone());
            }
            out.insert(path.strip_prefix(root).unwrap().to_owned(), (metadata.mode(), content));
        }
    }
    out
}

/// A folder with something to steal, and a destination in it: missing, empty, or with a file.
fn a_place(kind: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("outside")).unwrap();
    fs::write(place.path().join("outside/secret"), "secret").unwrap();
    fs::set_permissions(place.path().join("outside"), fs::Permissions::from_mode(0o700)).unwrap();
    match kind {
        "missing" => {}
        "empty" => fs::create_dir(place.path().join("out")).unwrap(),
        _ => {
            fs::create_dir(place.path().join("out")).unwrap();
            fs::write(place.path().join("out/kept"), "kept").unwrap();
        }
    }
    place
}

fn unpack(layer: &[u8], place: &tempfile::TempDir) -> Result<Summary, Error> {
    unpack_into(layer, layer.len() as u64, &place.path().join("out"), &Control::new())
}

/// Unpacks to every kind of place, wants an error and no trace, and returns the error.
#[track_caller]
fn refused(layer: &[u8]) -> Error {
    let mut errors = Vec::new();
    for kind in ["missing", "empty", "with a file"] {
        let place = a_place(kind);
        let before = snapshot(place.path());
        let error = unpack(layer, &place).expect_err("the archive was accepted");
        assert_eq!(snapshot(place.path()), before, "{kind}: {error}");
        let message = error.to_string();
        assert!(message.len() <= 1_024 && !message.chars().any(char::is_control), "{message:?}");
        assert!(!error.reason().is_empty());
        errors.push(error);
    }
    errors.pop().unwrap()
}

/// Unpacks to a place that is missing and returns what is there, by path, and the summary.
#[track_caller]
fn accepted(layer: &[u8]) -> (BTreeMap<PathBuf, (u32, Vec<u8>)>, Summary) {
    let place = a_place("missing");
    let before = snapshot(place.path());
    let summary = unpack(layer, &place).unwrap();
    let mut after = snapshot(place.path());
    let out = snapshot(&place.path().join("out"));
    after.retain(|path, _| !path.starts_with("out"));
    assert_eq!(after, before);
    (out, summary)
}

fn names(out: &BTreeMap<PathBuf, (u32, Vec<u8>)>) -> Vec<&str> {
    out.keys().map(|path| path.to_str().unwrap()).collect()
}

#[track_caller]
fn refused_path(name: &[u8], expected: PathFault) {
    // In the header, in a pax record, in a GNU long name, and after a member that is fine.
    let header = Tarball::default().folder(".").file("fine").member(b'0', name, b"evil");
    let mut layers = vec![header.clone().gz(), header.tar()];
    layers.push(Tarball::default().file("fine").long(b'L', name).file("short").gz());
    layers.push(Tarball::default().pax(b'x', &[("path", name)]).file("short").gz());
    for layer in layers {
        match refused(&layer) {
            Error::Path { fault, .. } => assert_eq!(fault, expected),
            // NUL cannot be in a header or a GNU name, and is malformed in pax.
            other => panic!("{other}"),
        }
    }
}

#[test]
fn h01_parent_components_are_refused() {
    refused_path(b"../outside/new", PathFault::Parent);
    refused_path(b"a/../../outside/new", PathFault::Parent);
    refused_path(b"./../outside/new", PathFault::Parent);
    refused_path(b"..", PathFault::Parent);
}

#[test]
fn h02_absolute_paths_are_refused() {
    refused_path(b"/tmp/new", PathFault::Absolute);
    refused_path(b".//tmp/new", PathFault::Absolute);
}

#[test]
fn h03_paths_of_other_systems_are_refused() {
    refused_path(b"..\\outside\\new", PathFault::Backslash);
    refused_path(b"C:/new", PathFault::Drive);
    refused_path(b"c:new", PathFault::Drive);
}

#[test]
fn h04_control_characters_are_refused() {
    refused_path(b"a\nb", PathFault::Control);
    refused_path(b"\x1b[2J\x1b]0;x\x07", PathFault::Control);
    let layer = Tarball::default().pax(b'x', &[("path", b"a\0b")]).file("short").gz();
    assert!(matches!(refused(&layer), Error::Header { .. }));
}

#[test]
fn h05_names_that_are_not_utf8_are_refused() {
    refused_path(b"a\xff", PathFault::NotUtf8);
    refused_path(b"..\xc0\xafx", PathFault::NotUtf8);
}

#[test]
fn h06_a_name_of_100_kb_is_refused() {
    let name = vec![b'n'; 100_000];
    assert!(matches!(
        refused(&Tarball::default().pax(b'x', &[("path", &name)]).file("a").gz()),
        Error::Path { fault: PathFault::Long, .. }
    ));
    assert!(matches!(
        refused(&Tarball::default().long(b'L', &name).file("a").gz()),
        Error::Path { fault: PathFault::Long, .. }
    ));
}

#[test]
fn h07_ten_thousand_levels_are_refused() {
    let deep = "d/".repeat(10_000) + "x";
    assert!(matches!(
        refused(&Tarball::default().pax(b'x', &[("path", deep.as_bytes())]).file("a").gz()),
        Error::Path { fault: PathFault::Long, .. }
    ));
    let less = "d/".repeat(65) + "x";
    refused_path_long(less.as_bytes());
}

#[track_caller]
fn refused_path_long(name: &[u8]) {
    assert!(matches!(
        refused(&Tarball::default().pax(b'x', &[("path", name)]).file("a").gz()),
        Error::Path { fault: PathFault::Deep, .. }
    ));
}

#[test]
fn h08_files_named_like_folders_are_refused() {
    refused_path(b".", PathFault::Component);
    refused_path(b"a/", PathFault::TrailingSlash);
    refused_path(b"a//b", PathFault::Component);
    refused_path(b"a/./b", PathFault::Component);
    assert!(matches!(
        refused(&Tarball::default().member(b'0', b"", b"x").gz()),
        Error::Path { fault: PathFault::Empty, .. }
    ));
}

#[test]
fn h09_a_name_twice_is_refused() {
    assert!(matches!(refused(&Tarball::default().file("a").file("a").gz()), Error::Duplicate(_)));
    assert!(matches!(refused(&Tarball::default().file("d/a").file("./d/a").gz()), Error::Duplicate(_)));
    assert!(matches!(refused(&Tarball::default().folder(".").folder("./").gz()), Error::Duplicate(_)));
}

#[cfg(target_os = "linux")]
#[test]
fn h09_names_that_only_look_equal_are_kept_apart() {
    let (out, _) = accepted(&Tarball::default().file("a").file("A").file("ä").file("a\u{308}").gz());
    assert_eq!(out.len(), 4);
}

#[test]
fn h10_a_file_that_is_a_folder_is_refused() {
    for tarball in [
        Tarball::default().file("a").folder("a"),
        Tarball::default().folder("a").file("a"),
        Tarball::default().file("a").file("a/b"),
        Tarball::default().file("a/b").file("a"),
    ] {
        assert!(matches!(refused(&tarball.gz()), Error::Conflict(_)));
    }
}

#[test]
fn h11_links_that_leave_are_refused() {
    for target in ["../outside", "/tmp", "/", "a/../../outside", "..", ""] {
        let layer = Tarball::default().symlink("link", target).file("link/new").gz();
        assert!(matches!(refused(&layer), Error::MemberLink { .. }), "{target}");
    }
    let long = "../".repeat(50) + "outside";
    let layer = Tarball::default().long(b'K', long.as_bytes()).symlink("link", "fine").gz();
    assert!(matches!(refused(&layer), Error::MemberLink { .. }));
    let layer = Tarball::default().pax(b'x', &[("linkpath", b"../outside")]).symlink("link", "fine").gz();
    assert!(matches!(refused(&layer), Error::MemberLink { .. }));
}

#[test]
fn h11_writing_through_a_link_is_refused() {
    let layer = Tarball::default().folder("a").symlink("link", "a").file("link/new").gz();
    assert!(matches!(refused(&layer), Error::Conflict(_)));
}

#[test]
fn h11_links_that_stay_inside_are_left_out() {
    let layer = Tarball::default().file("a/b").symlink("a/link", "../a/./b").symlink("l", "missing").gz();
    let (out, summary) = accepted(&layer);
    assert_eq!(names(&out), ["a", "a/b"]);
    assert_eq!(summary.skipped_links, 2);
}

#[test]
fn h12_a_folder_in_the_place_of_a_link_is_refused() {
    let layer = Tarball::default().symlink("link", "a").member(b'5', b"link", b"").gz();
    assert!(matches!(refused(&layer), Error::Conflict(_)));
    let layer = Tarball::default().symlink("link", "../outside").member(b'5', b"link", b"").gz();
    assert!(matches!(refused(&layer), Error::MemberLink { .. }));
}

#[test]
fn h13_h14_hard_links_are_refused() {
    for target in ["outside/secret", "../outside/secret", "/etc/passwd", "a"] {
        let link = Header::new(b'1', b"hard", 0).with(157, target.as_bytes());
        let layer = Tarball::default().symlink("a", "b").header(&link).gz();
        assert!(matches!(refused(&layer), Error::Kind { kind: "a hard link", .. }), "{target}");
    }
}

#[test]
fn h15_everything_but_files_and_folders_is_refused() {
    for flag in [b'3', b'4', b'6', b'7', b'D', b'M', b'N', b'S', b'V', b'Z', b'9', 0xff] {
        let layer = Tarball::default().file("fine").member(flag, b"odd", b"").gz();
        assert!(matches!(refused(&layer), Error::Kind { .. }), "{flag}");
    }
}

#[test]
fn h16_modes_and_owners_are_neutralised() {
    let mode = |name: &[u8], mode: &[u8]| Header::new(b'0', name, 0).with(100, mode);
    let mut folder = Header::new(b'5', b"d/", 0);
    folder.set(100, b"0000000\0");
    let owner = mode(b"owner", b"0000644\0").with(108, &[0x80, 0, 0, 0, 0x80, 0, 0, 0]);
    let layer = Tarball::default()
        .header(&folder)
        .header(&mode(b"d/none", b"0000000\0"))
        .header(&mode(b"setuid", b"0106755\0"))
        .header(&mode(b"all", b"0007777\0"))
        .header(&owner)
        .gz();
    let (out, _) = accepted(&layer);
    let modes: Vec<(&str, u32)> = out.iter().map(|(path, entry)| (path.to_str().unwrap(), entry.0)).collect();
    let umask = 0o777 & !fs::metadata(a_mode_probe().path().join("x")).unwrap().mode();
    let (folder, plain, executable) = (0o40755 & !umask, 0o100_644 & !umask, 0o100_755 & !umask);
    assert_eq!(
        modes,
        [("all", executable), ("d", folder), ("d/none", plain), ("owner", plain), ("setuid", executable)]
    );
}

/// A folder with a folder `x` that has every bit the umask allows.
fn a_mode_probe() -> tempfile::TempDir {
    let probe = tempfile::tempdir().unwrap();
    fs::create_dir(probe.path().join("x")).unwrap();
    probe
}

#[test]
fn h17_times_are_ignored() {
    let far = Header::new(b'0', b"far", 0).with(136, b"77777777777\0");
    let before = Header::new(b'0', b"before", 0).with(136, &[0xff; 12]);
    let layer = Tarball::default()
        .header(&far)
        .header(&before)
        .pax(b'x', &[("mtime", b"253402300799.999999999"), ("atime", b"-1")])
        .file("pax")
        .gz();
    let (out, _) = accepted(&layer);
    assert_eq!(names(&out), ["before", "far", "pax"]);
}

#[test]
fn h18_a_pax_size_that_differs_is_refused() {
    for (stated, real) in [("1024", 0), ("0", 4), ("3", 4), ("5", 4)] {
        let hidden = Tarball::default().file("hidden").0;
        let layer = Tarball::default()
            .pax(b'x', &[("size", stated.as_bytes())])
            .member(b'0', b"a", &b"evil"[..real])
            .content(&hidden)
            .gz();
        assert!(matches!(refused(&layer), Error::Header { .. }), "{stated} {real}");
    }
    accepted(&Tarball::default().pax(b'x', &[("size", b"4")]).file("a").gz());
}

#[test]
fn h19_names_in_several_headers_must_agree() {
    let name = "x".repeat(150);
    let pax: &[(&str, &[u8])] = &[("path", name.as_bytes())];
    for tarball in [
        Tarball::default().pax(b'x', pax).long(b'L', name.as_bytes()).file("s"),
        Tarball::default().long(b'L', name.as_bytes()).pax(b'x', pax).file("s"),
        Tarball::default().pax(b'g', &[("comment", b"x")]).pax(b'x', pax).file("s"),
    ] {
        let (out, _) = accepted(&tarball.gz());
        assert_eq!(names(&out), [name.as_str()]);
    }
    for tarball in [
        Tarball::default().pax(b'x', pax).long(b'L', b"other").file("s"),
        Tarball::default().long(b'L', b"other").pax(b'x', pax).file("s"),
        Tarball::default().pax(b'x', pax).pax(b'x', pax).file("s"),
        Tarball::default().pax(b'x', &[("path", b"a"), ("path", b"b")]).file("s"),
        Tarball::default().pax(b'g', &[("path", b"global")]).file("s"),
        Tarball::default().pax(b'g', &[("size", b"0")]).file("s"),
    ] {
        assert!(matches!(refused(&tarball.gz()), Error::Header { .. }));
    }
}

#[test]
fn h19_headers_without_a_member_are_refused() {
    let layer = Tarball::default().file("a").pax(b'x', &[("path", b"b")]).gz();
    assert!(matches!(refused(&layer), Error::Truncated(_)));
    let mut chain = Tarball::default();
    for _ in 0..9 {
        chain = chain.pax(b'g', &[("comment", b"x")]);
    }
    assert!(matches!(refused(&chain.file("a").gz()), Error::Header { .. }));
}

#[test]
fn h20_malformed_pax_records_are_refused() {
    for content in [
        &b"11 path=a/b\n"[..],
        b"999999999999999999999999 path=a\n",
        b"-12 path=a/b\n",
        b"path=a\n",
        b"0 \n",
        b"12 path=a/bX",
    ] {
        for flag in [b'x', b'g'] {
            let layer = Tarball::default().member(flag, b"pax", content).file("a").gz();
            assert!(matches!(refused(&layer), Error::Header { .. }));
        }
    }
}

#[test]
fn h21_sparse_files_are_refused() {
    let map = "0\n1\n".repeat(100_000);
    for records in [
        &[
            ("GNU.sparse.major", &b"1"[..]),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.realsize", b"1000000000"),
        ][..],
        &[("GNU.sparse.numblocks", b"1000000000"), ("GNU.sparse.map", map.as_bytes())],
    ] {
        let layer = Tarball::default().pax(b'x', records).file("a").gz();
        assert!(matches!(refused(&layer), Error::Header { .. }));
    }
}

#[test]
fn h22_numbers_that_do_not_fit_are_refused() {
    let negative = [0xff; 12];
    let mut huge = [0; 12];
    huge[0] = 0x80;
    huge[3] = 1;
    for size in
        [&negative[..], &huge, b"88888888888\0", b"-0000000004\0", b"+0000000004\0", b"0x4\0\0\0\0\0\0\0\0\0"]
    {
        let header = Header::new(b'0', b"a", 4).with(124, size);
        let layer = Tarball::default().header(&header).content(b"evil").gz();
        assert!(matches!(refused(&layer), Error::Header { .. }), "{size:?}");
    }
    let mut largest = [0; 12];
    largest[0] = 0x80;
    largest[4..].copy_from_slice(&[0xff; 8]);
    for flag in [b'0', b'5', b'x', b'L'] {
        let layer = Tarball::default().header(&Header::new(flag, b"a", 0).with(124, &largest)).gz();
        assert!(matches!(refused(&layer), Error::Limit { .. } | Error::Header { .. }));
    }
}

#[test]
fn h22_a_wrong_checksum_is_refused() {
    let mut header = Header::new(b'0', b"a", 0);
    header.0[0] = b'b';
    let layer = Tarball::default().file("fine").header(&header).gz();
    let error = refused(&layer);
    assert!(matches!(&error, Error::Header { fault: "wrong checksum", .. }), "{error}");
    assert!(error.to_string().contains("number 2"), "{error}");
}

#[test]
fn h22_a_folder_with_content_is_refused() {
    for flag in [b'5', b'2'] {
        let layer = Tarball::default().member(flag, b"d", &Header::new(b'0', b"hidden", 0).0).gz();
        assert!(matches!(refused(&layer), Error::Header { .. }));
    }
}

#[test]
fn h23_archives_that_end_early_are_refused() {
    let whole = Tarball::default().file("a").member(b'0', b"b", &[b'x'; 2_000]).tar();
    for length in [512 - 1, 512, 512 + 3, 1024 + 100, 1024 + 512 + 1_999, whole.len() - 1024] {
        let cut = &whole[..length];
        for layer in [cut.to_vec(), gzip(cut)] {
            assert!(
                matches!(refused(&layer), Error::Truncated(_) | Error::NoEnd | Error::Format(_)),
                "{length}"
            );
        }
    }
    let packed = gzip(&whole);
    for length in 1..packed.len() {
        let place = a_place("missing");
        unpack(&packed[..length], &place).unwrap_err();
        assert!(!place.path().join("out").exists(), "{length}");
    }
    // One zero block is what some tools leave.
    accepted(&whole[..whole.len() - 512]);
}

#[test]
fn h24_a_million_members_are_refused() {
    // The limit is far below a million; one more than it is enough to see it hold. The same folder again and again is
    // as many members, and less work for the disk than files.
    let folder = Header::new(b'5', b"d", 0).0;
    let mut tar = folder.repeat(usize::try_from(oci_artifact::limits::MEMBERS).unwrap() + 1);
    tar.resize(tar.len() + 1024, 0);
    let place = a_place("missing");
    let error = unpack(&gzip(&tar), &place).unwrap_err();
    assert!(matches!(error, Error::Limit { what: "members", .. }), "{error}");
    assert!(!place.path().join("out").exists());
}

/// A gzip of one file of `size` zeros, made of one compressed chunk that is repeated.
fn zeros(size: u64) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&Header::new(b'0', b"zeros", size).0).unwrap();
    let chunk = vec![0; 1 << 20];
    for _ in 0..size >> 20 {
        encoder.write_all(&chunk).unwrap();
    }
    encoder.write_all(&[0; 1024]).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn h25_a_member_beyond_the_limit_is_refused_by_its_header() {
    let header = Header::new(b'0', b"zeros", 0).with(124, &[0x80, 0, 0, 0, 0, 0, 0, 2, 0x54, 0x0b, 0xe4, 0]);
    let error = refused(&Tarball::default().header(&header).gz());
    assert!(matches!(error, Error::Limit { .. }), "{error}");
}

#[test]
fn h26_a_bomb_is_refused() {
    let place = a_place("with a file");
    let before = snapshot(place.path());
    let error = unpack(&zeros(200 << 20), &place).unwrap_err();
    assert!(matches!(error, Error::Limit { .. }), "{error}");
    assert_eq!(snapshot(place.path()), before);
}

#[test]
fn h26_zeros_after_the_end_are_a_bomb_too() {
    let mut tar = Tarball::default().file("a").tar();
    tar.resize(200 << 20, 0);
    assert!(matches!(refused(&gzip(&tar)), Error::Limit { .. }));
}

#[test]
fn h26_gzip_in_gzip_is_no_archive() {
    let layer = gzip(&Tarball::default().file("a").gz());
    assert!(matches!(refused(&layer), Error::Truncated(_) | Error::Header { .. }));
}

#[test]
fn h27_several_gzip_members_are_one_archive() {
    let tar = Tarball::default().file("a").member(b'0', b"b", &[b'x'; 5_000]).tar();
    for at in [1, 512, 600, 3_000, tar.len()] {
        let layer = [gzip(&tar[..at]), gzip(&tar[at..])].concat();
        assert_eq!(names(&accepted(&layer).0), ["a", "b"], "{at}");
    }
}

#[test]
fn h27_damaged_gzip_is_refused() {
    let whole = Tarball::default().file("a").gz();
    let garbage = [&whole[..], b"garbage"].concat();
    let zero = [&whole[..], &[0; 10]].concat();
    let mut crc = whole.clone();
    let end = crc.len();
    crc[end - 5] ^= 1;
    let mut isize = whole.clone();
    isize[end - 1] ^= 1;
    let mut body = whole.clone();
    body[20] ^= 0x55;
    for layer in [garbage, zero, crc, isize, body, whole[..end - 8].to_vec(), whole[..3].to_vec()] {
        let error = refused(&layer);
        assert!(
            matches!(error, Error::Gzip(_) | Error::Header { .. } | Error::Truncated(_) | Error::Kind { .. }),
            "{error}"
        );
    }
}

#[test]
fn h27_a_long_gzip_header_is_accepted() {
    let whole = Tarball::default().file("a").gz();
    let mut layer = whole[..10].to_vec();
    layer[3] = 4;
    layer.extend_from_slice(&[0xff, 0xff]);
    layer.resize(layer.len() + 0xffff, b'x');
    layer.extend_from_slice(&whole[10..]);
    assert_eq!(names(&accepted(&layer).0), ["a"]);
}

#[test]
fn h28_other_formats_are_refused_by_name() {
    assert!(matches!(refused(b""), Error::EmptyLayer));
    assert!(matches!(refused(b"\x1f"), Error::Format(_)));
    assert!(matches!(refused(b"\x1f\x8b"), Error::Gzip(_)));
    for (magic, name) in [
        (&[0x28, 0xb5, 0x2f, 0xfd, 0][..], "zstd"),
        (&[0xfd, b'7', b'z', b'X', b'Z', 0], "xz"),
        (b"BZh9", "bzip2"),
        (b"PK\x03\x04", "zip"),
        (b"kind: Namespace\n", "unknown"),
        (b"{}", "unknown"),
    ] {
        let error = refused(&[magic, &[7; 1_000]].concat());
        assert!(matches!(error, Error::Format(_)) && error.to_string().contains(name), "{error}");
    }
}

#[test]
fn h28_a_plain_tar_is_accepted() {
    assert_eq!(names(&accepted(&Tarball::default().folder(".").file("./d/a").tar()).0), ["d", "d/a"]);
    assert!(accepted(&Tarball::default().gz()).0.is_empty());
}

#[test]
fn h29_data_after_the_end_is_refused() {
    let first = Tarball::default().file("a").tar();
    let second = Tarball::default().file("hidden").tar();
    let both = [&first[..], &second].concat();
    let late = [&first[..], &vec![0; 100_000], &second].concat();
    let one_zero = [&first[..first.len() - 512], &second].concat();
    for archive in [both, late, one_zero, [&first[..], b"x"].concat()] {
        assert!(matches!(refused(&archive), Error::Trailing));
        assert!(matches!(refused(&gzip(&archive)), Error::Trailing));
    }
    assert!(matches!(refused(&[gzip(&first), gzip(&second)].concat()), Error::Trailing));
    // The padding of GNU tar to records of 10 KiB.
    let mut padded = first;
    padded.resize(10_240, 0);
    accepted(&gzip(&padded));
}
