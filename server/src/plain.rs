//! Plain HTTP where TLS is spoken: an answer that says so, in place of a TLS alert that nobody can read.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::limits::HEAD_BYTES;

const ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 39\r\n\
    Connection: close\r\n\
    \r\n\
    this port speaks HTTPS and nothing else";

/// For the client to read that.
const FAREWELL: Duration = Duration::from_secs(1);

/// A client speaks HTTP without TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plain;

impl std::fmt::Display for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the client speaks HTTP without TLS")
    }
}

impl std::error::Error for Plain {}

/// Tells a client that speaks HTTP without TLS that this is wrong, which then is the error; leaves others alone. A method
/// begins with a capital letter, TLS with the byte 22.
pub(super) async fn refuse(stream: &mut TcpStream) -> io::Result<()> {
    let mut first = [0];
    let count = stream.peek(&mut first).await?;
    if count == 0 || !first[0].is_ascii_uppercase() {
        return Ok(());
    }
    stream.write_all(ANSWER).await?;
    stream.shutdown().await?;
    // What is left unread would reset the connection, and the answer with it.
    let bound = u64::try_from(HEAD_BYTES).unwrap_or(u64::MAX);
    let drain = async { tokio::io::copy(&mut stream.take(bound), &mut tokio::io::sink()).await };
    let _ = tokio::time::timeout(FAREWELL, drain).await;
    Err(io::Error::new(io::ErrorKind::InvalidData, Plain))
}
