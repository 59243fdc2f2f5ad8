//! A download that takes its time.

use oci_artifact::name::Digest;
use oci_testkit::samples::Seeded;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::push::Image;

/// An image whose artifact is more than the kernel takes while nobody reads.
pub(crate) fn large() -> Image {
    let noise = Seeded::new(7).bytes(24 << 20);
    let noise: String = noise.iter().map(|byte| char::from(b'0' + byte % 64)).collect();
    Image::of(&[("app.yaml", "one"), ("noise", &noise)])
}

/// A download that has begun.
pub(crate) struct Slow {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Slow {
    /// Begins to download the artifact of an object from `HOST:PORT`.
    pub(crate) async fn begin(host: &str, object: &Value) -> Self {
        let path = object["status"]["artifact"]["path"].as_str().unwrap();
        let mut stream = TcpStream::connect(host).await.unwrap();
        let request = format!("GET /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = vec![0; 64 << 10];
        stream.read_exact(&mut bytes).await.unwrap();
        Self { stream, bytes }
    }

    /// Reads the rest: all of it has come, and is right.
    pub(crate) async fn finish(mut self, object: &Value) {
        self.stream.read_to_end(&mut self.bytes).await.unwrap();
        let head = self.bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        assert_eq!(object["status"]["artifact"]["digest"], Digest::of(&self.bytes[head..]).to_string());
    }
}
