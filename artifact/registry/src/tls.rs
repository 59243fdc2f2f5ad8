//! HTTP clients: certificates, proxies, and name resolution that refuses local addresses.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::{
    Certificate, Identity,
    dns::{Addrs, Name, Resolve, Resolving},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use crate::{
    error::Fault,
    options::{Options, Pem, Tls},
    origin::is_public,
};

/// Time for a TCP and TLS handshake.
const CONNECT: Duration = Duration::from_secs(10);
/// Idle connections kept for one host.
const IDLE_PER_HOST: usize = 16;

/// Which addresses a client may connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reach {
    /// Any address: for the registry that the user named.
    Anywhere,
    /// Any address and no proxy: for a registry on this computer, as Go's clients do.
    Loopback,
    /// Public addresses only: for places that a public registry names.
    Public,
}

/// Builds the HTTP client for one reach. Redirects, retries and decompression are off: they are done, or refused, by
/// the transport, which must see the bytes as they are. Certificates are loaded for `encrypted` clients only: that takes
/// longer than a small pull.
pub(crate) fn http_client(
    options: &Options,
    reach: Reach,
    encrypted: bool,
) -> Result<reqwest::Client, Fault> {
    let setup =
        |error: reqwest::Error| Fault::Setup(format!("setting up the HTTP client: {}", innermost(&error)));
    let mut builder = reqwest::Client::builder()
        .user_agent(&options.user_agent)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(CONNECT)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .http1_only();
    if let Some(proxy) = &options.proxy {
        builder = builder.proxy(proxy.for_http()?);
    } else if reach == Reach::Loopback {
        builder = builder.no_proxy();
    }
    if reach == Reach::Public {
        builder = builder.dns_resolver(Arc::new(PublicOnly));
    }
    if !encrypted {
        return builder.tls_certs_only([]).build().map_err(setup);
    }
    if options.insecure && options.tls.ca.is_none() {
        builder = builder.tls_danger_accept_invalid_certs(true).tls_certs_only([]);
    } else {
        builder = builder.tls_certs_only(trusted(&options.tls)?);
    }
    if let Some(identity) = identity(&options.tls)? {
        builder = builder.identity(identity);
    }
    builder.build().map_err(setup)
}

/// The system's certificate authorities and the given ones.
fn trusted(tls: &Tls) -> Result<Vec<Certificate>, Fault> {
    let mut all = system_roots().to_vec();
    if let Some(pem) = &tls.ca {
        let parsed: Vec<CertificateDer<'static>> = parse_certificates(pem)?;
        for der in parsed {
            let certificate = Certificate::from_der(&der)
                .map_err(|error| Fault::Setup(format!("CA file `{}`: {}", pem.origin, innermost(&error))))?;
            all.push(certificate);
        }
    }
    Ok(all)
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

fn identity(tls: &Tls) -> Result<Option<Identity>, Fault> {
    let (certificate, key) = match (&tls.certificate, &tls.key) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        (Some(_), None) => return Err(Fault::Setup("a client certificate needs its private key".into())),
        (None, Some(_)) => return Err(Fault::Setup("a client key needs its certificate".into())),
    };
    parse_certificates(certificate)?;
    PrivateKeyDer::from_pem_slice(&key.text)
        .map_err(|_| Fault::Setup(format!("key file `{}` has no usable PEM private key", key.origin)))?;
    let mut both = certificate.text.clone();
    both.push(b'\n');
    both.extend_from_slice(&key.text);
    Identity::from_pem(&both).map(Some).map_err(|error| {
        Fault::Setup(format!("client certificate `{}`: {}", certificate.origin, innermost(&error)))
    })
}

/// Loaded once: reading and parsing the bundle takes milliseconds. Unreadable entries are left out, as others do.
fn system_roots() -> &'static [Certificate] {
    static ROOTS: OnceLock<Vec<Certificate>> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let loaded = rustls_native_certs::load_native_certs();
        loaded.certs.iter().filter_map(|der| Certificate::from_der(der).ok()).collect()
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
        let fault = http_client(&Options { tls, ..Options::default() }, Reach::Anywhere, true).unwrap_err();
        assert!(fault.to_string().contains("`ca.pem` has no PEM certificate"), "{fault}");
    }

    #[test]
    fn http_client_needs_certificate_and_key_together() {
        let tls = Tls { certificate: Some(pem("x")), ..Tls::default() };
        assert!(http_client(&Options { tls, ..Options::default() }, Reach::Anywhere, true).is_err());
    }
}
