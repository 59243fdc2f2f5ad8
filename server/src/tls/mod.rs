//! Certificates from files: whether they can be served, the one that is, and who may connect.
//!
//! ```text
//!  files ─► source: a pair that fits ─► reload: taken, or the one before stays ─► Served: each handshake asks
//!              └─► gate: authorities, spiffe: IDs
//! ```
//!
//! Time is an argument everywhere.

mod gate;
pub mod reload;
pub mod source;
pub mod spiffe;

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
};

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::aws_lc_rs,
    server::{
        ClientHello, NoClientAuth, NoServerSessionStorage, ResolvesServerCert,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, UnixTime};

pub use gate::{Clients, Gate};

use source::Identity;

/// Reads the clock. Each program has one place that does.
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

    /// Who is let in. Nobody, as long as nothing is served.
    fn gate(&self) -> Result<Arc<Gate>, Error> {
        let gate = self.0.load().as_ref().and_then(|identity| identity.gate().cloned());
        gate.ok_or_else(|| Error::General("there are no authorities of clients".to_owned()))
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

/// Demands a certificate that the gate of the moment lets in.
impl ClientCertVerifier for Served {
    /// None: whoever has one certificate shows it, and strangers are not told whom we trust.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.gate()?.verify(certificate, chain, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.gate()?.chains().verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.gate()?.chains().verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// TLS for everybody: 1.2 and 1.3 with `aws-lc-rs`, HTTP/1.1 only, and no resumption: it would keep clients on old
/// certificates.
pub fn server_config(served: Arc<Served>) -> Result<Arc<ServerConfig>, Error> {
    config(served, Arc::new(NoClientAuth))
}

/// The same, for clients that the identity's gate lets in. Since nothing is resumed, each connection is judged.
pub fn mutual_config(served: Arc<Served>) -> Result<Arc<ServerConfig>, Error> {
    let clients: Arc<dyn ClientCertVerifier> = Arc::<Served>::clone(&served);
    config(served, clients)
}

fn config(served: Arc<Served>, clients: Arc<dyn ClientCertVerifier>) -> Result<Arc<ServerConfig>, Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(served);
    // The API server offers HTTP/2 first, whose windows would only delay reviews of some megabytes.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// What is known of the served certificate.
#[derive(Clone, Debug, Default)]
pub struct Certificates {
    /// When it ends, in seconds since 1970.
    pub not_after: Gauge<f64, AtomicU64>,
    /// How often another one was taken.
    pub reloads: Counter,
    /// How often one could not be taken, so that the one before stayed.
    pub reload_failures: Counter,
}

impl Certificates {
    /// Another identity is served.
    pub fn serve(&self, identity: &Identity) {
        // Exact for some million years.
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit a double")]
        self.not_after.set(identity.not_after.as_second() as f64);
    }

    /// Names them. The library adds `_total` to the names of counters.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "certificate_not_after_timestamp_seconds",
            "When the served certificate ends, in seconds since 1970; 0 if none is",
            self.not_after.clone(),
        );
        registry.register("certificate_reloads", "Other certificates taken", self.reloads.clone());
        registry.register(
            "certificate_reload_failures",
            "Certificates that could not be taken",
            self.reload_failures.clone(),
        );
    }
}
