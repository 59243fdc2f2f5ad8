//! Artifacts over HTTP, byte by byte.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    os::unix::fs::{FileExt as _, symlink},
    time::Duration,
};

use oci_artifact::name::Digest;
use oci_controller::{
    serve,
    storage::{Local, OpenError, Storage, StorageOptions},
};
use oci_server::{Options, Running};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::storage_volume::{Volume, now, owner, publish};

fn start(storage: &Local) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let options = Options { limits: serve::limits(), ..Options::default() };
    serve::serve(listener, Storage::Local(storage.clone()), options).unwrap()
}

/// A response, its head as text.
struct Reply {
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn status(&self) -> u16 {
        self.head[9..12].parse().unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(": ").unwrap();
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// Everything but the date.
    fn constant(&self) -> (Vec<&str>, &[u8]) {
        (self.head.lines().filter(|line| !line.starts_with("date:")).collect(), &self.body)
    }
}

/// Sends a request and reads until the connection ends.
async fn ask(address: SocketAddr, line: &str, headers: &str) -> Reply {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    // A cut connection is one of the answers.
    let _ = stream.read_to_end(&mut bytes).await;
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    Reply { head: String::from_utf8(bytes[..end].to_vec()).unwrap(), body: bytes[end + 4..].to_vec() }
}

async fn get(address: SocketAddr, path: &str) -> Reply {
    ask(address, &format!("GET {path}"), "").await
}

/// Bytes that no two places of a file have in common.
fn noise(size: usize) -> Vec<u8> {
    oci_testkit::samples::Seeded::new(5).bytes(size)
}

#[tokio::test(flavor = "multi_thread")]
async fn get_returns_the_file_and_says_what_it_is() {
    let volume = Volume::new();
    let storage = volume.open();
    let server = start(&storage);
    for (name, size) in
        [("empty", 0), ("small", 4_096), ("edge", 65_536), ("large", 65_537), ("huge", 3_000_001)]
    {
        let bytes = noise(size);
        let artifact = publish(&storage, name, "r1", &bytes).await;
        let path = format!("/{}", artifact.path);
        // From the disk, then from memory.
        for _ in 0..2 {
            let reply = get(server.address(), &path).await;
            assert_eq!(reply.status(), 200, "{}", reply.head);
            assert!(reply.body == bytes, "{name}: {} bytes", reply.body.len());
            assert_eq!(reply.header("content-length"), Some(size.to_string().as_str()));
            assert_eq!(reply.header("content-type"), Some("application/gzip"));
            assert_eq!(reply.header("etag"), Some(format!("\"{}\"", Digest::of(&bytes)).as_str()));
            assert_eq!(reply.header("accept-ranges"), Some("bytes"));
            assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
            assert!(reply.header("last-modified").unwrap().ends_with(" GMT"));
            assert_eq!(reply.header("server"), None);
            assert_eq!(reply.header("cache-control"), None);
        }
        let head = ask(server.address(), &format!("HEAD {path}"), "Range: bytes=0-1\r\n").await;
        assert_eq!((head.status(), head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), Some(size.to_string().as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn get_answers_conditions_and_ranges() {
    let volume = Volume::new();
    let storage = volume.open();
    let server = start(&storage);
    for (name, size) in [("small", 1_000), ("large", 1_000_000)] {
        let bytes = noise(size);
        let path = format!("/{}", publish(&storage, name, "r1", &bytes).await.path);
        let plain = get(server.address(), &path).await;
        let (etag, date) = (plain.header("etag").unwrap(), plain.header("last-modified").unwrap());
        for (headers, status, part) in [
            ("Range: bytes=0-0".to_owned(), 206, 0..1),
            ("Range: bytes=10-99".to_owned(), 206, 10..100),
            ("Range: bytes=900-".to_owned(), 206, 900..size),
            ("Range: bytes=-5".to_owned(), 206, size - 5..size),
            ("Range: bytes=0-1,5-6".to_owned(), 200, 0..size),
            ("Range: bytes=0-1\r\nRange: bytes=5-6".to_owned(), 200, 0..size),
            ("Range: lines=1-2".to_owned(), 200, 0..size),
            ("Range: bytes=5-2".to_owned(), 200, 0..size),
            (format!("Range: bytes={size}-"), 416, 0..0),
            ("Range: bytes=-0".to_owned(), 416, 0..0),
            (format!("If-None-Match: {etag}"), 304, 0..0),
            (format!("If-None-Match: \"x\", W/{etag}"), 304, 0..0),
            ("If-None-Match: \"x\"".to_owned(), 200, 0..size),
            (format!("If-None-Match: {etag}\r\nRange: bytes=0-0"), 304, 0..0),
            (format!("If-Modified-Since: {date}"), 304, 0..0),
            ("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT".to_owned(), 200, 0..size),
            ("If-Modified-Since: \u{1}garbage".to_owned(), 400, 0..0),
            ("If-Modified-Since: garbage".to_owned(), 200, 0..size),
            ("If-Match: \"x\"".to_owned(), 412, 0..0),
            (format!("If-Range: {etag}\r\nRange: bytes=1-2"), 206, 1..3),
            (format!("If-Range: {date}\r\nRange: bytes=1-2"), 206, 1..3),
            ("If-Range: \"x\"\r\nRange: bytes=1-2".to_owned(), 200, 0..size),
        ] {
            let reply = ask(server.address(), &format!("GET {path}"), &format!("{headers}\r\n")).await;
            assert_eq!(reply.status(), status, "{headers}: {}", reply.head);
            match status {
                200 | 206 => {
                    assert!(reply.body == bytes[part.clone()], "{headers}");
                    assert_eq!(
                        reply.header("content-length"),
                        Some(part.len().to_string().as_str()),
                        "{headers}"
                    );
                }
                304 => {
                    assert_eq!((reply.body.len(), reply.header("etag")), (0, Some(etag)), "{headers}");
                }
                _ => assert_eq!(reply.header("etag"), None, "{headers}"),
            }
            let expected = match status {
                206 => Some(format!("bytes {}-{}/{size}", part.start, part.end - 1)),
                416 => Some(format!("bytes */{size}")),
                _ => None,
            };
            assert_eq!(reply.header("content-range"), expected.as_deref(), "{headers}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_paths_get_one_and_the_same_answer() {
    let volume = Volume::new();
    let storage = volume.open();
    let server = start(&storage);
    let path = format!("/{}", publish(&storage, "app", "r1", b"content").await.path);
    let file = path.rsplit('/').next().unwrap();
    fs::write(volume.path("ocirepository/apps/app/foreign"), b"foreign").unwrap();
    fs::write(volume.path(&format!("ocirepository/apps/app/{file}.lock")), b"").unwrap();
    fs::write(volume.path(".drafts/draft"), b"draft").unwrap();
    let unknown = get(server.address(), "/ocirepository/apps/app/unknown").await;
    assert_eq!(unknown.status(), 404);
    for hostile in [
        "/".to_owned(),
        "/ocirepository".to_owned(),
        "/ocirepository/".to_owned(),
        "/ocirepository/apps/app".to_owned(),
        "/ocirepository/apps/app/".to_owned(),
        "/ocirepository/apps/app/foreign".to_owned(),
        "/.drafts/draft".to_owned(),
        "/.oci-controller.lock".to_owned(),
        format!("{path}.lock"),
        format!("{path}/"),
        format!("/{path}"),
        format!("/ocirepository/apps//app/{file}"),
        format!("/ocirepository/apps/./app/{file}"),
        format!("/ocirepository/apps/x/../app/{file}"),
        format!("/ocirepository/apps/x/%2e%2e/app/{file}"),
        format!("/ocirepository/apps%2Fapp/{file}"),
        format!("/ocirepository/apps/app/{}", file.replace("sha", "%73ha")),
        format!("{path}%00"),
        format!("/OCIREPOSITORY/apps/app/{file}"),
        format!("/{}", "a".repeat(8_000)),
        format!("{path};x"),
    ] {
        let reply = get(server.address(), &hostile).await;
        assert_eq!(reply.constant(), unknown.constant(), "{hostile}");
    }
    for usual in [
        path.clone(),
        path.replace(':', "%3A"),
        path.replace(':', "%3a"),
        format!("{path}?x=/../../etc/passwd"),
        format!("http://example.org{path}"),
    ] {
        assert_eq!(get(server.address(), &usual).await.body, b"content", "{usual}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_get_and_head_are_allowed() {
    let volume = Volume::new();
    let storage = volume.open();
    let server = start(&storage);
    let path = format!("/{}", publish(&storage, "app", "r1", b"content").await.path);
    for method in ["PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO"] {
        let reply = ask(server.address(), &format!("{method} {path}"), "Content-Length: 0\r\n").await;
        assert_eq!((reply.status(), reply.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    assert_eq!(ask(server.address(), "CONNECT example.org:443", "").await.status(), 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn latest_is_the_file_that_was_published_last() {
    let volume = Volume::new();
    let storage = volume.open();
    let server = start(&storage);
    let latest = "/ocirepository/apps/app/latest.tar.gz";
    assert_eq!(get(server.address(), latest).await.status(), 404);
    publish(&storage, "app", "r1", b"first").await;
    let first = get(server.address(), latest).await;
    assert_eq!((&first.body[..], first.header("cache-control")), (&b"first"[..], Some("no-cache")));
    assert_eq!(first.header("last-modified"), None);
    publish(&storage, "app", "r2", b"second").await;
    let etag = format!("If-None-Match: {}\r\n", first.header("etag").unwrap());
    assert_eq!(ask(server.address(), &format!("GET {latest}"), &etag).await.body, b"second");
    publish(&storage, "app", "r1", b"first").await;
    assert_eq!(ask(server.address(), &format!("GET {latest}"), &etag).await.status(), 304);
    assert!(server.stop(Duration::from_secs(10)).await);
    drop(storage);
    // The last connection's task may still have it for a moment.
    let storage = loop {
        match Local::open(volume.root(), StorageOptions::default(), now) {
            Err(OpenError::InUse { .. }) => tokio::task::yield_now().await,
            opened => break opened.unwrap(),
        }
    };
    assert_eq!(get(start(&storage).address(), latest).await.body, b"first");
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_is_another_is_not_served() {
    for size in [1_000, 100_000] {
        let volume = Volume::new();
        let storage = volume.open();
        let server = start(&storage);
        let outside = volume.path("outside");
        fs::write(&outside, noise(size)).unwrap();
        let acts: [&dyn Fn(&std::path::Path); 4] = [
            &|path| symlink(&outside, path).unwrap(),
            &|path| fs::write(path, noise(size)).unwrap(),
            &|path| fs::hard_link(&outside, path).unwrap(),
            &|_| (),
        ];
        for (number, act) in acts.iter().enumerate() {
            let path =
                publish(&storage, &format!("app{number}"), "r1", format!("{number}").repeat(size).as_bytes())
                    .await
                    .path;
            let on_disk = volume.path(&path);
            fs::remove_file(&on_disk).unwrap();
            act(&on_disk);
            assert_eq!(get(server.address(), &format!("/{path}")).await.status(), 404, "{number}");
            assert_eq!(storage.stats().refused, number as u64 + 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn transfer_of_a_file_that_shrinks_or_changes_is_cut() {
    const SIZE: usize = 40_000_000;
    let volume = Volume::new();
    let storage = volume.open();
    let server = start(&storage);
    let acts: [fn(&File); 2] = [
        |file| file.set_len(1_000_000).unwrap(),
        |file| file.write_all_at(b"changed", SIZE as u64 - 7).unwrap(),
    ];
    for (number, act) in acts.into_iter().enumerate() {
        let path = publish(&storage, &format!("app{number}"), "r1", &noise(SIZE)).await.path;
        let mut slow = begin(server.address(), &path).await;
        act(&File::options().write(true).open(volume.path(&path)).unwrap());
        let mut rest = Vec::new();
        let _ = slow.read_to_end(&mut rest).await;
        assert!(rest.len() < SIZE - 1_000, "{number}: {} bytes", rest.len());
    }
}

/// Sends a request, and reads a little of the answer.
async fn begin(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
    let mut some = [0; 1_000];
    stream.read_exact(&mut some).await.unwrap();
    assert!(some.starts_with(b"HTTP/1.1 200 OK\r\n"));
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn download_survives_the_removal_of_its_file() {
    let volume = Volume::new();
    let storage = volume.open();
    let server = start(&storage);
    let bytes = noise(20_000_000);
    let path = publish(&storage, "app", "r1", &bytes).await.path;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut received = vec![0; 1_000];
    stream.read_exact(&mut received).await.unwrap();
    storage.forget(&owner("app")).await.unwrap();
    assert_eq!(get(server.address(), &format!("/{path}")).await.status(), 404);
    stream.read_to_end(&mut received).await.unwrap();
    assert!(received.ends_with(&bytes));
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_idle_connections_are_in_nobodys_way() {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    rustix::process::setrlimit(
        rustix::process::Resource::Nofile,
        rustix::process::Rlimit { current: files.maximum, ..files },
    )
    .unwrap();
    let volume = Volume::new();
    let storage = volume.open();
    let server = start(&storage);
    let path = publish(&storage, "app", "r1", b"content").await.path;
    let request = format!("GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut idle = Vec::new();
    let mut answer = vec![0; 4_096];
    for _ in 0..2_000 {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let count = stream.read(&mut answer).await.unwrap();
        assert!(answer[..count].ends_with(b"content"), "one write has head and body");
        idle.push(stream);
    }
    assert_eq!(get(server.address(), &format!("/{path}")).await.body, b"content");
    assert!(server.stop(Duration::from_secs(10)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_bytes_are_not_served_even_if_nobody_has_noticed() {
    let volume = Volume::new();
    let storage = volume.open();
    let server = start(&storage);
    let path = publish(&storage, "app", "r1", b"content").await.path;
    File::options().write(true).open(volume.path(&path)).unwrap().write_all_at(b"X", 1).unwrap();
    assert_eq!(get(server.address(), &format!("/{path}")).await.status(), 404);
}
