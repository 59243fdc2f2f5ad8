//! Certificates: whom the controller trusts, and what it shows.

use oci_testkit::{registry::Registry, tls::Tls};
use serde_json::{Value, json};

use super::{push::Image, tenant::Tenant};

pub(crate) fn secret(name: &str, data: &[(&str, &str)]) -> Value {
    let data: serde_json::Map<String, Value> =
        data.iter().map(|(key, text)| ((*key).to_owned(), json!(text))).collect();
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": data })
}

fn fields(secret: &str) -> Value {
    json!({ "insecure": false, "ref": { "tag": "v1" }, "certSecretRef": { "name": secret } })
}

#[tokio::test]
async fn controller_trusts_the_authority_of_the_secret() {
    let tls = Tls::new();
    let tenant = Tenant::with(Registry::builder().tls(&tls).start()).await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    let (ca, other) = (tls.ca_pem.as_str(), Tls::new());
    let good: [(&str, &[(&str, &str)]); 3] = [
        ("ca", &[("ca.crt", ca)]),
        ("ca-legacy", &[("caFile", ca)]),
        ("ca-both", &[("ca.crt", ca), ("caFile", "this is no certificate")]),
    ];
    for (name, data) in good {
        tenant.install(&secret(name, data)).await;
        tenant.apply(name, &fields(name)).await;
    }
    tenant.install(&secret("invalid", &[("ca.crt", "this is no certificate")])).await;
    tenant.install(&secret("empty", &[("unrelated", "x")])).await;
    tenant.install(&secret("half", &[("tls.crt", &tls.client_cert_pem)])).await;
    tenant.install(&secret("stranger", &[("ca.crt", &other.ca_pem)])).await;
    for name in ["invalid", "empty", "half", "stranger"] {
        tenant.apply(name, &fields(name)).await;
    }
    tenant.apply("nothing", &json!({ "insecure": false, "ref": { "tag": "v1" } })).await;
    for (name, _) in good {
        tenant.ready(name).await;
    }
    for name in ["invalid", "empty", "half"] {
        tenant.failed(name, "FetchFailed", "AuthenticationFailed").await;
    }
    for name in ["stranger", "nothing"] {
        let message = tenant.failed(name, "FetchFailed", "OCIArtifactPullFailed").await;
        assert!(message.to_lowercase().contains("certificate"), "{message}");
    }
}

#[tokio::test]
async fn controller_shows_its_certificate() {
    let tls = Tls::new();
    let tenant = Tenant::with(Registry::builder().mutual_tls(&tls).start()).await;
    let digest = Image::saying("one").push(&tenant.registry, "org/app", "v1").to_string();
    let (ca, cert, key) = (tls.ca_pem.as_str(), tls.client_cert_pem.as_str(), tls.client_key_pem.as_str());
    tenant.install(&secret("pair", &[("ca.crt", ca), ("tls.crt", cert), ("tls.key", key)])).await;
    tenant.install(&secret("legacy", &[("caFile", ca), ("certFile", cert), ("keyFile", key)])).await;
    tenant.install(&secret("ca", &[("ca.crt", ca)])).await;
    let broken = [("caFile", ca), ("certFile", cert), ("keyFile", "this is no key")];
    tenant.install(&secret("broken", &broken)).await;
    let other = Tls::new();
    let mixed = [("ca.crt", ca), ("tls.crt", cert), ("tls.key", other.client_key_pem.as_str())];
    tenant.install(&secret("mixed", &mixed)).await;
    let over = Tls::expired();
    let (over_cert, over_key) = (over.server_cert_pem.as_str(), over.server_key_pem.as_str());
    tenant.install(&secret("over", &[("ca.crt", ca), ("tls.crt", over_cert), ("tls.key", over_key)])).await;
    for name in ["pair", "legacy", "ca", "broken", "mixed", "over"] {
        let mut fields = fields(name);
        fields["ref"] = json!({ "digest": digest });
        tenant.apply(name, &fields).await;
    }
    for name in ["pair", "legacy"] {
        tenant.ready_at(name, &digest).await;
    }
    tenant.failed("ca", "FetchFailed", "OCIArtifactPullFailed").await;
    for (name, key, fault) in [
        ("broken", "keyFile", "no usable PEM private key"),
        ("mixed", "tls.key", "does not belong to"),
        ("over", "tls.crt", "ended at 2021-01-01"),
    ] {
        let message = tenant.failed(name, "FetchFailed", "AuthenticationFailed").await;
        let named = format!("{key} in secret '{}/{name}'", tenant.namespace);
        assert!(message.contains(&named) && message.contains(fault), "{message}");
        assert!(!message.contains("this is no key"), "{message}");
    }
}
