//! Every bound of reading: exactly the limit passes, one more fails.

use std::io::{Read, Write as _};

use flate2::{Compression, write::GzEncoder};
use oci_artifact::{
    Classify as _,
    archive::{Control, Error, Summary, read},
    limits,
};

use crate::tarball::{Header, Tarball, empty_files, gzip};

fn list(layer: &[u8]) -> Result<Summary, Error> {
    read(layer, layer.len() as u64, &Control::new(), &mut |_| Ok(()))
}

fn refused(result: Result<Summary, Error>) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Limit { .. }), "{error}");
    assert_eq!(error.reason(), "LimitExceeded");
}

#[test]
fn read_takes_as_many_members_as_allowed() {
    assert_eq!(list(&empty_files(limits::MEMBERS)).unwrap().files, limits::MEMBERS);
    refused(list(&empty_files(limits::MEMBERS + 1)));
}

#[test]
fn read_takes_extension_headers_as_long_as_allowed() {
    let size = usize::try_from(limits::EXTENSION_HEADER_BYTES).unwrap();
    let with = |comment: usize| {
        let records = Tarball::default().pax(b'x', &[("comment", &vec![b'x'; comment])]);
        (records.clone().0.len() - 512, records.file("a").gz())
    };
    let overhead = "1048576 comment=\n".len();
    let (_, fits) = with(size - overhead);
    assert_eq!(list(&fits).unwrap().files, 1);
    refused(list(&with(size - overhead + 1).1));
}

#[test]
fn read_takes_names_as_long_and_deep_as_allowed() {
    let named = |name: &str| list(&Tarball::default().pax(b'x', &[("path", name.as_bytes())]).file("a").gz());
    named(&"n".repeat(limits::PATH_BYTES)).unwrap();
    assert!(matches!(named(&"n".repeat(limits::PATH_BYTES + 1)), Err(Error::Path { .. })));
    named(&vec!["d"; limits::PATH_DEPTH].join("/")).unwrap();
    assert!(matches!(named(&vec!["d"; limits::PATH_DEPTH + 1].join("/")), Err(Error::Path { .. })));
}

#[test]
fn read_refuses_a_declared_size_before_it_reads_that_much() {
    let most = limits::EXTRACTED_BYTES;
    let binary = |size: u64| {
        let mut field = [0; 12];
        field[0] = 0x80;
        field[4..].copy_from_slice(&size.to_be_bytes());
        Tarball::default().header(&Header::new(b'0', b"a", 0).with(124, &field)).gz()
    };
    // Allowed, but not there: it must not be refused for its size.
    assert!(matches!(list(&binary(most)), Err(Error::Truncated(_))));
    refused(list(&binary(most + 1)));
}

#[test]
fn read_expands_a_little_without_asking_and_no_more_than_the_ratio() {
    let zeros = |size: u64| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&Header::new(b'0', b"a", size).0).unwrap();
        std::io::copy(&mut std::io::repeat(0).take(size.next_multiple_of(512)), &mut encoder).unwrap();
        encoder.write_all(&[0; 1024]).unwrap();
        encoder.finish().unwrap()
    };
    let free = limits::EXPANSION_FREE_BYTES - 512 - 1024;
    list(&zeros(free)).unwrap();
    refused(list(&zeros(free + 1)));
}

#[test]
fn read_refuses_a_layer_that_is_declared_too_large() {
    let result = read(&b""[..], limits::LAYER_BYTES + 1, &Control::new(), &mut |_| Ok(()));
    refused(result);
}

#[test]
fn read_wants_exactly_the_declared_size() {
    for layer in [Tarball::default().file("a").gz(), Tarball::default().file("a").tar()] {
        let size = layer.len() as u64;
        let result = |size| read(&layer[..], size, &Control::new(), &mut |_| Ok(()));
        result(size).unwrap();
        assert!(matches!(result(size + 1), Err(Error::LayerSize { how: "less", .. })));
        assert!(matches!(result(size - 1), Err(Error::LayerSize { how: "more", .. })));
    }
}

#[test]
fn read_passes_on_why_the_layer_cannot_be_read() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::ConnectionReset.into())
        }
    }
    let layer = gzip(&vec![b'x'; 100_000]);
    let half = &layer[..layer.len() / 2];
    let result = read(half.chain(Broken), layer.len() as u64, &Control::new(), &mut |_| Ok(()));
    let error = result.unwrap_err();
    assert!(
        matches!(&error, Error::Layer(source) if source.kind() == std::io::ErrorKind::ConnectionReset),
        "{error}"
    );
}
