//! How a registry is connected to: certificates and proxy, from their Secrets.

use oci_artifact::Class;
use oci_decide::{Failure, Step};
use oci_registry::{Pem, Proxy, Secret, Tls};

use crate::{
    fingerprint::Fingerprint,
    material::{Material, SecretData},
};

/// Characters of a proxy's address.
const ADDRESS: usize = 2_048;

/// Everything that decides which connections can be shared.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) tls: Tls,
    pub(crate) proxy: Option<Proxy>,
    /// Whether plain HTTP is allowed.
    pub(crate) insecure: bool,
    /// Of the proxy.
    pub(crate) proxy_key: Option<Fingerprint>,
    /// Of all of the above.
    pub(crate) key: Fingerprint,
}

impl Connection {
    /// Reads the Secrets. Whether the certificates are any is found out when the first of them is used.
    pub(crate) fn read(material: &Material, insecure: bool) -> Result<Self, Failure> {
        let proxy = material.proxy.as_ref();
        let read_proxy = proxy.map(self::proxy).transpose()?;
        let certificate = material.certificate.as_ref();
        let tls = certificate.map(self::tls).transpose()?.unwrap_or_default();
        let pems = [&tls.ca, &tls.certificate, &tls.key];
        let pems = pems.into_iter().map(|pem| pem.as_ref().map(|pem| pem.text.as_slice()));
        let proxied = ["address", "username", "password"];
        let proxied = proxied.map(|key| proxy.and_then(|secret| value(secret, key)));
        let proxy_key = proxy.map(|_| Fingerprint::of(proxied));
        let insecure_too = [insecure.then_some(&b""[..])];
        let key = Fingerprint::of(pems.chain(proxied).chain(insecure_too));
        Ok(Self { tls, proxy: read_proxy, insecure, proxy_key, key })
    }
}

/// What stands under a key. Tools write an empty value for what they do not have.
fn value<'a>(secret: &'a SecretData, key: &str) -> Option<&'a [u8]> {
    secret.data.get(key).map(|value| value.expose().as_slice()).filter(|value| !value.is_empty())
}

/// A text under a key, without the line end that `echo` and editors leave.
fn text(secret: &SecretData, key: &'static str) -> Result<Option<String>, Failure> {
    let Some(bytes) = value(secret, key) else {
        return Ok(None);
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()).filter(|text| !text.is_empty())),
        Err(_) => Err(unusable(
            Step::Proxy,
            format!("`{key}` in secret '{}' is not UTF-8 text", secret.origin),
            None,
        )),
    }
}

fn unusable(step: Step, message: String, hint: Option<&str>) -> Failure {
    Failure { step, class: Class::Terminal, message, hint: hint.map(str::to_owned) }
}

/// The certificates. The names before Flux 1.0 are read where the standard ones are missing, group by group.
fn tls(secret: &SecretData) -> Result<Tls, Failure> {
    let pem = |key: &str| {
        let text = value(secret, key)?.to_vec();
        Some(Pem { origin: format!("{key} in secret '{}'", secret.origin), text })
    };
    let pair = |certificate: &str, key: &str| match (pem(certificate), pem(key)) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
        (Some(_), None) => Err(half(secret, certificate, key)),
        (None, Some(_)) => Err(half(secret, key, certificate)),
    };
    let identity = match pair("tls.crt", "tls.key")? {
        Some(identity) => Some(identity),
        None => pair("certFile", "keyFile")?,
    };
    let ca = pem("ca.crt").or_else(|| pem("caFile"));
    if identity.is_none() && ca.is_none() {
        let message = format!("secret '{}' has neither `ca.crt` nor `tls.crt` and `tls.key`", secret.origin);
        return Err(unusable(Step::Certificates, message, Some("add them, or remove spec.certSecretRef")));
    }
    let (certificate, key) = identity.unzip();
    Ok(Tls { ca, certificate, key })
}

fn half(secret: &SecretData, has: &str, lacks: &str) -> Failure {
    let message = format!("secret '{}' has `{has}` but no `{lacks}`", secret.origin);
    unusable(Step::Certificates, message, Some("a client certificate and its private key go together"))
}

