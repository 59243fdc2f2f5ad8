//! Certificates: where they come from, whether they can be served, and the one that is.
//!
//! From files ([`source`], [`reload`]), or issued by ourselves and shared by all replicas in a Secret: [`issue`] decides
//! what to do next, [`authority`] makes certificates, [`publish`] reads and writes the cluster, [`keeper`] runs it all.
//! Time is an argument everywhere.

pub mod authority;
pub mod issue;
pub mod keeper;
pub mod publish;
pub mod reload;
pub mod secret;
pub mod source;

use std::{fmt, sync::Arc};

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert},
    sign::CertifiedKey,
};

use crate::tls::source::Identity;

/// Reads the clock. There is one that does: [`app::now`](crate::app::now).
pub type Clock = fn() -> Timestamp;

/// The identity that is served. Replacing it does not touch connections: each handshake takes the one of its time.
#[derive(Default)]
pub struct Served(ArcSwapOption<Identity>);

impl Served {
    /// Serves another identity from now on.
    pub fn replace(&self, identity: Identity) {
        self.0.store(Some(Arc::new(identity)));
    }

    /// What is served.
    pub fn current(&self) -> Option<Arc<Identity>> {
        self.0.load_full()
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Served").field(&self.current()).finish()
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load().as_ref().map(|identity| Arc::clone(identity.key()))
    }
}

/// TLS 1.2 and 1.3 with `aws-lc-rs`, HTTP/1.1 only, and no resumption: it would keep clients on old certificates.
pub fn server_config(served: Arc<Served>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(served);
    // The API server offers HTTP/2 first, whose windows would only delay reviews of some megabytes.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}
