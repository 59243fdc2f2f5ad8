//! One registry host: its base URL, and what was learned about it.

use std::{
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use oci_artifact::name::Host;
use tokio::{sync::OnceCell, time::Instant};
use url::Url;

use crate::{auth::Challenge, error::Fault, options::Options, origin::is_public, probe::speaks_tls};

/// The name under which Docker Hub serves its API.
const DOCKER_HUB_API: &str = "registry-1.docker.io";

/// How long HEAD is left out where it was of no use.
const HEADLESS: Duration = Duration::from_hours(1);

/// One registry host and what is known about it.
pub(crate) struct Endpoint {
    host: Host,
    base: OnceCell<Url>,
    local: OnceCell<bool>,
    challenge: Mutex<Option<Challenge>>,
    /// Until when the registry wants to be left alone.
    quiet_until: Mutex<Option<Instant>>,
    /// Until when HEAD is not tried for the digest of a manifest.
    headless_until: Mutex<Option<Instant>>,
}

impl Endpoint {
    pub(crate) fn new(host: Host) -> Self {
        Self {
            host,
            base: OnceCell::new(),
            local: OnceCell::new(),
            challenge: Mutex::default(),
            quiet_until: Mutex::default(),
            headless_until: Mutex::default(),
        }
    }

    /// `https://host/` or, where plain HTTP is allowed and spoken, `http://host/`.
    pub(crate) async fn base(&self, options: &Options) -> Result<&Url, Fault> {
        self.base
            .get_or_try_init(|| async {
                let (plain, encrypted) = (self.url("http")?, self.url("https")?);
                Ok(if self.is_plain(options, &plain, &encrypted).await? { plain } else { encrypted })
            })
            .await
    }

    fn url(&self, scheme: &str) -> Result<Url, Fault> {
        let name = if self.host.is_docker_hub() { DOCKER_HUB_API } else { self.host.name() };
        let port = self.host.port().map(|port| format!(":{port}")).unwrap_or_default();
        Url::parse(&format!("{scheme}://{name}{port}/"))
            .map_err(|error| Fault::Setup(format!("registry host `{}`: {error}", self.host)))
    }

    /// https, unless plain HTTP is allowed (`insecure`, or a loopback host without certificates of ours and without a
    /// proxy) and spoken.
    ///
    /// Where both go through a proxy nothing can be looked at first: `insecure` is plain HTTP then.
    async fn is_plain(&self, options: &Options, plain: &Url, encrypted: &Url) -> Result<bool, Fault> {
        let proxied = |url| options.proxies.for_url(url).is_some();
        let (plain, encrypted) = (proxied(plain), proxied(encrypted));
        let certificates = options.tls.ca.is_some() || options.tls.certificate.is_some();
        if !options.insecure && (certificates || plain || !self.host.is_loopback()) {
            return Ok(false);
        }
        if plain && encrypted {
            return Ok(true);
        }
        let port = self.host.port().unwrap_or(443);
        match speaks_tls(self.host.name(), port).await {
            Ok(tls) => Ok(!tls),
            // Only a proxy may lead there.
            Err(_) if plain || encrypted => Ok(plain),
            // Nothing listens at 443: the plain port may still answer.
            Err(_) if self.host.port().is_none() => Ok(true),
            Err(error) => Err(self.unreachable(&error)),
        }
    }

    fn unreachable(&self, error: &io::Error) -> Fault {
        Fault::Connect { origin: self.host.to_string(), detail: error.to_string() }
    }

    /// Whether the registry itself is at a local address, so that its token server and storage may be too.
    ///
    /// A name that a proxy resolves counts as public. [`Self::base`] comes first: it tells whether one does.
    pub(crate) async fn is_local(&self, options: &Options) -> bool {
        *self
            .local
            .get_or_init(|| async {
                if self.host.is_loopback() {
                    return true;
                }
                if let Some(address) = self.host.address() {
                    return !is_public(address);
                }
                if self.base.get().is_some_and(|base| options.proxies.for_url(base).is_some()) {
                    return false;
                }
                let port = self.host.port().unwrap_or(443);
                match tokio::net::lookup_host((self.host.name(), port)).await {
                    Ok(found) => found.into_iter().any(|address| !is_public(address.ip())),
                    Err(_) => false,
                }
            })
            .await
    }

    /// Asks nothing more of the registry for a while: all requests wait, not only the one that was refused.
    pub(crate) fn hold(&self, pause: Duration) {
        let mut until = self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
        *until = (*until).max(Some(Instant::now() + pause));
    }

    /// Waits until the registry may be asked again.
    pub(crate) async fn turn(&self) {
        let until = *self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Whether HEAD may tell the digest of a manifest.
    pub(crate) fn heads_tell_digests(&self) -> bool {
        let until = *self.headless_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_none_or(|until| until <= Instant::now())
    }

    /// HEAD told no digest, but GET did: HEAD is left out for a while, not for ever, because GETs are what registries
    /// limit.
    pub(crate) fn heads_tell_nothing(&self) {
        let until = Instant::now() + HEADLESS;
        *self.headless_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// The challenge that the registry sent last.
    pub(crate) fn challenge(&self) -> Option<Challenge> {
        self.challenge.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn learn(&self, challenge: Challenge) {
        *self.challenge.lock().unwrap_or_else(PoisonError::into_inner) = Some(challenge);
    }
}
