//! Connections: TLS where wanted, then HTTP/1.1.

use std::{net::TcpListener, sync::Arc};

use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsAcceptor;

use super::{
    service::{Shared, serve},
    tap::{Replacement, Tap},
};
use crate::listener::Listener;

/// Serves what `shared` holds until the listener is dropped.
pub(super) fn start(listener: TcpListener, shared: Arc<Shared>, tls: Option<Arc<ServerConfig>>) -> Listener {
    let acceptor = tls.map(TlsAcceptor::from);
    Listener::start("testkit-registry", listener, move |stream| {
        let number = shared.log.accept();
        greet(stream, number, Arc::clone(&shared), acceptor.clone())
    })
}

async fn greet(stream: TcpStream, number: usize, shared: Arc<Shared>, tls: Option<TlsAcceptor>) {
    match tls {
        None => connection(stream, number, shared).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                connection(stream, number, shared).await;
            }
        }
    }
}

async fn connection<S>(stream: S, number: usize, shared: Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let replacement = Replacement::default();
    let tap = Tap::new(stream, replacement.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        serve(Arc::clone(&shared), number, replacement.clone(), request)
    });
    // An error here is a client that went away or a scripted cut.
    let _ = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(tap), service).await;
}
