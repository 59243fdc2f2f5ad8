//! One request and the head of its answer, over the right HTTP client.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::StreamExt as _;
use reqwest::{Method, StatusCode, header};
use tokio::time::{Instant, timeout};
use url::Url;

use crate::{
    auth::Authorization,
    call::{Call, Payload},
    error::{Error, Fault},
    failure, redact,
    tls::Reach,
    transport::{Reply, Session, Transport},
};

impl Transport {
    /// One request and the head of its answer.
    pub(crate) async fn exchange(
        &self,
        session: &Session,
        call: &Call,
        url: &Url,
        at_home: bool,
        authorization: Option<&Authorization>,
    ) -> Result<Reply, Fault> {
        let mut request = self.client(session, at_home, url).await?.request(call.method.clone(), url.clone());
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if let Some(authorization) = authorization {
            let mut value = header::HeaderValue::from_str(authorization.expose()).map_err(|_| {
                Fault::Setup("the credential has characters that no HTTP header can carry".into())
            })?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        let progress = Arc::new(AtomicU64::new(0));
        let failed = Arc::new(OnceLock::new());
        request = match &call.payload {
            Payload::Empty if call.method == Method::POST || call.method == Method::PUT => {
                request.header(header::CONTENT_LENGTH, 0)
            }
            Payload::Empty => request,
            Payload::Bytes(bytes) => request.body(bytes.clone()),
            Payload::Blob(source) => {
                let stream = source.open().await.map_err(|error| *error.fault)?;
                let (progress, failed) = (Arc::clone(&progress), Arc::clone(&failed));
                let counted = stream.map(move |item| watch(item, &progress, &failed));
                request
                    .header(header::CONTENT_LENGTH, source.size())
                    .body(reqwest::Body::wrap_stream(counted))
            }
        };
        let started = Instant::now();
        let idle = session.idle;
        let sent = unless_idle(request.send(), &progress, idle).await;
        // What broke our own side of the upload is the cause, the broken connection only its effect.
        if let Some(fault) = Arc::into_inner(failed).and_then(OnceLock::into_inner) {
            return Err(fault);
        }
        let response = match sent {
            Some(sent) => sent
                .map_err(|error| failure::classify(&error, url).through(self.options.proxies.for_url(url)))?,
            None => return Err(Fault::Stalled { origin: failure::origin(url), after: idle, received: 0 }),
        };
        tracing::debug!(
            method = %call.method,
            url = %redact::url(url),
            status = response.status().as_u16(),
            authorization = authorization.is_some(),
            ms = started.elapsed().as_millis(),
            "request"
        );
        match self.options.proxies.for_url(url) {
            Some(proxy) if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                let detail = "it wants another user and password (407)".into();
                Err(Fault::Proxy { proxy: proxy.to_string(), detail })
            }
            _ => Ok(Reply { response, url: url.clone(), idle }),
        }
    }

    /// The HTTP client for the registry itself, or for a place that it named.
    async fn client(&self, session: &Session, at_home: bool, url: &Url) -> Result<reqwest::Client, Fault> {
        let anywhere = at_home || session.endpoint.is_local(&self.options).await;
        self.http(if anywhere { Reach::Anywhere } else { Reach::Public }, url)
    }
}

/// Counts what goes out, and keeps the fault of our own side.
pub(crate) fn watch(
    item: Result<Bytes, Error>,
    progress: &AtomicU64,
    failed: &OnceLock<Fault>,
) -> Result<Bytes, &'static str> {
    match item {
        Ok(bytes) => {
            progress.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            Ok(bytes)
        }
        Err(error) => {
            let _ = failed.set(*error.fault);
            Err("the source of the upload failed")
        }
    }
}

/// `None` if neither an answer came nor a byte went out for `idle`.
pub(crate) async fn unless_idle<T>(
    sending: impl Future<Output = T>,
    progress: &AtomicU64,
    idle: Duration,
) -> Option<T> {
    let mut sending = std::pin::pin!(sending);
    let mut before = progress.load(Ordering::Relaxed);
    loop {
        if let Ok(done) = timeout(idle, &mut sending).await {
            return Some(done);
        }
        let now = progress.load(Ordering::Relaxed);
        if now == before {
            return None;
        }
        before = now;
    }
}
