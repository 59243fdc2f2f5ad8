//! [`Proxy`]: where one is, and how to log in to it.

use std::fmt;

use url::Url;

use crate::{auth::Secret, error::Fault};

/// A proxy, and how to log in to it. Shown without the login.
#[derive(Clone)]
pub struct Proxy {
    url: Url,
}

impl Proxy {
    /// A proxy at an http, https, socks5 or socks5h URL. It resolves the names of registries. User and password may
    /// stand in the URL instead; a password without a user is not used.
    pub fn new(
        url: &str,
        username: Option<String>,
        password: Option<Secret<String>>,
    ) -> Result<Self, ProxyError> {
        let mut url = Url::parse(url).map_err(|_| ProxyError::Url)?;
        if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") {
            return Err(ProxyError::Scheme);
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(ProxyError::Url);
        }
        url.set_path("");
        url.set_query(None);
        url.set_fragment(None);
        if let Some(username) = username {
            let set = match password {
                Some(password) => url.set_password(Some(password.expose())),
                None => url.set_password(None),
            };
            set.and_then(|()| url.set_username(&username)).map_err(|()| ProxyError::Url)?;
        }
        Ok(Self { url })
    }

    /// The same from a variable, where `http://` may be left out.
    pub(super) fn lenient(text: &str) -> Result<Self, ProxyError> {
        if text.contains("://") {
            Self::new(text, None, None)
        } else {
            Self::new(&format!("http://{text}"), None, None)
        }
    }

    /// The URL with the login, user and password percent-encoded.
    pub fn url(&self) -> Secret<Url> {
        Secret::new(self.url.clone())
    }

    /// Whether it is spoken to over TLS.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// What the HTTP library takes. Its `socks5` would resolve names here.
    pub(crate) fn for_http(&self) -> Result<reqwest::Proxy, Fault> {
        let address = self.url.as_str().replacen("socks5://", "socks5h://", 1);
        reqwest::Proxy::all(address).map_err(|_| Fault::Setup(format!("the proxy {self} cannot be used")))
    }
}

/// Scheme, host and port, for messages: what else the URL has may be secret.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.url.scheme(), self.url.host_str().unwrap_or_default())?;
        match self.url.port() {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
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
