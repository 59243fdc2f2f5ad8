//! How a [`Client`](crate::Client) is set up.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use url::Url;

use crate::{
    auth::{Anonymous, CredentialSource, Secret},
    error::Fault,
};

/// Longest pause before a next try, unless told otherwise.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// Settings of a client. Start from [`Options::default`] and change what is needed.
#[derive(Clone)]
pub struct Options {
    /// Certificates and keys.
    pub tls: Tls,
    /// Plain HTTP is allowed, and certificates are not verified unless [`Tls::ca`] says by what.
    pub insecure: bool,
    /// The environment names a proxy. Names are resolved by it then, so of the places that a public registry names only
    /// literal local addresses can be refused.
    pub behind_proxy: bool,
    /// The proxy for everything that this client does, in place of those that the environment names (`NO_PROXY`
    /// included). Nothing goes past it.
    pub proxy: Option<Proxy>,
    /// Value of the `User-Agent` header.
    pub user_agent: String,
    /// When everything must be done; `None` for no bound. A [`RepositoryClient`](crate::RepositoryClient) may have its
    /// own.
    pub deadline: Option<Instant>,
    /// Most tries of one request, at least 1.
    pub attempts: u32,
    /// Wait before the second try; doubled for each further one, with jitter.
    pub backoff: Duration,
    /// Longest pause before a next try, 15 minutes by default. Where a longer one is due (`Retry-After`), the error
    /// is returned at once and its class has the pause: whoever schedules can wait in a better place.
    pub longest_pause: Duration,
    /// Where credentials come from.
    pub credentials: Arc<dyn CredentialSource>,
}

/// A proxy, and how to log in to it.
#[derive(Clone)]
pub struct Proxy {
    url: Url,
    username: Option<String>,
    password: Option<Secret<String>>,
}

impl Proxy {
    /// A proxy at an http, https or socks5 URL. It resolves the names of registries. User and password may stand in the
    /// URL instead; a password without a user is not used.
    pub fn new(
        url: &str,
        username: Option<String>,
        password: Option<Secret<String>>,
    ) -> Result<Self, ProxyError> {
        let mut url = Url::parse(url).map_err(|_| ProxyError::Url)?;
        if !matches!(url.scheme(), "http" | "https" | "socks5") {
            return Err(ProxyError::Scheme);
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(ProxyError::Url);
        }
        url.set_path("");
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self { url, username, password })
    }

    /// Scheme, host and port, for messages: what else the URL has may be secret.
    pub(crate) fn origin(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{host}{port}", self.url.scheme())
    }

    /// What the HTTP library takes. Its `socks5` would resolve names here.
    pub(crate) fn for_http(&self) -> Result<reqwest::Proxy, Fault> {
        let address = self.url.as_str().replacen("socks5://", "socks5h://", 1);
        let proxy = reqwest::Proxy::all(address)
            .map_err(|_| Fault::Setup(format!("the proxy {} cannot be used", self.origin())))?;
        Ok(match &self.username {
            Some(username) => {
                let password = self.password.as_ref().map_or("", |password| password.expose());
                proxy.basic_auth(username, password)
            }
            None => proxy,
        })
    }
}

/// Why a proxy cannot be used. Never contains its URL, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// Not a URL with a host.
    #[error("the address of the proxy is no URL with a host, such as http://proxy.example:3128")]
    Url,
    /// An unknown scheme.
    #[error("the address of the proxy must begin with http://, https:// or socks5://")]
    Scheme,
}

/// Certificates and keys as PEM.
#[derive(Clone, Default)]
pub struct Tls {
    /// Certificate authorities to trust besides the system's, with the file's name for messages.
    pub ca: Option<Pem>,
    /// Certificate chain of the client.
    pub certificate: Option<Pem>,
    /// Private key of the client.
    pub key: Option<Pem>,
}

/// A PEM text and where it comes from.
#[derive(Clone)]
pub struct Pem {
    /// File name, or what else names it in messages.
    pub origin: String,
    /// The text.
    pub text: Vec<u8>,
}

impl Options {
    /// Whether a proxy stands between us and the registries, so that it resolves their names.
    pub(crate) fn is_proxied(&self) -> bool {
        self.behind_proxy || self.proxy.is_some()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tls: Tls::default(),
            insecure: false,
            behind_proxy: false,
            proxy: None,
            user_agent: concat!("kubectl-oci/", env!("CARGO_PKG_VERSION")).to_owned(),
            deadline: None,
            attempts: 5,
            backoff: Duration::from_millis(500),
            longest_pause: LONGEST_PAUSE,
            credentials: Arc::new(Anonymous),
        }
    }
}
