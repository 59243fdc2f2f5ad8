//! One connection: handshake, requests, end.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::http::{HeaderValue, Request, Response, header::CONNECTION};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::{CertificateError, ServerConfig};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::{Instant, Sleep},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{
    Answer, Mood, Shared, plain,
    pulse::{Pulse, Watched},
};
use crate::limits::{HEAD_BYTES, Limits};

/// For the last bytes of a connection that is closed in order.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves a connection until either side ends it.
pub(super) async fn run<A: Answer>(
    (stream, peer): (TcpStream, SocketAddr),
    shared: &Shared<A>,
    mut mood: watch::Receiver<Mood>,
) {
    // Replies are written at once; waiting for more would only delay them.
    let _ = stream.set_nodelay(true);
    let Some(tls) = &shared.options.tls else {
        return serve(stream, shared, mood).await;
    };
    match within(handshake(stream, tls), &mut mood, &shared.options.limits).await {
        Some(Ok(stream)) => serve(stream, shared, mood).await,
        Some(Err(error)) => rejected(shared, &error, peer),
        None => {
            shared.options.connections.handshake_failures.inc();
            tracing::debug!("a TLS handshake took too long");
        }
    }
}

async fn handshake(mut stream: TcpStream, tls: &Arc<ServerConfig>) -> io::Result<TlsStream<TcpStream>> {
    plain::refuse(&mut stream).await?;
    TlsAcceptor::from(Arc::clone(tls)).accept(stream).await
}

/// Tells of a client that did not do what TLS wants, or was not let in. One that just went away may have been a probe, and
/// is told to those only who want to know everything.
fn rejected<A>(shared: &Shared<A>, error: &io::Error, peer: SocketAddr) {
    shared.options.connections.handshake_failures.inc();
    let Some(inner) = error.get_ref().filter(|_| error.kind() == io::ErrorKind::InvalidData) else {
        tracing::debug!(%error, %peer, "a TLS handshake failed");
        return;
    };
    if let Some(suppressed) = shared.rejections.line(inner.is::<plain::Plain>(), Instant::now()) {
        let error = reason(inner);
        tracing::info!(error, %peer, suppressed, "a client was rejected");
    }
}

/// Why. What is ours in it, [rustls] would show for programmers.
fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    match error.downcast_ref() {
        Some(rustls::Error::InvalidCertificate(CertificateError::Other(refusal))) => refusal.to_string(),
        _ => error.to_string(),
    }
}

/// The handshake, if it ends in time. A shutdown gives it as long as an idle connection.
async fn within<T>(
    handshake: impl Future<Output = io::Result<T>>,
    mood: &mut watch::Receiver<Mood>,
    limits: &Limits,
) -> Option<io::Result<T>> {
    let mut handshake = pin!(tokio::time::timeout(limits.handshake, handshake));
    let closing = async {
        let told = mood.wait_for(|mood| matches!(mood, Mood::Closing(_) | Mood::Abort)).await;
        if let Ok(Mood::Closing(at)) = told.map(|mood| *mood) {
            tokio::time::sleep_until(at + limits.linger).await;
        }
    };
    tokio::select! {
        biased;
        done = &mut handshake => done.ok(),
        () = closing => None,
    }
}

async fn serve<S, A: Answer>(stream: S, shared: &Shared<A>, mut mood: watch::Receiver<Mood>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let pulse = Arc::new(Pulse::new());
    let service = service_fn(|request: Request<Incoming>| answer(request, shared, &pulse));
    let mut connection = pin!(
        http1::Builder::new()
            // Its own limit would hold between requests, too: see `Pulse`.
            .header_read_timeout(None)
            .max_header_size(HEAD_BYTES)
            .max_buf_size(shared.options.limits.buffer.max(HEAD_BYTES))
            .serve_connection(TokioIo::new(Watched::new(stream, Arc::clone(&pulse))), service)
    );
    let limits = &shared.options.limits;
    let mut alarm = pin!(tokio::time::sleep(limits.head));
    loop {
        let now = *mood.borrow_and_update();
        if now == Mood::Abort {
            return;
        }
        let ended = tokio::select! {
            biased;
            ended = poll_fn(|cx| poll(&mut connection, &mut alarm, cx, || pulse.deadline(now, limits))) => ended,
            changed = mood.changed() => match changed {
                Ok(()) => continue,
                // The server was dropped.
                Err(_) => return,
            },
        };
        if ended == End::Late {
            shared.options.connections.timeouts.inc();
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(FAREWELL, connection).await;
        }
        return;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// By either side, in order or not.
    Over,
    /// It has taken too long.
    Late,
}

/// Drives the connection, and rings if its deadline, which changes while it is driven, has passed.
fn poll<C>(
    connection: &mut Pin<&mut C>,
    alarm: &mut Pin<&mut Sleep>,
    cx: &mut Context<'_>,
    deadline: impl Fn() -> Option<Instant>,
) -> Poll<End>
where
    C: Future<Output = hyper::Result<()>>,
{
    if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection failed");
        }
        return Poll::Ready(End::Over);
    }
    loop {
        let Some(deadline) = deadline() else {
            return Poll::Pending;
        };
        // An alarm that is set too early is put off when it rings: cheaper than moving it at every request.
        if alarm.deadline() > deadline {
            alarm.as_mut().reset(deadline);
        }
        ready!(alarm.as_mut().poll(cx));
        if Instant::now() >= deadline {
            return Poll::Ready(End::Late);
        }
        alarm.as_mut().reset(deadline);
    }
}

async fn answer<A: Answer>(
    request: Request<Incoming>,
    shared: &Shared<A>,
    pulse: &Pulse,
) -> Result<Response<A::Body>, Infallible> {
    pulse.handling();
    let mut response = shared.answers.answer(request).await;
    if shared.draining.load(Ordering::Relaxed) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    pulse.answered();
    Ok(response)
}
