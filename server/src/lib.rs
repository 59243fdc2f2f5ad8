//! Connections: HTTP/1.1 with or without TLS for any router or other [`Answer`], with time limits and a shutdown that refuses nobody.
//!
//! This is a loop of its own over hyper instead of `axum-server`, because of three things that our servers need:
//! connections in their TLS handshake survive the beginning of a shutdown, a connection that is idle may stay longer
//! than a request's head may take (hyper has one limit for both), and the number of connections is bounded.

mod answer;
mod connection;
mod connections;
pub mod limits;
mod plain;
mod pulse;
mod quotas;
pub mod tls;

use std::{
    io,
    net::{SocketAddr, TcpListener as StdListener},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, oneshot, watch},
    task::JoinHandle,
    time::Instant,
};

pub use answer::{Answer, Frame, Incoming, SizeHint};
pub use connections::{Connections, Counted};
use limits::{Limits, REJECTIONS_LOGGED, REJECTIONS_SPAN};
pub use quotas::Quotas;

/// How a server serves.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// TLS; plain HTTP without.
    pub tls: Option<Arc<ServerConfig>>,
    /// Bounds.
    pub limits: Limits,
    /// Where connections are counted.
    pub connections: Connections,
}

/// A server at work. Dropping it cuts every connection.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    draining: Arc<AtomicBool>,
    stop: Option<oneshot::Sender<Duration>>,
    task: JoinHandle<bool>,
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Goes on serving, but asks every client to connect anew, so that it finds another replica.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Closes the listener and waits until every request that was sent is answered, at most for `deadline`. Returns
    /// whether all were.
    pub async fn stop(mut self, deadline: Duration) -> bool {
        self.drain();
        if let Some(stop) = self.stop.take() {
            // An error means that the loop has ended, which the next line tells.
            let _ = stop.send(deadline);
        }
        (&mut self.task).await.unwrap_or(false)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The loop owns the other end of every connection's `watch`: without it they end.
        self.task.abort();
    }
}

/// What all connections are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Usual,
    /// All places are taken.
    Crowded,
    /// The listener is closed since then.
    Closing(Instant),
    /// The time is up.
    Abort,
}

/// What connections have in common.
#[derive(Debug)]
struct Shared<A> {
    options: Options,
    answers: A,
    draining: Arc<AtomicBool>,
    /// Log lines about clients without a handshake, by whether they spoke TLS at all.
    rejections: Quotas<bool>,
}

/// Serves a router, or what else answers, on a listener. Must be called inside a tokio runtime.
pub fn serve<A: Answer>(listener: StdListener, answers: A, options: Options) -> io::Result<Running> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let address = listener.local_addr()?;
    let draining = Arc::new(AtomicBool::new(false));
    let rejections = Quotas::new(REJECTIONS_LOGGED, REJECTIONS_SPAN);
    let shared = Shared { options, answers, draining: Arc::clone(&draining), rejections };
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(Acceptor::new(shared).run(listener, stopped));
    Ok(Running { address, draining, stop: Some(stop), task })
}

struct Acceptor<A> {
    shared: Arc<Shared<A>>,
    places: Arc<Semaphore>,
    mood: watch::Sender<Mood>,
}

impl<A: Answer> Acceptor<A> {
    fn new(shared: Shared<A>) -> Self {
        let places = Arc::new(Semaphore::new(shared.options.limits.connections));
        Self { shared: Arc::new(shared), places, mood: watch::Sender::new(Mood::Usual) }
    }

    async fn run(self, listener: TcpListener, mut stopped: oneshot::Receiver<Duration>) -> bool {
        let deadline = tokio::select! {
            () = self.accept(&listener) => return false,
            deadline = &mut stopped => deadline.unwrap_or_default(),
        };
        self.accept_the_rest(listener);
        self.mood.send_replace(Mood::Closing(Instant::now()));
        // All places free again means that every connection has ended.
        let all = u32::try_from(self.shared.options.limits.connections).unwrap_or(u32::MAX);
        let ended = tokio::time::timeout(deadline, self.places.acquire_many(all)).await;
        self.mood.send_replace(Mood::Abort);
        ended.is_ok_and(|permits| permits.is_ok())
    }

    /// Accepts until it is dropped.
    async fn accept(&self, listener: &TcpListener) {
        loop {
            let Some(place) = self.place().await else {
                return;
            };
            match listener.accept().await {
                Ok(client) => self.begin(client, place),
                Err(error) => pause_after(&error).await,
            }
        }
    }

    /// A place for one more connection. While there is none, idle connections are closed sooner.
    async fn place(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        let places = || Arc::clone(&self.places);
        if let Ok(place) = places().try_acquire_owned() {
            // Only well below the bound: telling everybody at every connection would cost more than the connections.
            let relaxed = self.places.available_permits() > self.shared.options.limits.connections / 10;
            if relaxed && *self.mood.borrow() == Mood::Crowded {
                self.mood.send_replace(Mood::Usual);
            }
            return Some(place);
        }
        if *self.mood.borrow() == Mood::Usual {
            tracing::warn!(
                connections = self.shared.options.limits.connections,
                "all connections are taken, more have to wait"
            );
            self.mood.send_replace(Mood::Crowded);
        }
        places().acquire_owned().await.ok()
    }

    /// Takes what the kernel has accepted already: their clients may have sent requests.
    fn accept_the_rest(&self, listener: TcpListener) {
        let Ok(listener) = listener.into_std() else {
            return;
        };
        while let Ok((stream, peer)) = listener.accept() {
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
                return;
            };
            let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
            if let Ok(stream) = stream {
                self.begin((stream, peer), place);
            }
        }
    }

    fn begin(&self, client: (TcpStream, SocketAddr), place: tokio::sync::OwnedSemaphorePermit) {
        let shared = Arc::clone(&self.shared);
        let mood = self.mood.subscribe();
        tokio::spawn(async move {
            let open = shared.options.connections.open();
            connection::run(client, &shared, mood).await;
            drop((open, place));
        });
    }
}

/// One connection that failed says nothing about the next one; no free file descriptor does.
async fn pause_after(error: &io::Error) {
    let passing = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    );
    if !passing {
        tracing::error!(%error, "accepting connections failed, trying again in a second");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
