//! Certificates and proxies.

use oci_artifact::Class;
use oci_decide::Step;
use oci_registry::Proxies;
use oci_testkit::{net, registry::Registry, tls::Tls};
use serde_json::json;

use crate::support::{Case, World, seed};

fn tag() -> serde_json::Value {
    json!({ "ref": { "tag": "v1" } })
}

#[tokio::test]
async fn run_trusts_the_authority_of_its_secret() {
    let tls = Tls::new();
    let (registry, world) = (Registry::builder().tls(&tls).start(), World::new());
    seed(&registry, "v1", &[("a.yaml", "a")]);
    let failure = world.failed(&Case::new(&registry, tag())).await;
    assert_eq!((failure.step, failure.class), (Step::Digest, Class::Terminal));
    assert!(failure.hint.unwrap().contains("`ca.crt`"));
    for key in ["ca.crt", "caFile"] {
        world.stored(&Case::new(&registry, tag()).certificate(&[(key, &tls.ca_pem)])).await;
    }
    let other = Tls::new();
    let failure = world.failed(&Case::new(&registry, tag()).certificate(&[("ca.crt", &other.ca_pem)])).await;
    assert_eq!(failure.step, Step::Digest);
}

#[tokio::test]
async fn run_shows_the_certificate_of_its_secret() {
    let tls = Tls::new();
    let (registry, world) = (Registry::builder().mutual_tls(&tls).start(), World::new());
    seed(&registry, "v1", &[("a.yaml", "a")]);
    let Tls { ca_pem, client_cert_pem, client_key_pem, .. } = &tls;
    for data in [
        [("ca.crt", ca_pem), ("tls.crt", client_cert_pem), ("tls.key", client_key_pem)],
        [("caFile", ca_pem), ("certFile", client_cert_pem), ("keyFile", client_key_pem)],
    ] {
        let data = data.map(|(key, pem)| (key, pem.as_str()));
        world.stored(&Case::new(&registry, tag()).certificate(&data)).await;
    }
    let failure = world.failed(&Case::new(&registry, tag()).certificate(&[("ca.crt", ca_pem)])).await;
    assert!(failure.hint.unwrap().contains("`tls.crt` and `tls.key`"));
}

#[tokio::test]
async fn run_with_certificates_that_are_none_says_so() {
    let (tls, world) = (Tls::new(), World::new());
    let registry = Registry::builder().tls(&tls).start();
    let block = "-----BEGIN CERTIFICATE-----\nMIIgarbage=\n-----END CERTIFICATE-----\n";
    let bundle = format!("{}{block}", tls.ca_pem);
    for data in [
        &[("ca.crt", bundle.as_str())][..],
        &[("ca.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")],
        &[("ca.crt", "garbage")],
        &[("tls.crt", "garbage"), ("tls.key", "garbage")],
        &[("ca.crt", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n")],
    ] {
        let failure = world.failed(&Case::new(&registry, tag()).certificate(data)).await;
        assert_eq!((failure.step, failure.class), (Step::Certificates, Class::Terminal));
        assert!(
            failure.message.contains(&format!("{} in secret 'team/creds'", data[0].0)),
            "{}",
            failure.message
        );
        assert!(!failure.message.contains("garbage"), "{}", failure.message);
    }
    assert_eq!(registry.requests().len(), 0);
}

#[tokio::test]
async fn run_with_the_key_of_another_certificate_says_so() {
    let (tls, other, world) = (Tls::new(), Tls::new(), World::new());
    let registry = Registry::builder().mutual_tls(&tls).start();
    let (ca, certificate, key) = (&tls.ca_pem, &tls.client_cert_pem, &other.client_key_pem);
    for insecure in [false, true] {
        let mut spec = tag();
        spec["insecure"] = json!(insecure);
        let data = [("ca.crt", ca.as_str()), ("tls.crt", certificate), ("tls.key", key)];
        let case = Case::new(&registry, spec).certificate(if insecure { &data[1..] } else { &data });
        let failure = world.failed(&case).await;
        assert_eq!(
            (failure.step, failure.class),
            (Step::Certificates, Class::Terminal),
            "{}",
            failure.message
        );
        let expected = "private key `tls.key in secret 'team/creds'` does not belong to client certificate \
                        `tls.crt in secret 'team/creds'`";
        assert!(failure.message.contains(expected), "{}", failure.message);
    }
    assert_eq!(registry.requests().len(), 0);
}

#[tokio::test]
async fn run_with_a_certificate_that_is_over_says_so() {
    let (tls, world) = (Tls::expired(), World::new());
    let data = [("tls.crt", tls.server_cert_pem.as_str()), ("tls.key", &tls.server_key_pem)];
    let registry = Registry::builder().tls(&Tls::new()).start();
    let mut case = Case::new(&registry, tag()).certificate(&data);
    case.observed.now = "2026-01-01T00:00:00Z".parse().unwrap();
    let failure = world.failed(&case).await;
    assert_eq!((failure.step, failure.class), (Step::Certificates, Class::Terminal));
    assert!(
        failure.message.starts_with("`tls.crt in secret 'team/creds'` ended at 20"),
        "{}",
        failure.message
    );
    assert_eq!(registry.accepts(), 0);
}

#[tokio::test]
async fn run_goes_through_the_proxy_of_its_secret() {
    // The embedded registry answers whatever host it is asked for, as a proxy does.
    let (registry, world) = (Registry::start(), World::new());
    seed(&registry, "v1", &[("a.yaml", "a")]);
    let spec = json!({ "ref": { "tag": "v1" }, "insecure": true });
    let url = format!("oci://registry.invalid:5000/{}", crate::support::NAME);
    world.stored(&Case::at(&url, spec).proxy(&registry.origin())).await;
    assert!(registry.count(|request| request.header("host") == Some("registry.invalid:5000")) > 0);
}

#[tokio::test]
async fn run_never_goes_past_its_proxy() {
    let (registry, world) = (Registry::start(), World::new());
    seed(&registry, "v1", &[("a.yaml", "a")]);
    let proxy = format!("http://{}", net::refused());
    let failure = world.failed(&Case::new(&registry, tag()).proxy(&proxy)).await;
    assert_eq!((failure.step, failure.class), (Step::Digest, Class::Retry { after: None }));
    assert!(failure.message.contains(&proxy), "{}", failure.message);
    assert!(failure.hint.unwrap().contains("spec.proxySecretRef"));
    assert_eq!(registry.accepts(), 0);
}

/// What runs where the environment names this proxy.
fn behind(proxy: &str) -> World {
    let proxies = Proxies::environment(|name| name.ends_with("_PROXY").then(|| proxy.to_owned())).unwrap();
    World::with(|options| options.registry.proxies = proxies)
}

#[tokio::test]
async fn run_goes_through_the_environment_s_proxy_unless_its_secret_has_one() {
    let registry = Registry::start();
    seed(&registry, "v1", &[("a.yaml", "a")]);
    let nobody = format!("http://{}", net::refused());
    let url = format!("oci://registry.invalid:5000/{}", crate::support::NAME);
    let case = || Case::at(&url, json!({ "ref": { "tag": "v1" }, "insecure": true }));
    behind(&registry.origin()).stored(&case()).await;
    behind(&nobody).stored(&case().proxy(&registry.origin())).await;
    let failure = behind(&registry.origin()).failed(&case().proxy(&nobody)).await;
    assert!(failure.hint.unwrap().contains("spec.proxySecretRef"));
    let failure = behind(&nobody).failed(&case()).await;
    assert!(failure.message.contains(&nobody), "{}", failure.message);
    assert!(failure.hint.unwrap().contains("HTTPS_PROXY"));
}
