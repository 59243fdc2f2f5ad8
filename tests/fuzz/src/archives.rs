//! Layers, and ignore rules.

use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Write as _},
};

use flate2::{Compression, write::GzEncoder};
use oci_artifact::{
    archive::{Control, Error, Ignore, RepackOptions, Tree, read, repack, unpack_into},
    name::Algorithm,
};

use crate::{first_line, is_line};

const BLOCK: usize = 512;
/// Where a header has its checksum.
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// A layer as it came; and if it is no gzip, with the checksums of its headers mended, so that what they say is read.
pub(crate) fn archives(bytes: &[u8]) {
    layer(bytes);
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&mended(bytes)).unwrap();
        layer(&encoder.finish().unwrap());
    }
}

fn mended(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for block in bytes.chunks_exact_mut(BLOCK).filter(|block| block[257..262] == *b"ustar") {
        block[CHECKSUM].fill(b' ');
        let sum: u32 = block.iter().copied().map(u32::from).sum();
        block[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    bytes
}

/// All readers agree, and whatever is written stays in its place.
fn layer(bytes: &[u8]) {
    let size = bytes.len() as u64;
    let control = Control::new();
    let summary = read(bytes, size, &control, &mut |_| Ok(()));
    let tree = Tree::read(bytes, size, &control);
    assert_eq!(verdict(&tree), verdict(&summary));
    let place = tempfile::tempdir().unwrap();
    let unpacked = unpack_into(bytes, size, &place.path().join("out"), &control);
    // A file system may refuse more: names that are longer than it takes.
    assert!(verdict(&unpacked).is_some() || summary.is_ok());
    let left: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), usize::from(unpacked.is_ok()), "{left:?}");
    let options = RepackOptions { ignore: None, threads: 1, algorithm: Algorithm::Sha256 };
    let mut written = Vec::new();
    match repack(Cursor::new(bytes), size, &options, &control, &mut written) {
        Ok(repacked) => {
            let again = Tree::read(written.as_slice(), repacked.size, &control).unwrap();
            let (again, tree) = (contents(&again), contents(&tree.unwrap()));
            assert_eq!(again.len() as u64, repacked.files);
            assert!(again.iter().all(|(path, digest)| tree.get(path) == Some(digest)));
        }
        Err(error) => is_line(&error.to_string()),
    }
}

fn contents(tree: &Tree) -> BTreeMap<String, String> {
    tree.files.iter().map(|(path, entry)| (path.to_string(), entry.digest.to_string())).collect()
}

fn verdict<T>(result: &Result<T, Error>) -> Option<String> {
    let error = result.as_ref().err()?.to_string();
    is_line(&error);
    Some(error)
}

/// A path, and the ignore file in its first folder.
pub(crate) fn ignores(bytes: &[u8]) {
    let Some((path, rules)) = first_line(bytes) else { return };
    let path: Vec<&str> = path.split('/').collect();
    let mut ignore = Ignore::new([rules]);
    ignore.is_ignored(&path, false);
    if ignore.add_file(&path[..1], rules).is_ok() {
        ignore.is_ignored(&path, true);
        ignore.may_prune();
    }
}
