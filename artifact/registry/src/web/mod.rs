//! Requests to servers that are no registries: token services of clouds, metadata services, storage services, and mirrors
//! of trust roots.
//!
//! Bounded like everything else, and small but for a [`Transfer`]: 64 KiB of an answer unless it is told otherwise, ten
//! seconds for it, no redirects. Certificates are verified by the system's authorities, whatever is trusted or switched
//! off for registries.

mod transfer;

use std::{borrow::Cow, time::Duration};

use oci_artifact::{Class, Classify as _, limits};
use reqwest::{
    Method,
    header::{HeaderMap, HeaderValue},
};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use url::Url;

use crate::{
    auth::Secret,
    body,
    error::{Fault, is_transient},
    failure,
    http_clients::HttpClients,
    http_date,
    options::{Options, Pem, Tls},
    tls::Reach,
    transport::Reply,
};

pub use self::transfer::{Transfer, Transferred};

/// Time for one answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time for an answer of a metadata service. Where there is none, nothing answers at its address.
const METADATA_PATIENCE: Duration = Duration::from_secs(5);
/// Most tries of a request.
const ATTEMPTS: u32 = 3;

/// Sends such requests, through the same proxies as the registry's.
pub struct Web {
    options: Options,
    clients: HttpClients,
}

/// One request. Headers and body may be secret.
pub struct WebRequest {
    method: Method,
    url: Url,
    headers: Vec<(Cow<'static, str>, Secret<String>)>,
    body: Option<Secret<Vec<u8>>>,
    metadata: bool,
    most: u64,
}

/// An answer of any status.
pub struct WebReply {
    /// The HTTP status.
    pub status: u16,
    /// At most as many bytes as the request allows.
    pub body: Secret<Vec<u8>>,
    /// How long the server asks to wait before the next request.
    pub retry_after: Option<Duration>,
    headers: HeaderMap,
}

impl WebReply {
    /// The first header of this name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl WebRequest {
    /// GET.
    pub fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: Vec::new(),
            body: None,
            metadata: false,
            most: limits::TOKEN_REPLY_BYTES,
        }
    }

    /// POST with a body of this content type.
    pub fn post(url: Url, content_type: &'static str, body: Vec<u8>) -> Self {
        let headers = vec![("content-type".into(), Secret::new(content_type.to_owned()))];
        Self { method: Method::POST, headers, body: Some(Secret::new(body)), ..Self::get(url) }
    }

    /// POST of a form.
    pub fn form<'a>(url: Url, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self::post(url, "application/x-www-form-urlencoded", body.into_bytes())
    }

    /// PUT without a body.
    pub fn put(url: Url) -> Self {
        Self { method: Method::PUT, ..Self::get(url) }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), Secret::new(value.into())));
        self
    }

    /// With another bound of the answer than 64 KiB.
    #[must_use]
    pub fn at_most(mut self, bytes: u64) -> Self {
        self.most = bytes;
        self
    }

    /// The origin that it goes to, for messages.
    pub fn origin(&self) -> String {
        failure::origin(&self.url)
    }

    /// To a metadata service: past all proxies, asked once, and soon given up.
    #[must_use]
    pub fn of_metadata(mut self) -> Self {
        self.metadata = true;
        self
    }
}

impl Web {
    /// With the proxies, the user agent, the pauses and the deadline of these options, and nothing else of them.
    pub fn new(options: &Options) -> Self {
        let options = Options { tls: Tls::default(), insecure: false, ..options.clone() };
        Self { options, clients: HttpClients::default() }
    }

    /// Verifies certificates by these authorities instead of the system's: for clouds inside a closed network, and tests.
    #[must_use]
    pub fn trusting(mut self, authorities: Pem) -> Self {
        self.options.tls.ca = Some(authorities);
        self
    }

    /// Sends a request and reads its answer, whatever its status; again after faults that may pass.
    pub async fn send(&self, request: &WebRequest) -> Result<WebReply, Fault> {
        let mut attempt = 1;
        loop {
            let sent = match self.options.deadline {
                Some(end) => timeout_at(end, self.once(request)).await.unwrap_or(Err(Fault::Deadline)),
                None => self.once(request).await,
            };
            let Some(pause) = self.pause(request, &sent, attempt) else { return sent };
            sleep(pause).await;
            attempt += 1;
        }
    }

    /// How long to wait before the next try; `None` if there is none.
    fn pause(&self, request: &WebRequest, sent: &Result<WebReply, Fault>, attempt: u32) -> Option<Duration> {
        let asked = match sent {
            Ok(reply) if is_transient(reply.status) => reply.retry_after,
            Err(fault) if !matches!(fault, Fault::Deadline) => match fault.class() {
                Class::Retry { after } => after,
                _ => return None,
            },
            Ok(_) | Err(_) => return None,
        };
        let pause = self.options.backoff.saturating_mul(attempt).max(asked.unwrap_or_default());
        let in_time = self.options.deadline.is_none_or(|end| Instant::now() + pause < end);
        let again = !request.metadata && attempt < ATTEMPTS && in_time && pause <= PATIENCE;
        again.then_some(pause)
    }

    async fn once(&self, request: &WebRequest) -> Result<WebReply, Fault> {
        let patience = if request.metadata { METADATA_PATIENCE } else { PATIENCE };
        let origin = || failure::origin(&request.url);
        let stalled = |_| Fault::Stalled { origin: origin(), after: patience, received: 0 };
        timeout(patience, self.exchange(request, patience)).await.map_err(stalled)?
    }

    async fn exchange(&self, request: &WebRequest, idle: Duration) -> Result<WebReply, Fault> {
        let reach = if request.metadata { Reach::Metadata } else { Reach::Anywhere };
        let client = self.clients.get(&self.options, reach, &request.url)?;
        let mut sending = client.request(request.method.clone(), request.url.clone());
        for (name, value) in &request.headers {
            sending = sending.header(name.as_ref(), header(name, value)?);
        }
        if let Some(body) = &request.body {
            sending = sending.body(body.expose().clone());
        }
        let response = sending.send().await.map_err(|error| failure::classify(&error, &request.url))?;
        let status = response.status().as_u16();
        tracing::debug!(method = %request.method, origin = failure::origin(&request.url), status, "request");
        let headers = response.headers().clone();
        let retry_after = http_date::retry_after(&headers);
        let reply = Reply { response, url: request.url.clone(), idle };
        let body = body::read_all(reply, request.most, "the answer").await?;
        Ok(WebReply { status, body: Secret::new(body.to_vec()), retry_after, headers })
    }
}

/// The value of a header.
fn header(name: &str, value: &Secret<String>) -> Result<HeaderValue, Fault> {
    let mut value = HeaderValue::from_str(value.expose())
        .map_err(|_| Fault::Setup(format!("`{name}` has characters that no HTTP header can carry")))?;
    value.set_sensitive(true);
    Ok(value)
}
