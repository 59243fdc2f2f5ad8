//! The proxy that a spec names.

use oci_testkit::{net, planted::PROXY_PASSWORD, proxy::Proxy, real::ProxyPy, registry::Registry, tls::Tls};
use serde_json::{Value, json};

use super::{push::Image, tenant::Tenant};

fn secret(name: &str, data: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": data })
}

#[tokio::test]
async fn controller_goes_through_the_proxy_of_the_secret() {
    let tenant = Tenant::new().await;
    let digest = Image::saying("one").push(&tenant.registry, "org/app", "v1").to_string();
    let (open, closed) = (Proxy::start(), Proxy::with_login("user", "s3cret-pass"));
    tenant.install(&secret("open", &json!({ "address": open.url() }))).await;
    let login = json!({ "address": closed.url(), "username": "user", "password": "s3cret-pass" });
    tenant.install(&secret("closed", &login)).await;
    tenant.install(&secret("stranger", &json!({ "address": closed.url() }))).await;
    tenant.install(&secret("away", &json!({ "address": format!("http://{}", net::refused()) }))).await;
    tenant.install(&secret("invalid", &json!({ "address": "ftp://example.com" }))).await;
    tenant.install(&secret("empty", &json!({ "username": "user" }))).await;
    let names = ["open", "closed", "stranger", "away", "invalid", "empty"];
    for name in names {
        tenant.apply(name, &json!({ "ref": { "digest": digest }, "proxySecretRef": { "name": name } })).await;
    }
    for name in ["open", "closed"] {
        tenant.ready_at(name, &digest).await;
    }
    for proxy in [open, closed] {
        assert!(!proxy.seen().is_empty());
        assert!(proxy.seen().iter().all(|line| line.contains(&tenant.registry.host())), "{:?}", proxy.seen());
    }
    for name in ["stranger", "away"] {
        tenant.failed(name, "FetchFailed", "OCIArtifactPullFailed").await;
    }
    for name in ["invalid", "empty"] {
        let message = tenant.failed(name, "FetchFailed", "AuthenticationFailed").await;
        assert!(!message.contains("s3cret-pass"), "{message}");
    }
}

#[tokio::test]
async fn controller_tunnels_tls_through_the_proxy() {
    let tls = Tls::new();
    let tenant = Tenant::with(Registry::builder().tls(&tls).start()).await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    let proxy = Proxy::start();
    tenant.install(&secret("proxy", &json!({ "address": proxy.url() }))).await;
    tenant.install(&secret("ca", &json!({ "ca.crt": tls.ca_pem }))).await;
    let names = json!({
        "insecure": false,
        "ref": { "tag": "v1" },
        "proxySecretRef": { "name": "proxy" },
        "certSecretRef": { "name": "ca" },
    });
    tenant.apply("app", &names).await;
    tenant.ready("app").await;
    let connect = format!("CONNECT {} HTTP/1.1", tenant.registry.host());
    assert!(
        !proxy.seen().is_empty() && proxy.seen().iter().all(|line| *line == connect),
        "{:?}",
        proxy.seen()
    );
}

#[tokio::test]
async fn controller_logs_in_to_a_proxy_of_another_make() {
    let tls = Tls::new();
    let tenant = Tenant::with(Registry::builder().tls(&tls).start()).await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.install(&secret("ca", &json!({ "ca.crt": tls.ca_pem }))).await;
    let proxy = ProxyPy::start("robot", PROXY_PASSWORD).unwrap();
    let url = proxy.url();
    tenant
        .install(&secret(
            "right",
            &json!({ "address": url, "username": "robot", "password": PROXY_PASSWORD }),
        ))
        .await;
    tenant
        .install(&secret("wrong", &json!({ "address": url, "username": "robot", "password": "guessed" })))
        .await;
    for name in ["right", "wrong"] {
        let fields = json!({
            "insecure": null,
            "ref": { "tag": "v1" },
            "certSecretRef": { "name": "ca" },
            "proxySecretRef": { "name": name },
        });
        tenant.apply(name, &fields).await;
    }
    tenant.ready("right").await;
    let message = tenant.failed("wrong", "FetchFailed", "OCIArtifactPullFailed").await;
    assert!(message.contains("proxy") && message.contains("spec.proxySecretRef"), "{message}");
}
