//! Certificates made on the spot: an authority, a server leaf and a client leaf, or whatever else is asked of one.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd};
pub use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose};
use rustls::{RootCertStore, ServerConfig, crypto::aws_lc_rs, server::WebPkiClientVerifier};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

/// PEM texts of one authority and its two leaves.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The certificate of the authority.
    pub ca_pem: String,
    /// The server's certificate, for `127.0.0.1` and `localhost` unless made otherwise.
    pub server_cert_pem: String,
    /// The server's key.
    pub server_key_pem: String,
    /// A client certificate of the same authority.
    pub client_cert_pem: String,
    /// The client's key.
    pub client_key_pem: String,
}

impl Default for Tls {
    fn default() -> Self {
        Self::new()
    }
}

impl Tls {
    /// Certificates for `127.0.0.1` and `localhost`.
    pub fn new() -> Self {
        Self::for_names(&["127.0.0.1", "localhost"])
    }

    /// Certificates for other names: DNS names, of which `*.` may be the first label, and IP addresses.
    pub fn for_names(names: &[&str]) -> Self {
        Self::make(names, false)
    }

    /// A server certificate that ended in 2021.
    pub fn expired() -> Self {
        Self::make(&["127.0.0.1", "localhost"], true)
    }

    fn make(names: &[&str], expired: bool) -> Self {
        let authority = Authority::new();
        let server = authority.issue(&Leaf { names, expired, ..Leaf::default() });
        let client =
            authority.issue(&Leaf { purpose: ExtendedKeyUsagePurpose::ClientAuth, ..Leaf::default() });
        Self {
            ca_pem: authority.pem,
            server_cert_pem: server.certificate,
            server_key_pem: server.key,
            client_cert_pem: client.certificate,
            client_key_pem: client.key,
        }
    }

    /// The server's side; `mutual` demands a client certificate.
    pub(crate) fn server_config(&self, mutual: bool) -> Arc<ServerConfig> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if mutual {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(self.ca_pem.as_bytes()).unwrap()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let chain = vec![CertificateDer::from_pem_slice(self.server_cert_pem.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(self.server_key_pem.as_bytes()).unwrap();
        Arc::new(builder.with_single_cert(chain, key).unwrap())
    }
}

/// Signs certificates.
#[derive(Debug)]
pub struct Authority {
    /// Its own certificate.
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// The key.
    pub key: String,
}

/// What is asked of an [`Authority`].
#[derive(Clone, Debug)]
pub struct Leaf<'a> {
    /// DNS names and IP addresses.
    pub names: &'a [&'a str],
    /// URIs, such as a SPIFFE ID.
    pub uris: &'a [&'a str],
    /// Whether it ended in 2021.
    pub expired: bool,
    /// What the key is for; none leaves it out.
    pub usages: &'a [KeyUsagePurpose],
    /// Whose side it is for; [`ExtendedKeyUsagePurpose::Any`] leaves it out.
    pub purpose: ExtendedKeyUsagePurpose,
}

impl Default for Leaf<'_> {
    fn default() -> Self {
        let purpose = ExtendedKeyUsagePurpose::ServerAuth;
        Self { names: &[], uris: &[], expired: false, usages: &[], purpose }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// A new one.
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "testkit authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Signs a certificate for a new key.
    pub fn issue(&self, leaf: &Leaf<'_>) -> Pair {
        let names: Vec<String> = leaf.names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        let uris = leaf.uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap()));
        params.subject_alt_names.extend(uris);
        params.distinguished_name.push(DnType::CommonName, "testkit leaf");
        params.key_usages = leaf.usages.to_vec();
        if leaf.purpose != ExtendedKeyUsagePurpose::Any {
            params.extended_key_usages = vec![leaf.purpose.clone()];
        }
        if leaf.expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Pair { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// An X509-SVID for either side, with these URIs, and as a server for `127.0.0.1` and `localhost`.
    pub fn svid(&self, uris: &[&str]) -> Pair {
        self.issue(&Leaf {
            names: &["127.0.0.1", "localhost"],
            uris,
            usages: &[KeyUsagePurpose::DigitalSignature],
            purpose: ExtendedKeyUsagePurpose::Any,
            ..Leaf::default()
        })
    }
}
