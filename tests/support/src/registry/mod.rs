//! An OCI distribution registry inside the test's own process.
//!
//! It exists for what real registries cannot do: count requests, misbehave on command, and run without anything
//! installed. It follows OCI distribution-spec 1.1 and is itself checked against foreign clients in `tests/compat`.

mod answer;
mod auth;
mod blobs;
mod fault;
#[cfg(test)]
mod foreign;
mod inbound;
mod lists;
mod manifests;
mod payload;
mod record;
mod route;
mod seed;
mod server;
mod service;
mod store;
mod tap;
#[cfg(test)]
mod tests;
mod uploads;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, atomic::AtomicBool, atomic::Ordering},
    time::Duration,
};

pub use auth::{Auth, Bearer, Judge};
pub use fault::{Act, Fault, Match};
pub use record::Recorded;
pub use route::Class;

use crate::{
    listener::{self, Listener},
    tls::Tls,
};
use {fault::Faults, service::Shared};

/// A running registry; dropping it stops it.
#[derive(Debug)]
pub struct Registry {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: Option<Listener>,
}

/// What a registry is started with.
#[derive(Clone, Debug)]
struct Options {
    auth: Auth,
    deletes: bool,
    mounts: bool,
    single_post: bool,
    page_size: Option<usize>,
    tls: Option<(Tls, bool)>,
}

/// Configures a [`Registry`].
#[derive(Clone, Debug)]
pub struct Builder {
    options: Options,
    referrers: bool,
    latency: Duration,
    name: Option<String>,
}

impl Builder {
    /// Who may do what; everyone everything by default.
    #[must_use]
    pub fn auth(mut self, auth: Auth) -> Self {
        self.options.auth = auth;
        self
    }

    /// Whether tags, manifests and blobs can be deleted; on by default.
    #[must_use]
    pub fn deletes(mut self, on: bool) -> Self {
        self.options.deletes = on;
        self
    }

    /// Whether a mount of a known blob is answered with 201; on by default.
    #[must_use]
    pub fn mounts(mut self, on: bool) -> Self {
        self.options.mounts = on;
        self
    }

    /// Whether a POST with `?digest=` stores at once (201) or opens a session (202, as distribution); on by default.
    #[must_use]
    pub fn single_post(mut self, on: bool) -> Self {
        self.options.single_post = on;
        self
    }

    /// The most tags of one page, whatever the client asks for; no limit by default.
    #[must_use]
    pub fn page_size(mut self, tags: usize) -> Self {
        self.options.page_size = Some(tags);
        self
    }

    /// Whether the referrers API exists; on by default. Off leaves the tag schema.
    #[must_use]
    pub fn referrers(mut self, on: bool) -> Self {
        self.referrers = on;
        self
    }

    /// Time before each answer.
    #[must_use]
    pub fn latency(mut self, time: Duration) -> Self {
        self.latency = time;
        self
    }

    /// Serves https with the certificates of `tls`.
    #[must_use]
    pub fn tls(mut self, tls: &Tls) -> Self {
        self.options.tls = Some((tls.clone(), false));
        self
    }

    /// Serves https and demands a client certificate of the same authority.
    #[must_use]
    pub fn mutual_tls(mut self, tls: &Tls) -> Self {
        self.options.tls = Some((tls.clone(), true));
        self
    }

    /// The host that it calls itself by, in realms and as service, in place of `127.0.0.1:PORT`; a proxy that leads this
    /// name here makes it a registry on the internet.
    #[must_use]
    pub fn named(mut self, host: &str) -> Self {
        self.name = Some(host.to_owned());
        self
    }

    /// Starts it on a free port of the loopback interface.
    pub fn start(self) -> Registry {
        let (listener, address) = listener::bind();
        let scheme = if self.options.tls.is_some() { "https" } else { "http" };
        let authority = self.name.unwrap_or_else(|| address.to_string());
        let tls = self.options.tls.as_ref().map(|(tls, mutual)| tls.server_config(*mutual));
        let shared = Arc::new(Shared {
            options: self.options,
            store: Mutex::default(),
            log: Arc::default(),
            faults: Faults::default(),
            tokens: auth::Tokens::default(),
            referrers: AtomicBool::new(self.referrers),
            latency: Mutex::new(self.latency),
            origin: format!("{scheme}://{authority}"),
        });
        let server = server::start(listener, Arc::clone(&shared), tls);
        Registry { shared, address, server: Some(server) }
    }
}

impl Registry {
    /// Starts a registry without credentials, TLS or limits.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// Configures a registry.
    pub fn builder() -> Builder {
        let options = Options {
            auth: Auth::None,
            deletes: true,
            mounts: true,
            single_post: true,
            page_size: None,
            tls: None,
        };
        Builder { options, referrers: true, latency: Duration::ZERO, name: None }
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `oci://127.0.0.1:PORT/REPOSITORY`; append `:tag` or `@digest` as needed.
    pub fn url(&self, repository: &str) -> String {
        format!("oci://{}/{repository}", self.address)
    }

    /// `http://127.0.0.1:PORT`, or https with TLS; with the name of [`Builder::named`] if it has one.
    pub fn origin(&self) -> String {
        self.shared.origin.clone()
    }

    /// Every request since the start or the last [`Self::reset`], in order of arrival.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.log.requests()
    }

    /// How many requests fit.
    pub fn count(&self, fits: impl Fn(&Recorded) -> bool) -> usize {
        self.requests().iter().filter(|request| fits(request)).count()
    }

    /// TCP connections accepted.
    pub fn accepts(&self) -> usize {
        self.shared.log.accepts()
    }

    /// The most requests in flight at once, from head to the end of the answer's body.
    pub fn max_in_flight(&self) -> usize {
        self.shared.log.max_in_flight()
    }

    /// Forgets requests and counters; content, tokens and faults stay.
    pub fn reset(&self) {
        self.shared.log.reset();
    }

    /// Adds a scripted misbehaviour.
    pub fn fault(&self, fault: Fault) {
        self.shared.faults.add(fault);
    }

    /// Removes all scripted misbehaviour.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Changes the time before each answer.
    pub fn set_latency(&self, time: Duration) {
        *self.shared.latency.lock().unwrap() = time;
    }

    /// Switches the referrers API.
    pub fn set_referrers(&self, on: bool) {
        self.shared.referrers.store(on, Ordering::SeqCst);
    }

    /// Makes every token in circulation worthless.
    pub fn revoke_tokens(&self) {
        self.shared.tokens.revoke_all();
    }

    /// Stops listening and closes all connections; the port then refuses, records stay readable.
    pub fn stop(&mut self) {
        self.server = None;
    }
}
