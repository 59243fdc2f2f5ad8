//! How a [`Client`](crate::Client) is set up.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    auth::{Anonymous, CredentialSource},
    proxy::Proxies,
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
    /// Who is asked in place of the registry. A proxy resolves names, so of the places behind it that a public registry
    /// names only literal local addresses can be refused.
    pub proxies: Proxies,
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

impl Default for Options {
    fn default() -> Self {
        Self {
            tls: Tls::default(),
            insecure: false,
            proxies: Proxies::none(),
            user_agent: concat!("kubectl-oci/", env!("CARGO_PKG_VERSION")).to_owned(),
            deadline: None,
            attempts: 5,
            backoff: Duration::from_millis(500),
            longest_pause: LONGEST_PAUSE,
            credentials: Arc::new(Anonymous),
        }
    }
}
