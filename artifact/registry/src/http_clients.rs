//! HTTP clients of one set of options, made when the first of their kind is needed.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use url::Url;

use crate::{
    error::Fault,
    options::Options,
    proxy::Proxy,
    tls::{Reach, http_client},
};

/// The clients, which keep their connections.
#[derive(Default)]
pub(crate) struct HttpClients(Mutex<HashMap<Kind, reqwest::Client>>);

/// What one client is for. Each scheme has one proxy at most.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Kind {
    reach: Reach,
    https: bool,
    proxied: bool,
}

impl HttpClients {
    /// The client for this URL. `options` are the same at each call. Metadata services are behind no proxy.
    pub(crate) fn get(&self, options: &Options, reach: Reach, url: &Url) -> Result<reqwest::Client, Fault> {
        let proxy = options.proxies.for_url(url).filter(|_| reach != Reach::Metadata);
        let kind = Kind { reach, https: url.scheme() == "https", proxied: proxy.is_some() };
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&kind) {
            return Ok(client.clone());
        }
        let encrypted = kind.https || proxy.is_some_and(Proxy::is_encrypted);
        let fresh = http_client(options, reach, encrypted, proxy)?;
        clients.insert(kind, fresh.clone());
        Ok(fresh)
    }
}
