//! TLS: private authorities, client certificates, and no way down to plain HTTP.

use oci_artifact::Classify as _;
use oci_registry::{Access, Options, Pem, Tls};
use oci_testkit::{registry::Registry, tls};

use crate::support::{open, quick, reader, seed, tag};

#[expect(clippy::unnecessary_wraps, reason = "the fields that it fills are optional")]
fn pem(text: &str) -> Option<Pem> {
    Some(Pem { origin: "file.pem".to_owned(), text: text.as_bytes().to_vec() })
}

#[tokio::test]
async fn private_authority_is_trusted_when_given() {
    let certificates = tls::Tls::new();
    let registry = Registry::builder().tls(&certificates).start();
    seed(&registry, "v1", b"content");
    let tls = Tls { ca: pem(&certificates.ca_pem), ..Tls::default() };
    assert!(open(&registry, Options { tls, ..quick() }, Access::Pull).manifest(&tag("v1")).await.is_ok());
}

#[tokio::test]
async fn unknown_authority_is_refused_with_a_hint() {
    let registry = Registry::builder().tls(&tls::Tls::new()).start();
    seed(&registry, "v1", b"content");
    let error = reader(&registry).manifest(&tag("v1")).await.unwrap_err();
    assert_eq!(error.reason(), "TLSFailed", "{error}");
    assert!(error.hint().unwrap().contains("--ca-file"));
    assert_eq!(registry.requests().len(), 0);
}

#[tokio::test]
async fn insecure_takes_any_certificate() {
    let registry = Registry::builder().tls(&tls::Tls::new()).start();
    seed(&registry, "v1", b"content");
    let options = Options { insecure: true, ..quick() };
    assert!(open(&registry, options, Access::Pull).manifest(&tag("v1")).await.is_ok());
}

#[tokio::test]
async fn insecure_with_an_authority_believes_that_one_only() {
    let certificates = tls::Tls::new();
    let registry = Registry::builder().tls(&certificates).start();
    seed(&registry, "v1", b"content");
    for (ca, trusted) in [(&certificates.ca_pem, true), (&tls::Tls::new().ca_pem, false)] {
        let tls = Tls { ca: pem(ca), ..Tls::default() };
        let options = Options { insecure: true, attempts: 1, tls, ..quick() };
        let answer = open(&registry, options, Access::Pull).manifest(&tag("v1")).await;
        assert_eq!(answer.is_ok(), trusted);
    }
}

#[tokio::test]
async fn insecure_shows_a_client_certificate_and_prefers_plain_http() {
    let certificates = tls::Tls::new();
    let identity = || Tls {
        certificate: pem(&certificates.client_cert_pem),
        key: pem(&certificates.client_key_pem),
        ..Tls::default()
    };
    for registry in [Registry::builder().mutual_tls(&certificates).start(), Registry::start()] {
        seed(&registry, "v1", b"content");
        let options = Options { insecure: true, tls: identity(), ..quick() };
        open(&registry, options, Access::Pull).manifest(&tag("v1")).await.unwrap();
    }
}

#[tokio::test]
async fn expired_certificate_is_refused() {
    let certificates = tls::Tls::expired();
    let registry = Registry::builder().tls(&certificates).start();
    let tls = Tls { ca: pem(&certificates.ca_pem), ..Tls::default() };
    let error =
        open(&registry, Options { tls, ..quick() }, Access::Pull).manifest(&tag("v1")).await.unwrap_err();
    assert_eq!(error.reason(), "TLSFailed", "{error}");
}

#[tokio::test]
async fn client_certificate_is_shown_when_asked_for() {
    let certificates = tls::Tls::new();
    let registry = Registry::builder().mutual_tls(&certificates).start();
    seed(&registry, "v1", b"content");
    let ca = pem(&certificates.ca_pem);
    let with = Tls {
        ca: ca.clone(),
        certificate: pem(&certificates.client_cert_pem),
        key: pem(&certificates.client_key_pem),
    };
    let client = open(&registry, Options { tls: with, ..quick() }, Access::Pull);
    assert!(client.manifest(&tag("v1")).await.is_ok());
    let without = Tls { ca, ..Tls::default() };
    let client = open(&registry, Options { tls: without, attempts: 1, ..quick() }, Access::Pull);
    let error = client.manifest(&tag("v1")).await.unwrap_err();
    assert!(error.hint().unwrap().contains("--cert-file"), "{error}");
}

#[tokio::test]
async fn given_authority_rules_plain_http_out() {
    let registry = Registry::start();
    seed(&registry, "v1", b"content");
    let tls = Tls { ca: pem(&tls::Tls::new().ca_pem), ..Tls::default() };
    let client = open(&registry, Options { tls, attempts: 1, ..quick() }, Access::Pull);
    assert!(client.manifest(&tag("v1")).await.is_err());
    assert_eq!(registry.requests().len(), 0);
}
