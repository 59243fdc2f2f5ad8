//! Tar headers as they are written: POSIX.1-1988 ustar, and pax (POSIX.1-2001) where a name does not fit.
//!
//! Byte for byte what Go's `archive/tar` writes for the Flux CLI, so that the uncompressed archives of both tools are
//! equal when the modes are. Everything that differs between two machines (owner, times) is zero.

use crate::archive::{Error, path::shown};

/// Bytes of a tar block.
pub(super) const BLOCK: usize = 512;

/// The largest size that eleven octal digits hold.
const SIZE_MAX: u64 = 0o777_7777_7777;

const NAME: std::ops::Range<usize> = 0..100;
const PREFIX_MAX: usize = 155;

/// What a header is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    File { size: u64, executable: bool },
}

/// The permissions of all members; those that they had are not kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Modes {
    folder: u64,
    executable: u64,
    file: u64,
}

impl Modes {
    /// For layers.
    pub(super) const SHARED: Self = Self { folder: 0o755, executable: 0o755, file: 0o644 };
    /// For the artifacts that source-controller stores.
    pub(super) const PRIVATE: Self = Self { folder: 0o750, executable: 0o700, file: 0o600 };
}

/// Appends the header, or headers, of the member `name` to `out`.
pub(super) fn append(out: &mut Vec<u8>, name: &str, kind: Kind, modes: Modes) -> Result<(), Error> {
    let (flag, mode, size) = match kind {
        Kind::Folder => (b'5', modes.folder, 0),
        Kind::File { size, executable: true } => (b'0', modes.executable, size),
        Kind::File { size, executable: false } => (b'0', modes.file, size),
    };
    if size > SIZE_MAX {
        return Err(Error::limit(shown(name.as_bytes()), "bytes", SIZE_MAX));
    }
    let mut block = Block::new(flag, mode, size);
    block.device_numbers();
    if name.is_ascii() && name.len() <= NAME.len() {
        block.text(NAME.start, NAME.len(), name.as_bytes());
    } else if let Some((prefix, rest)) = split(name) {
        block.text(NAME.start, NAME.len(), rest.as_bytes());
        block.text(345, PREFIX_MAX, prefix.as_bytes());
    } else {
        append_pax(out, name);
        // Readers without pax see the ASCII part, cut; never a trailing slash, which would make it a folder.
        let ascii: Vec<u8> = name.bytes().filter(u8::is_ascii).collect();
        block.text(NAME.start, NAME.len(), &ascii);
        if ascii.len() > NAME.len() && ascii.get(NAME.len() - 1) == Some(&b'/') {
            let kept = ascii.get(..NAME.len() - 1).unwrap_or_default();
            let end = kept.iter().rposition(|b| *b != b'/').map_or(0, |at| at + 1);
            block.put(end, &[0]);
        }
    }
    out.extend_from_slice(&block.finish());
    Ok(())
}

/// Zero bytes that follow content of `size` bytes.
pub(super) fn padding(size: u64) -> usize {
    let over = size % BLOCK as u64;
    if over == 0 { 0 } else { BLOCK - usize::try_from(over).unwrap_or_default() }
}

/// A pax header of type `x` with the one record `path`.
fn append_pax(out: &mut Vec<u8>, name: &str) {
    let record = record("path", name);
    let (folder, file) = name.rsplit_once('/').map_or(("", name), |(folder, file)| (folder, file));
    let own = if folder.is_empty() {
        format!("PaxHeaders.0/{file}")
    } else {
        format!("{folder}/PaxHeaders.0/{file}")
    };
    let mut own: Vec<u8> = own.bytes().filter(u8::is_ascii).take(NAME.len()).collect();
    while own.last() == Some(&b'/') {
        own.pop();
    }
    let mut block = Block::new(b'x', 0, record.len() as u64);
    block.text(NAME.start, NAME.len(), &own);
    out.extend_from_slice(&block.finish());
    out.extend_from_slice(record.as_bytes());
    out.resize(out.len() + padding(record.len() as u64), 0);
}

/// `<length> key=value\n`, where the length counts its own digits.
fn record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + rest.to_string().len();
    if rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
}

