//! Whether a server speaks TLS: one byte of its answer to a `ClientHello` tells.
//!
//! Only asked where plain HTTP is allowed at all: on loopback, and with `insecure`. No secret and no HTTP request is
//! sent.

use std::{io, sync::Arc, time::Duration};

use rustls::{ClientConfig, ClientConnection, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// Time to connect and to answer. A server that says nothing is taken for one that waits for more TLS.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connects and looks at the first byte: a handshake or alert record means TLS, anything else (or a closed
/// connection) means that the server took the greeting for a broken HTTP request.
pub(crate) async fn speaks_tls(host: &str, port: u16) -> io::Result<bool> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let connect = TcpStream::connect((bare, port));
    let mut stream = timeout(PATIENCE, connect)
        .await
        .map_err(|_| io::ErrorKind::TimedOut)??;
    let mut greeting = client_hello(bare)?;
    // An HTTP server waits for the end of a line before it complains; a TLS server has answered by then.
    greeting.extend_from_slice(b"\r\n\r\n");
    stream.write_all(&greeting).await?;
    let mut first = [0_u8; 1];
    match timeout(PATIENCE, stream.read(&mut first)).await {
        Err(_) => Ok(true),
        Ok(Ok(0) | Err(_)) => Ok(false),
        Ok(Ok(_)) => Ok(matches!(first, [0x15 | 0x16])),
    }
}

fn client_hello(host: &str) -> io::Result<Vec<u8>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let mut hello = Vec::with_capacity(512);
    connection.write_tls(&mut hello)?;
    Ok(hello)
}
