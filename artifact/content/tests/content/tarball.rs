//! Archives byte by byte, right or wrong as wanted.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};

/// A tar header whose fields can be set to anything; the checksum is right unless it is broken afterwards.
#[derive(Clone)]
pub(crate) struct Header(pub(crate) [u8; 512]);

impl Header {
    pub(crate) fn new(flag: u8, name: &[u8], size: u64) -> Self {
        let mut header = Self([0; 512]);
        header.put(0, &name[..name.len().min(100)]);
        header.put(100, b"0000644\0");
        header.put(108, b"0000000\0");
        header.put(116, b"0000000\0");
        header.put(124, format!("{size:011o}\0").as_bytes());
        header.put(136, b"00000000000\0");
        header.put(156, &[flag]);
        header.set(257, b"ustar\x0000");
        header
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    pub(crate) fn set(&mut self, at: usize, bytes: &[u8]) -> &mut Self {
        self.put(at, bytes);
        self.put(148, b"        ");
        let sum: u32 = self.0.iter().map(|byte| u32::from(*byte)).sum();
        self.put(148, format!("{sum:06o}\0 ").as_bytes());
        self
    }

    pub(crate) fn with(mut self, at: usize, bytes: &[u8]) -> Self {
        self.set(at, bytes);
        self
    }
}

/// An uncompressed archive that is being put together.
#[derive(Clone, Default)]
pub(crate) struct Tarball(pub(crate) Vec<u8>);

impl Tarball {
    pub(crate) fn header(mut self, header: &Header) -> Self {
        self.0.extend_from_slice(&header.0);
        self
    }

    /// Content and its padding.
    pub(crate) fn content(mut self, content: &[u8]) -> Self {
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(crate) fn member(self, flag: u8, name: &[u8], content: &[u8]) -> Self {
        self.header(&Header::new(flag, name, content.len() as u64)).content(content)
    }

    pub(crate) fn file(self, name: &str) -> Self {
        self.member(b'0', name.as_bytes(), b"evil")
    }

    pub(crate) fn folder(self, name: &str) -> Self {
        self.member(b'5', name.as_bytes(), b"")
    }

    pub(crate) fn symlink(self, name: &str, target: &str) -> Self {
        self.header(&Header::new(b'2', name.as_bytes(), 0).with(157, target.as_bytes()))
    }

    /// A pax header with these records; the lengths are right.
    pub(crate) fn pax(self, flag: u8, records: &[(&str, &[u8])]) -> Self {
        let mut content = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let length = (rest..rest + 20).find(|length| rest + length.to_string().len() == *length).unwrap();
            content.extend_from_slice(format!("{length} {key}=").as_bytes());
            content.extend_from_slice(value);
            content.push(b'\n');
        }
        self.member(flag, b"PaxHeaders.0/x", &content)
    }

    /// A GNU header with a long name (`L`) or link target (`K`).
    pub(crate) fn long(self, flag: u8, name: &[u8]) -> Self {
        self.member(flag, b"././@LongLink", &[name, b"\0"].concat())
    }

    /// The archive with its end marker.
    pub(crate) fn tar(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }

    /// The archive with its end marker, compressed.
    pub(crate) fn gz(self) -> Vec<u8> {
        gzip(&self.tar())
    }
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A gzip of that many empty files, each with a name of its own.
pub(crate) fn empty_files(count: u64) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for number in 0..count {
        encoder.write_all(&Header::new(b'0', format!("f{number}").as_bytes(), 0).0).unwrap();
    }
    encoder.write_all(&[0; 1024]).unwrap();
    encoder.finish().unwrap()
}
