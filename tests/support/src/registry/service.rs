//! One request from arrival to answer: record, script, credentials, route, script again.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hyper::{
    Method, Request,
    body::Incoming,
    header::{CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING},
    http::request::Parts,
};

use super::{
    Options,
    answer::{self, Reply, With as _},
    auth::{self, Tokens},
    blobs,
    fault::{Act, Faults, Phase},
    inbound::Inbound,
    lists, manifests,
    payload::{Cut, InFlight, Payload},
    record::{Log, Recorded},
    route::Route,
    store::{Content, Store},
    tap::Replacement,
    uploads,
};

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) store: Mutex<Store>,
    pub(super) log: Arc<Log>,
    pub(super) faults: Faults,
    pub(super) tokens: Tokens,
    pub(super) referrers: AtomicBool,
    pub(super) latency: Mutex<Duration>,
    /// `http://127.0.0.1:PORT`.
    pub(super) origin: String,
}

impl Shared {
    pub(super) fn has_referrers(&self) -> bool {
        self.referrers.load(Ordering::SeqCst)
    }
}

/// Answers one request. An error ends the connection without an answer.
pub(super) async fn serve(
    shared: Arc<Shared>,
    connection: usize,
    replacement: Replacement,
    request: Request<Incoming>,
) -> io::Result<Reply> {
    let (parts, body) = request.into_parts();
    let route = Route::parse(parts.uri.path());
    let class = route.class();
    let in_flight = InFlight::new(Arc::clone(&shared.log));
    let entry = shared.log.push(Recorded::new(&parts, class, connection));
    let mut body = Inbound::new(body, Arc::clone(&shared.log), entry);
    let latency = *shared.latency.lock().unwrap();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let early = shared.faults.take(Phase::Early, class, &parts);
    let scripted = match early {
        Some(act) => disturb(act, &parts, &mut body, &replacement).await?,
        None => None,
    };
    let mut reply = if let Some(reply) = scripted {
        reply
    } else {
        let reply = answer(&shared, &parts, &mut body, &route).await?;
        let good = reply.status().as_u16() < 400;
        let late = if good { shared.faults.take(Phase::Late, class, &parts) } else { None };
        late.into_iter().fold(reply, damage)
    };
    let status = reply.status().as_u16();
    if !replacement.is_set() {
        shared.log.update(entry, |request| request.status = status);
    }
    finish(&parts, &mut reply, in_flight);
    Ok(reply)
}

async fn answer(shared: &Shared, parts: &Parts, body: &mut Inbound, route: &Route) -> io::Result<Reply> {
    if let Some(refusal) = auth::refuse(&shared.options.auth, &shared.tokens, &shared.origin, parts, route) {
        body.drain().await?;
        return Ok(refusal);
    }
    let reply = match route {
        Route::Ping => answer::empty(200).with("docker-distribution-api-version", "registry/2.0"),
        Route::Manifest { repository, target } => {
            manifests::handle(shared, parts, body, repository, target).await?
        }
        Route::Blob { repository, digest } => blobs::handle(shared, parts, repository, digest),
        Route::Upload { repository, id } => uploads::handle(shared, parts, body, repository, id).await?,
        Route::Tags { repository } => lists::tags(shared, parts, repository),
        Route::Referrers { repository, digest } => lists::referrers(shared, parts, repository, digest),
        Route::Token => {
            let form = body.document().await?.unwrap_or_default();
            auth::token(&shared.options.auth, &shared.tokens, parts, &String::from_utf8_lossy(&form))
        }
        Route::Other => answer::error(404, "NOT_FOUND", "page not found"),
    };
    body.drain().await?;
    Ok(reply)
}

/// The early faults; `None` goes on to the normal answer.
async fn disturb(
    act: Act,
    parts: &Parts,
    body: &mut Inbound,
    replacement: &Replacement,
) -> io::Result<Option<Reply>> {
    let reply =
        match act {
            Act::Status { code, headers, body: content } => headers.iter().fold(
                answer::respond(code, Payload::new(Content::Memory(content))),
                |reply, (name, value)| reply.with(name, value),
            ),
            Act::Challenge(challenge) => answer::error(401, "UNAUTHORIZED", "authentication required")
                .with("www-authenticate", &challenge),
            Act::Redirect { to, status } => {
                let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
                answer::empty(status).with("location", &to.replace("{path}", target))
            }
            Act::Delay(time) => {
                tokio::time::sleep(time).await;
                return Ok(None);
            }
            Act::Stall => return std::future::pending().await,
            Act::Close => return Err(io::Error::other("scripted hang-up")),
            Act::RawReply(bytes) => {
                body.drain().await?;
                replacement.set(bytes);
                return Ok(Some(answer::empty(200).with("connection", "close")));
            }
            Act::StallBody(_)
            | Act::Truncate(_)
            | Act::Corrupt(_)
            | Act::ExtraBytes(_)
            | Act::Endless
            | Act::Body(_)
            | Act::Header(..) => return Ok(None),
        };
    body.drain().await?;
    Ok(Some(reply))
}

/// The late faults.
fn damage(mut reply: Reply, act: Act) -> Reply {
    match act {
        Act::StallBody(after) => reply.body_mut().cut(after, Cut::Stall),
        Act::Truncate(after) => reply.body_mut().cut(after, Cut::Close),
        Act::Corrupt(offset) => reply.body_mut().flip(offset),
        Act::ExtraBytes(count) => reply.body_mut().blanks(count),
        Act::Endless => reply.body_mut().blanks(u64::MAX),
        Act::Body(bytes) => *reply.body_mut() = Payload::new(Content::Memory(bytes)),
        Act::Header(name, Some(value)) => {
            // A header that hyper would refuse to hold is for `RawReply`.
            return reply.with(&name, &value);
        }
        Act::Header(name, None) => {
            reply.headers_mut().remove(HeaderName::from_bytes(name.as_bytes()).unwrap());
        }
        Act::Status { .. }
        | Act::Challenge(_)
        | Act::Redirect { .. }
        | Act::Delay(_)
        | Act::Stall
        | Act::Close
        | Act::RawReply(_) => {}
    }
    reply
}

/// Sets the length and hands the in-flight mark to the body.
fn finish(parts: &Parts, reply: &mut Reply, in_flight: InFlight) {
    let chunked = reply.headers().contains_key(TRANSFER_ENCODING);
    let fixed = reply.headers().contains_key(CONTENT_LENGTH);
    let bodiless = reply.status() == 204;
    if let Some(length) = reply.body().length().filter(|_| !chunked && !fixed && !bodiless) {
        reply.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    if parts.method == Method::HEAD {
        *reply.body_mut() = Payload::empty();
    }
    reply.body_mut().hold(in_flight);
}