fn proxy(secret: &SecretData) -> Result<Proxy, Failure> {
    let origin = &secret.origin;
    let Some(address) = text(secret, "address")? else {
        let message = format!("secret '{origin}' has no `address`");
        let hint = "write it like `address: http://proxy.example:3128`";
        return Err(unusable(Step::Proxy, message, Some(hint)));
    };
    if address.chars().count() > ADDRESS {
        let message = format!("`address` in secret '{origin}' is longer than {ADDRESS} characters");
        return Err(unusable(Step::Proxy, message, None));
    }
    let (username, password) = (text(secret, "username")?, text(secret, "password")?);
    if username.is_none() && password.is_some() {
        tracing::warn!(secret = %origin, "the password of the proxy is not used: there is no username");
    }
    Proxy::new(&address, username, password.map(Secret::new))
        .map_err(|error| unusable(Step::Proxy, format!("secret '{origin}': {error}"), None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::material::tests::secret;

    fn certificates(data: &[(&str, &str)]) -> Result<Tls, Failure> {
        let certificate = Some(secret("Opaque", data));
        Connection::read(&Material { certificate, ..Material::default() }, false).map(|read| read.tls)
    }

    fn proxied(data: &[(&str, &str)]) -> Result<Connection, Failure> {
        let proxy = Some(secret("Opaque", data));
        Connection::read(&Material { proxy, ..Material::default() }, false)
    }

    /// The three texts that are used.
    fn texts(tls: &Tls) -> String {
        let shown = |pem: &Option<Pem>| {
            pem.as_ref().map_or("-".to_owned(), |pem| String::from_utf8(pem.text.clone()).unwrap())
        };
        [shown(&tls.ca), shown(&tls.certificate), shown(&tls.key)].join(" ")
    }

    #[test]
    fn connection_reads_standard_and_legacy_names() {
        for (data, expected) in [
            (&[("ca.crt", "ca")][..], "ca - -"),
            (&[("tls.crt", "c"), ("tls.key", "k")], "- c k"),
            (&[("tls.crt", "c"), ("tls.key", "k"), ("ca.crt", "ca")], "ca c k"),
            (&[("caFile", "ca")], "ca - -"),
            (&[("certFile", "c"), ("keyFile", "k"), ("caFile", "ca")], "ca c k"),
            (&[("certFile", "old"), ("keyFile", "old"), ("tls.crt", "c"), ("tls.key", "k")], "- c k"),
            (&[("caFile", "old"), ("ca.crt", "ca")], "ca - -"),
            (&[("certFile", "c"), ("keyFile", "k"), ("ca.crt", "ca")], "ca c k"),
            (&[("tls.crt", "c"), ("tls.key", "k"), ("ca.crt", "")], "- c k"),
        ] {
            assert_eq!(texts(&certificates(data).unwrap()), expected, "{data:?}");
        }
    }

    #[test]
    fn connection_refuses_half_an_identity_and_nothing_at_all() {
        for (data, expected) in [
            (&[][..], "secret 'team/creds' has neither `ca.crt` nor `tls.crt` and `tls.key`"),
            (&[("ca.crt", "")], "secret 'team/creds' has neither `ca.crt` nor `tls.crt` and `tls.key`"),
            (&[("tls.crt", "hunter2")], "secret 'team/creds' has `tls.crt` but no `tls.key`"),
            (
                &[("tls.key", "hunter2"), ("ca.crt", "ca")],
                "secret 'team/creds' has `tls.key` but no `tls.crt`",
            ),
            (&[("certFile", "hunter2")], "secret 'team/creds' has `certFile` but no `keyFile`"),
        ] {
            let Err(failure) = certificates(data) else { panic!("{data:?} is accepted") };
            assert_eq!((failure.step, failure.class), (Step::Certificates, Class::Terminal));
            assert_eq!(failure.message, expected);
        }
    }

    #[test]
    fn connection_reads_a_proxy() {
        for data in [
            &[("address", "http://proxy.example:3128")][..],
            &[("address", "https://proxy.example:3128\n"), ("username", "u\n"), ("password", "p\n")],
            &[("address", "socks5://[::1]:1080"), ("username", "u")],
            &[("address", "http://proxy.example:3128"), ("password", "alone")],
            &[("address", "http://user:password@proxy.example:3128")],
        ] {
            assert!(proxied(data).is_ok_and(|read| read.proxy.is_some()), "{data:?}");
        }
    }

    #[test]
    fn connection_refuses_an_unusable_proxy_without_repeating_it() {
        let long = format!("http://hunter2.example/{}", "a".repeat(ADDRESS));
        for data in [
            &[][..],
            &[("address", "\n")],
            &[("address", "hunter2")],
            &[("address", "ftp://hunter2.example")],
            &[("address", &long)],
        ] {
            let Err(failure) = proxied(data) else { panic!("{data:?} is accepted") };
            assert_eq!((failure.step, failure.class), (Step::Proxy, Class::Terminal));
            assert!(failure.message.contains("secret 'team/creds'"), "{}", failure.message);
            assert!(!failure.message.contains("hunter2"), "{}", failure.message);
        }
    }

    #[test]
    fn connection_key_tells_everything_apart() {
        let read = |material: &Material, insecure| Connection::read(material, insecure).unwrap().key;
        let plain = Material::default();
        let certificate =
            |data| Material { certificate: Some(secret("Opaque", data)), ..Material::default() };
        let proxy = |data| Material { proxy: Some(secret("Opaque", data)), ..Material::default() };
        let all = [
            read(&plain, false),
            read(&plain, true),
            read(&certificate(&[("ca.crt", "a")]), false),
            read(&certificate(&[("ca.crt", "b")]), false),
            read(&certificate(&[("tls.crt", "a"), ("tls.key", "b")]), false),
            read(&proxy(&[("address", "http://a")]), false),
            read(&proxy(&[("address", "http://b")]), false),
            read(&proxy(&[("address", "http://b"), ("username", "u")]), false),
            read(&proxy(&[("address", "http://b"), ("username", "u"), ("password", "p")]), false),
        ];
        for (index, key) in all.iter().enumerate() {
            assert!(all.iter().skip(index + 1).all(|other| other != key), "{index}");
        }
        assert!(read(&plain, false) == read(&plain, false));
    }
}
