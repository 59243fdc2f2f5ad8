//! HTTP clients: certificates, proxies, and name resolution that refuses local addresses.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::{
    Identity,
    dns::{Addrs, Name, Resolve, Resolving},
};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, sign::CertifiedKey};
use rustls_pki_types::{CertificateDer, Der, PrivateKeyDer, TrustAnchor, pem::PemObject};

use crate::{
    error::Fault,
    options::{Options, Pem, Tls},
    origin::is_public,
    proxy::Proxy,
};

/// Time for a TCP and TLS handshake.
const CONNECT: Duration = Duration::from_secs(10);
/// Time for a connection to a metadata service: it is on the same computer, or nothing answers at its address.
const CONNECT_METADATA: Duration = Duration::from_secs(1);
/// Idle connections kept for one host.
const IDLE_PER_HOST: usize = 16;

/// Which addresses a client may connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reach {
    /// Any address: for the registry that the user named.
    Anywhere,
    /// Any address, but not for long: for metadata services.
    Metadata,
    /// Public addresses only: for places that a public registry names.
    Public,
}

/// Builds the HTTP client for one reach and one proxy, which resolves names in place of us. Redirects, retries and
/// decompression are off: they are done, or refused, by the transport, which must see the bytes as they are.
/// Certificates are loaded for `encrypted` clients only: that takes longer than a small pull.
pub(crate) fn http_client(
    options: &Options,
    reach: Reach,
    encrypted: bool,
    proxy: Option<&Proxy>,
) -> Result<reqwest::Client, Fault> {
    let setup =
        |error: reqwest::Error| Fault::Setup(format!("setting up the HTTP client: {}", innermost(&error)));
    let mut builder = reqwest::Client::builder()
        .user_agent(&options.user_agent)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(if reach == Reach::Metadata { CONNECT_METADATA } else { CONNECT })
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .http1_only()
        .no_proxy();
    if let Some(proxy) = proxy {
        builder = builder.proxy(proxy.for_http()?);
    } else if reach == Reach::Public {
        builder = builder.dns_resolver(Arc::new(PublicOnly));
    }
    if !encrypted {
        return builder.tls_certs_only([]).build().map_err(setup);
    }
    if !options.insecure || options.tls.ca.is_some() {
        return builder.tls_backend_preconfigured(verifying(&options.tls)?).build().map_err(setup);
    }
    builder = builder.tls_danger_accept_invalid_certs(true).tls_certs_only([]);
    if let Some((certificate, key)) = identity(&options.tls)? {
        let mut both = certificate.text.clone();
        both.push(b'\n');
        both.extend_from_slice(&key.text);
        let identity =
            Identity::from_pem(&both).map_err(|error| unusable(certificate, &innermost(&error)))?;
        builder = builder.identity(identity);
    }
    builder.build().map_err(setup)
}

/// TLS 1.2 and 1.3 that trusts the system's certificate authorities and the given ones.
///
/// Made here and not by the HTTP library, which would copy the system's authorities into every client: 100 KiB each.
fn verifying(tls: &Tls) -> Result<ClientConfig, Fault> {
    let roots = match &tls.ca {
        Some(pem) => Arc::new(with_authority(pem)?),
        None => Arc::clone(system_roots()),
    };
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::Setup(format!("setting up TLS: {error}")))?
        .with_root_certificates(roots);
    let mut config = match identity(tls)? {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => config
            .with_client_auth_cert(parse_certificates(certificate)?, parse_key(key)?)
            .map_err(|error| unusable(certificate, &error.to_string()))?,
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn unusable(certificate: &Pem, why: &str) -> Fault {
    Fault::Setup(format!("client certificate `{}`: {why}", certificate.origin))
}

/// The system's certificate authorities, borrowed, and the given ones.
fn with_authority(pem: &Pem) -> Result<RootCertStore, Fault> {
    let borrowed = system_roots().roots.iter().map(|anchor| TrustAnchor {
        subject: Der::from_slice(&anchor.subject),
        subject_public_key_info: Der::from_slice(&anchor.subject_public_key_info),
        name_constraints: anchor.name_constraints.as_deref().map(Der::from_slice),
    });
    let mut roots = RootCertStore { roots: borrowed.collect() };
    for der in parse_certificates(pem)? {
        roots.add(der).map_err(|error| Fault::Setup(format!("CA file `{}`: {error}", pem.origin)))?;
    }
    Ok(roots)
}

/// At least one certificate, or an error that names the file: the HTTP library takes garbage without a word.
fn parse_certificates(pem: &Pem) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let parsed =
        CertificateDer::pem_slice_iter(&pem.text).collect::<Result<Vec<_>, _>>().map_err(|error| {
            Fault::Setup(format!("certificate file `{}` is not valid PEM: {error}", pem.origin))
        })?;
    if parsed.is_empty() {
        return Err(Fault::Setup(format!("certificate file `{}` has no PEM certificate", pem.origin)));
    }
    Ok(parsed)
}

/// Certificate and key of the client, checked to be PEM and to belong together.
fn identity(tls: &Tls) -> Result<Option<(&Pem, &Pem)>, Fault> {
    match (&tls.certificate, &tls.key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => {
            let (chain, private) = (parse_certificates(certificate)?, parse_key(key)?);
            CertifiedKey::from_der(chain, private, &aws_lc_rs::default_provider()).map_err(|error| {
                match error {
                    rustls::Error::InconsistentKeys(_) => Fault::Setup(format!(
                        "private key `{}` does not belong to client certificate `{}`",
                        key.origin, certificate.origin
                    )),
                    error => unusable(certificate, &error.to_string()),
                }
            })?;
            Ok(Some((certificate, key)))
        }
        (Some(_), None) => Err(Fault::Setup("a client certificate needs its private key".into())),
        (None, Some(_)) => Err(Fault::Setup("a client key needs its certificate".into())),
    }
}

fn parse_key(pem: &Pem) -> Result<PrivateKeyDer<'static>, Fault> {
    PrivateKeyDer::from_pem_slice(&pem.text)
        .map_err(|_| Fault::Setup(format!("key file `{}` has no usable PEM private key", pem.origin)))
}

/// Loaded once: reading and parsing the bundle takes milliseconds. Unreadable entries are left out, as others do.
fn system_roots() -> &'static Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    })
}

/// Resolves names and drops every address that is not public, so that no DNS answer leads to a local service.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> = found.into_iter().filter(|a| is_public(a.ip())).collect();
            if public.is_empty() {
                let text = format!("`{}` has no public address", name.as_str());
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, text).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// The text of the innermost cause: the outer ones only repeat the URL.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem(text: &str) -> Pem {
        Pem { origin: "ca.pem".into(), text: text.as_bytes().to_vec() }
    }

    #[test]
    fn http_client_names_the_file_of_a_bad_ca() {
        let tls = Tls { ca: Some(pem("garbage")), ..Tls::default() };
        let fault =
            http_client(&Options { tls, ..Options::default() }, Reach::Anywhere, true, None).unwrap_err();
        assert!(fault.to_string().contains("`ca.pem` has no PEM certificate"), "{fault}");
    }

    #[test]
    fn http_client_needs_certificate_and_key_together() {
        let tls = Tls { certificate: Some(pem("x")), ..Tls::default() };
        assert!(http_client(&Options { tls, ..Options::default() }, Reach::Anywhere, true, None).is_err());
    }
}
