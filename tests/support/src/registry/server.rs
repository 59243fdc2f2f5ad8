//! The listener in a thread of its own, so that the registry serves synchronous and asynchronous tests alike.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::oneshot,
};
use tokio_rustls::TlsAcceptor;

use super::{
    service::{Shared, serve},
    tap::{Replacement, Tap},
};

/// A running listener; dropping it closes every connection.
#[derive(Debug)]
pub(super) struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(listener: TcpListener, shared: Arc<Shared>, tls: Option<Arc<ServerConfig>>) -> Self {
        listener.set_nonblocking(true).unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("testkit-registry".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(2)
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async move {
                    let acceptor = tls.map(TlsAcceptor::from);
                    tokio::select! {
                        () = accept(listener, shared, acceptor) => {}
                        _ = stopped => {}
                    }
                });
                runtime.shutdown_timeout(Duration::from_secs(1));
            })
            .unwrap();
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A free port of the loopback interface, held by its listener.
pub(super) fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tls: Option<TlsAcceptor>) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let number = shared.log.accept();
        let shared = Arc::clone(&shared);
        let tls = tls.clone();
        tokio::spawn(async move { greet(stream, number, shared, tls).await });
    }
}

async fn greet(stream: TcpStream, number: usize, shared: Arc<Shared>, tls: Option<TlsAcceptor>) {
    let _ = stream.set_nodelay(true);
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
