//! Comparing two archives by what is in them, file by file.
//!
//! Digests of layers differ between tools and versions for equal content, so they say nothing about what changed. Here
//! a file is its path, its content and its execute bit; folders, order, owners and times do not count.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
};

use similar::TextDiff;

use crate::{
    limits,
    name::{Algorithm, Digest, Hasher},
};

use super::{Control, Error, Member, MemberKind, MemberPath, read};

/// Bytes hashed at once.
const CHUNK: usize = 64 << 10;
/// Lines around a change.
const CONTEXT: usize = 3;

/// A file of an archive, without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Bytes.
    pub size: u64,
    /// Whether any execute bit is set.
    pub executable: bool,
    /// Digest of the content.
    pub digest: Digest,
}

/// The files of an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// By path, in byte order.
    pub files: BTreeMap<MemberPath, FileEntry>,
}

/// What differs between two trees, each list in byte order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Only in the new tree.
    pub added: Vec<MemberPath>,
    /// Only in the old tree.
    pub removed: Vec<MemberPath>,
    /// In both, with other content or another execute bit.
    pub changed: Vec<MemberPath>,
}

/// The content of a member that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// All of it.
    Bytes(Vec<u8>),
    /// More than [`limits::TEXT_BYTES`], or too much with the others; the value is its size.
    TooLarge(u64),
}

impl Tree {
    /// Reads a layer of `layer_size` bytes to its end and digests every file.
    pub fn read(layer: impl Read, layer_size: u64, control: &Control) -> Result<Self, Error> {
        let mut tree = Self::default();
        let mut buffer = vec![0; CHUNK];
        read(layer, layer_size, control, &mut |mut member| {
            let MemberKind::File { size, executable } = member.kind else {
                return Ok(());
            };
            let mut hasher = Hasher::new(Algorithm::Sha256);
            loop {
                let count = member.read(&mut buffer)?;
                if count == 0 {
                    break;
                }
                hasher.update(buffer.get(..count).unwrap_or_default());
            }
            let entry = FileEntry { size, executable, digest: hasher.finish() };
            tree.files.insert(member.path.clone(), entry);
            Ok(())
        })?;
        Ok(tree)
    }
}

impl Changes {
    /// Whether the trees are equal.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// What to do to `old` to get `new`.
pub fn compare(old: &Tree, new: &Tree) -> Changes {
    let mut changes = Changes::default();
    for (path, entry) in &new.files {
        match old.files.get(path) {
            None => changes.added.push(path.clone()),
            Some(before) if before != entry => changes.changed.push(path.clone()),
            Some(_) => {}
        }
    }
    changes.removed = old.files.keys().filter(|path| !new.files.contains_key(*path)).cloned().collect();
    changes
}

/// The content of those `paths` that are files of the layer.
pub fn contents(
    layer: impl Read,
    layer_size: u64,
    paths: &BTreeSet<MemberPath>,
    control: &Control,
) -> Result<BTreeMap<MemberPath, Content>, Error> {
    let mut found = BTreeMap::new();
    let mut total = 0;
    read(layer, layer_size, control, &mut |mut member: Member<'_>| {
        let MemberKind::File { size, .. } = member.kind else {
            return Ok(());
        };
        if !paths.contains(member.path) {
            return Ok(());
        }
        let content = if size > limits::TEXT_BYTES || total + size > limits::TEXT_TOTAL_BYTES {
            Content::TooLarge(size)
        } else {
            total += size;
            let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
            member.read(&mut bytes)?;
            Content::Bytes(bytes)
        };
        found.insert(member.path.clone(), content);
        Ok(())
    })?;
    Ok(found)
}

/// The difference of two contents in the unified format; `None` where the file does not exist. Empty if they are equal.
///
/// The text is as foreign as the archive: escape it before it goes to a terminal.
pub fn unified(path: &MemberPath, old: Option<&[u8]>, new: Option<&[u8]>) -> String {
    let name = |side: &str, content: Option<&[u8]>| match content {
        Some(_) => format!("{side}/{path}"),
        None => "/dev/null".to_owned(),
    };
    let (old_name, new_name) = (name("a", old), name("b", new));
    if old == new {
        return String::new();
    }
    let (Some(old), Some(new)) = (text(old.unwrap_or_default()), text(new.unwrap_or_default())) else {
        return format!("Binary files {old_name} and {new_name} differ\n");
    };
    TextDiff::from_lines(old, new)
        .unified_diff()
        .context_radius(CONTEXT)
        .header(&old_name, &new_name)
        .to_string()
}