/// Prefix and name of a long ASCII path, if it can be cut at a slash so that both fit.
fn split(name: &str) -> Option<(&str, &str)> {
    if !name.is_ascii() || name.len() <= NAME.len() {
        return None;
    }
    let head = name.get(..(PREFIX_MAX + 1).min(name.len()))?;
    let (prefix, _) = head.rsplit_once('/')?;
    let rest = name.get(prefix.len() + 1..)?;
    (!prefix.is_empty() && !rest.is_empty() && rest.len() <= NAME.len()).then_some((prefix, rest))
}

struct Block([u8; BLOCK]);

impl Block {
    fn new(flag: u8, mode: u64, size: u64) -> Self {
        let mut block = Self([0; BLOCK]);
        block.octal(100, 8, mode);
        block.octal(108, 8, 0);
        block.octal(116, 8, 0);
        block.octal(124, 12, size);
        block.octal(136, 12, 0);
        block.put(156, &[flag]);
        block.put(257, b"ustar\x0000");
        block
    }

    fn device_numbers(&mut self) {
        self.octal(329, 8, 0);
        self.octal(337, 8, 0);
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        if let Some(field) = self.0.get_mut(at..at + bytes.len()) {
            field.copy_from_slice(bytes);
        }
    }

    fn text(&mut self, at: usize, width: usize, text: &[u8]) {
        self.put(at, text.get(..width).unwrap_or(text));
    }

    /// Zero-padded octal digits and a NUL.
    fn octal(&mut self, at: usize, width: usize, value: u64) {
        self.put(at, format!("{value:0digits$o}\0", digits = width - 1).as_bytes());
    }

    fn finish(mut self) -> [u8; BLOCK] {
        self.put(148, b"        ");
        let sum: u64 = self.0.iter().map(|b| u64::from(*b)).sum();
        self.put(148, format!("{sum:06o}\0 ").as_bytes());
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, kind: Kind) -> Vec<u8> {
        let mut out = Vec::new();
        append(&mut out, name, kind, Modes::SHARED).unwrap();
        out
    }

    #[test]
    fn header_of_a_short_name_is_one_ustar_block() {
        let block = header("a/b", Kind::File { size: 10, executable: true });
        assert_eq!(block.len(), BLOCK);
        assert_eq!(&block[..4], b"a/b\0");
        assert_eq!(&block[100..108], b"0000755\0");
        assert_eq!(&block[124..136], b"00000000012\0");
        assert_eq!(&block[257..265], b"ustar\x0000");
        let sum: u32 = block
            .iter()
            .enumerate()
            .map(|(at, b)| if (148..156).contains(&at) { 32 } else { u32::from(*b) })
            .sum();
        assert_eq!(tar::Header::from_byte_slice(&block).cksum().unwrap(), sum);
    }

    #[test]
    fn header_splits_a_long_name_where_go_does() {
        let name = format!("{}/{}", "p".repeat(PREFIX_MAX), "n".repeat(100));
        let block = header(&name, Kind::Folder);
        assert_eq!(block.len(), BLOCK);
        assert_eq!(tar::Header::from_byte_slice(&block).path_bytes(), name.as_bytes());
        let longer = format!("{}/{}", "p".repeat(PREFIX_MAX), "n".repeat(101));
        assert_eq!(header(&longer, Kind::Folder).len(), 3 * BLOCK);
    }

    #[test]
    fn header_record_counts_its_own_length() {
        assert_eq!(record("path", "abc"), "12 path=abc\n");
        for length in [80, 88, 89, 90, 91, 92, 980, 988, 989, 990, 991, 992] {
            let record = record("path", &"x".repeat(length));
            assert_eq!(record.split_once(' ').unwrap().0, record.len().to_string(), "{length}");
        }
    }

    #[test]
    fn header_refuses_a_size_of_twelve_digits() {
        let mut out = Vec::new();
        let mut append = |size| append(&mut out, "a", Kind::File { size, executable: false }, Modes::SHARED);
        append(SIZE_MAX).unwrap();
        assert!(append(SIZE_MAX + 1).is_err());
    }
}
