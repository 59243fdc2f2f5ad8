//! A server of a test's own: one function answers every request, over TLS or without. For token services and metadata
//! services of clouds, which nobody can have on a computer of their own.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, Response, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio_rustls::TlsAcceptor;

use crate::{
    listener::{self, Listener},
    tls::Tls,
};

/// The most of a body.
const MOST: usize = 1 << 20;

/// One request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `GET`.
    pub method: String,
    /// Whom it was meant for: the header `Host`, without the port.
    pub host: String,
    /// `/token`.
    pub path: String,
    /// Names and values of the query, decoded, in their order.
    pub query: Vec<(String, String)>,
    /// Names in small letters.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Asked {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Names and values of a form; empty if the body is none.
    pub fn form(&self) -> Vec<(String, String)> {
        if self.header("content-type") != Some("application/x-www-form-urlencoded") {
            return Vec::new();
        }
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// `GET host/path`, for assertions.
    pub fn line(&self) -> String {
        format!("{} {}{}", self.method, self.host, self.path)
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A whole answer.
    Answer {
        /// The status.
        status: u16,
        /// The headers.
        headers: Vec<(&'static str, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// Nothing, for as long as the client waits.
    Stall,
}

impl Reply {
    /// JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self::Answer { status, headers, body: body.to_string().into_bytes() }
    }

    /// Text.
    pub fn text(status: u16, body: &str) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

/// What answers.
type Script = dyn Fn(&Asked) -> Reply + Send + Sync;

struct Shared {
    script: Box<Script>,
    asked: Mutex<Vec<Asked>>,
}

/// A running server; dropping it stops it.
pub struct Scripted {
    shared: Arc<Shared>,
    address: SocketAddr,
    _listener: Listener,
}

impl Scripted {
    /// Without TLS, on a free port of the loopback interface.
    pub fn start(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::run(None, Box::new(script))
    }

    /// With TLS. For a server with names, lead a [`Proxy`](crate::proxy::Proxy) to its address.
    pub fn start_tls(tls: &Tls, script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::run(Some(TlsAcceptor::from(tls.server_config(false))), Box::new(script))
    }

    fn run(tls: Option<TlsAcceptor>, script: Box<Script>) -> Self {
        let (listener, address) = listener::bind();
        let shared = Arc::new(Shared { script, asked: Mutex::default() });
        let served = Arc::clone(&shared);
        let listener = Listener::start("testkit-scripted", listener, move |stream| {
            let (shared, tls) = (Arc::clone(&served), tls.clone());
            async move {
                let service = service_fn(move |request| serve(Arc::clone(&shared), request));
                // An error here is a client that went away.
                match tls {
                    None => drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await),
                    Some(tls) => {
                        let Ok(stream) = tls.accept(stream).await else { return };
                        drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
                    }
                }
            }
        });
        Self { shared, address, _listener: listener }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// [`Asked::line`] of all requests so far.
    pub fn lines(&self) -> Vec<String> {
        self.asked().iter().map(Asked::line).collect()
    }
}

async fn serve(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body =
        Limited::new(body, MOST).collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let host = parts.headers.get(header::HOST).map(text).unwrap_or_default();
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let asked = Asked {
        method: parts.method.to_string(),
        host: host.split(':').next().unwrap_or_default().to_owned(),
        path: parts.uri.path().to_owned(),
        query: query.into_owned().collect(),
        headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body,
    };
    let reply = (shared.script)(&asked);
    shared.asked.lock().unwrap().push(asked);
    let Reply::Answer { status, headers, body } = reply else { return std::future::pending().await };
    let builder = headers
        .into_iter()
        .fold(Response::builder().status(status), |builder, (name, value)| builder.header(name, value));
    Ok(builder.body(Full::from(body)).unwrap())
}