/// The content as text, unless it is binary: not UTF-8, or with NUL.
fn text(content: &[u8]) -> Option<&str> {
    std::str::from_utf8(content).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{Input, PackOptions, pack};

    fn a_layer(files: &[(&str, &[u8])]) -> Vec<u8> {
        let tree = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = tree.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let mut layer = Vec::new();
        pack(Input::Path(tree.path()), &PackOptions::default(), &Control::new(), &mut layer).unwrap();
        layer
    }

    fn tree(layer: &[u8]) -> Tree {
        Tree::read(layer, layer.len() as u64, &Control::new()).unwrap()
    }

    fn path(text: &str) -> MemberPath {
        MemberPath::parse(text).unwrap()
    }

    #[test]
    fn compare_names_what_differs() {
        let old = tree(&a_layer(&[("same", b"1"), ("gone", b"2"), ("d/edited", b"3")]));
        let mut new = tree(&a_layer(&[("same", b"1"), ("d/edited", b"4"), ("d/new", b"5")]));
        let changes = compare(&old, &new);
        assert_eq!(changes.added, [path("d/new")]);
        assert_eq!(changes.removed, [path("gone")]);
        assert_eq!(changes.changed, [path("d/edited")]);
        assert!(compare(&old, &old).is_empty());
        new = old.clone();
        new.files.get_mut(&path("same")).unwrap().executable = true;
        assert_eq!(compare(&old, &new).changed, [path("same")]);
    }

    #[test]
    fn contents_are_those_asked_for() {
        let layer = a_layer(&[("a", b"1"), ("b", b"2"), ("big", &vec![0; (1 << 20) + 1])]);
        let wanted = BTreeSet::from([path("a"), path("big"), path("missing")]);
        let found = contents(&layer[..], layer.len() as u64, &wanted, &Control::new()).unwrap();
        let expected = BTreeMap::from([
            (path("a"), Content::Bytes(b"1".to_vec())),
            (path("big"), Content::TooLarge((1 << 20) + 1)),
        ]);
        assert_eq!(found, expected);
    }

    #[test]
    fn contents_stop_at_the_limit_of_all_together() {
        let files: Vec<(String, Vec<u8>)> =
            (0..65).map(|n| (format!("f{n:02}"), vec![b'x'; 1 << 20])).collect();
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (&**name, &**bytes)).collect();
        let layer = a_layer(&files);
        let wanted = files.iter().map(|(name, _)| path(name)).collect();
        let found = contents(&layer[..], layer.len() as u64, &wanted, &Control::new()).unwrap();
        assert_eq!(found.values().filter(|content| matches!(content, Content::Bytes(_))).count(), 64);
        assert_eq!(found[&path("f64")], Content::TooLarge(1 << 20));
    }

    #[test]
    fn unified_is_what_patch_reads() {
        let text = unified(&path("d/f"), Some(b"a\nb\nc\n"), Some(b"a\nB\nc"));
        assert_eq!(
            text,
            "--- a/d/f\n+++ b/d/f\n@@ -1,3 +1,3 @@\n a\n-b\n-c\n+B\n+c\n\\ No newline at end of file\n"
        );
    }

    #[test]
    fn unified_of_a_new_file_is_against_nothing() {
        assert_eq!(unified(&path("f"), None, Some(b"a\n")), "--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+a\n");
        assert_eq!(unified(&path("f"), Some(b"a\n"), None), "--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n");
        assert_eq!(unified(&path("f"), Some(b"a"), Some(b"a")), "");
    }

    #[test]
    fn unified_of_binary_content_says_so() {
        let text = unified(&path("f"), Some(b"\0"), Some(b"a"));
        assert_eq!(text, "Binary files a/f and b/f differ\n");
        assert_eq!(unified(&path("f"), None, Some(b"\xff")), "Binary files /dev/null and b/f differ\n");
    }

    #[test]
    fn unified_of_long_texts_ends() {
        let lines = |salt: u32| {
            let lines: Vec<String> =
                (0..60_000_u32).map(|n| format!("{}\n", n.wrapping_mul(salt) % 1_000)).collect();
            lines.concat()
        };
        assert!(
            !unified(&path("f"), Some(lines(7_919).as_bytes()), Some(lines(104_729).as_bytes())).is_empty()
        );
    }
}
