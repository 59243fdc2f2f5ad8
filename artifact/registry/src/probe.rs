//! Whether a server speaks TLS: one byte of its answer to a `ClientHello` tells.
//!
//! Only asked where plain HTTP is allowed at all: on loopback, and with `insecure`. No secret and no HTTP request is
//! sent.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// Time to connect and to answer. A server that says nothing is taken for one that waits for more TLS.
const PATIENCE: Duration = Duration::from_secs(5);

/// Length of [`greeting`] without the line ends.
const HELLO_BYTES: usize = 50;

/// Connects and looks at the first byte: a handshake or alert record means TLS, anything else (or a closed
/// connection) means that the server took the greeting for a broken HTTP request.
pub(crate) async fn speaks_tls(host: &str, port: u16) -> io::Result<bool> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let connect = TcpStream::connect((bare, port));
    let mut stream = timeout(PATIENCE, connect).await.map_err(|_| io::ErrorKind::TimedOut)??;
    stream.write_all(&greeting()).await?;
    let mut first = [0_u8; 1];
    match timeout(PATIENCE, stream.read(&mut first)).await {
        Err(_) => Ok(true),
        Ok(Ok(0) | Err(_)) => Ok(false),
        Ok(Ok(_)) => Ok(matches!(first, [0x15 | 0x16])),
    }
}

/// The shortest TLS 1.2 `ClientHello` (RFC 5246 §7.4.1.2), and two ends of lines.
///
/// Any TLS server answers it, be it with an alert. It needs no random numbers, whose first one costs a TLS library
/// 30 ms. An HTTP server waits for the end of a line before it complains; a TLS server has answered by then.
fn greeting() -> Vec<u8> {
    let mut hello = Vec::with_capacity(HELLO_BYTES + 4);
    hello.extend([0x16, 3, 1, 0, 45]); // record: handshake, 45 bytes
    hello.extend([1, 0, 0, 41]); // ClientHello, 41 bytes
    hello.extend([3, 3]); // TLS 1.2
    hello.extend([0; 32]); // random
    hello.push(0); // no session
    hello.extend([0, 2, 0xc0, 0x2f]); // one cipher suite
    hello.extend([1, 0]); // no compression
    hello.extend(b"\r\n\r\n");
    hello
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greeting_has_the_lengths_that_it_states() {
        assert_eq!(greeting().len(), HELLO_BYTES + 4);
    }
}
