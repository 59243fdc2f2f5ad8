//! Who the registry is told that we are.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci_testkit::{
    planted,
    real::{Distribution, Mode, PASSWORD, USER},
    registry::{Auth, Class, Registry},
    token_server::{Rights, TokenServer},
};
use serde_json::{Value, json};

use super::{foreign::push_by_plugin, push::Image, tenant::Tenant};

/// A Secret of type `kubernetes.io/dockerconfigjson`.
pub(crate) fn docker_config(name: &str, host: &str, user: &str, password: &str) -> Value {
    let auth = BASE64_STANDARD.encode(format!("{user}:{password}"));
    let config = json!({ "auths": { host: { "auth": auth } } });
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/dockerconfigjson",
        "metadata": { "name": name },
        "stringData": { ".dockerconfigjson": config.to_string() },
    })
}

/// The older type.
fn docker_cfg(name: &str, host: &str, user: &str, password: &str) -> Value {
    let config = json!({ host: { "username": user, "password": password } });
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/dockercfg",
        "metadata": { "name": name },
        "stringData": { ".dockercfg": config.to_string() },
    })
}

/// A `ServiceAccount` with pull secrets.
pub(crate) fn account(name: &str, secrets: &[&str]) -> Value {
    let secrets: Vec<Value> = secrets.iter().map(|name| json!({ "name": name })).collect();
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": { "name": name },
        "imagePullSecrets": secrets,
    })
}

/// Logins of several registries, and for one part of a registry.
fn docker_config_by_path(name: &str, host: &str) -> Value {
    let of = |user: &str, password: &str| json!({ "username": user, "password": password });
    let auths = json!({
        "registry.example.com": of("somebody", "guessed"),
        host: of("tester", "guessed"),
        format!("{host}/org"): of("tester", "s3cret-pass"),
        format!("{host}/org/other"): of("tester", "other-pass"),
    });
    let mut secret = docker_config(name, host, "", "");
    secret["stringData"] = json!({ ".dockerconfigjson": json!({ "auths": auths }).to_string() });
    secret
}

/// Good and wrong ones for the tenant's registry.
async fn install_logins(tenant: &Tenant<'_>) {
    let host = tenant.registry.host();
    tenant.install(&docker_config("good", &host, "tester", "s3cret-pass")).await;
    tenant.install(&docker_cfg("older", &host, "tester", "s3cret-pass")).await;
    tenant.install(&docker_config_by_path("by-path", &host)).await;
    tenant.install(&docker_config("wrong", &host, "tester", "guessed")).await;
    tenant.install(&docker_config("elsewhere", "registry.example.com", "tester", "s3cret-pass")).await;
    tenant.install(&account("with-good", &["good"])).await;
    tenant.install(&account("with-wrong", &["wrong"])).await;
    tenant.install(&account("with-both", &["elsewhere", "good"])).await;
    tenant.install(&account("with-none", &[])).await;
}

/// Name, fields, and whether the registry lets it in.
fn cases() -> Vec<(&'static str, Value, bool)> {
    let secret = |name: &str| json!({ "secretRef": { "name": name } });
    let account = |name: &str| json!({ "serviceAccountName": name });
    vec![
        ("nobody", json!({}), false),
        ("secret", secret("good"), true),
        ("secret-of-the-older-type", secret("older"), true),
        ("secret-with-several-by-path", secret("by-path"), true),
        (
            "secret-of-another-host-and-account",
            json!({ "secretRef": { "name": "elsewhere" }, "serviceAccountName": "with-good" }),
            true,
        ),
        ("secret-wrong", secret("wrong"), false),
        ("secret-of-another-host", secret("elsewhere"), false),
        ("account", account("with-good"), true),
        ("account-with-two", account("with-both"), true),
        ("account-wrong", account("with-wrong"), false),
        ("account-with-none", account("with-none"), false),
        (
            "secret-before-account",
            json!({ "secretRef": { "name": "good" }, "serviceAccountName": "with-wrong" }),
            true,
        ),
        // Credentials of the spec win over a cloud's.
        ("secret-before-cloud", json!({ "secretRef": { "name": "good" }, "provider": "azure" }), true),
    ]
}

async fn judged(tenant: &Tenant<'_>) {
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    install_logins(tenant).await;
    let with_tag = |fields: &Value| {
        let mut fields = fields.clone();
        fields["ref"] = json!({ "tag": "v1" });
        fields
    };
    for (name, fields, _) in cases() {
        tenant.apply(name, &with_tag(&fields)).await;
    }
    for (name, _, good) in cases() {
        if good {
            tenant.ready(name).await;
        } else {
            let message = tenant.failed(name, "FetchFailed", "OCIArtifactPullFailed").await;
            assert!(!message.contains("guessed") && !message.contains("s3cret-pass"), "{message}");
        }
    }
}

#[tokio::test]
async fn controller_logs_in_by_basic() {
    let registry = Registry::builder().auth(Auth::basic("tester", "s3cret-pass")).start();
    judged(&Tenant::with(registry).await).await;
}

#[tokio::test]
async fn controller_logs_in_by_token_and_uses_it_again() {
    let registry = Registry::builder().auth(Auth::bearer("tester", "s3cret-pass")).start();
    let tenant = Tenant::with(registry).await;
    judged(&tenant).await;
    // Those that are not let in try again all the time.
    for (name, ..) in cases().iter().filter(|(.., good)| !good) {
        tenant.delete(name).await;
        tenant.gone(name).await;
    }
    // Once it has a token, a run is one request.
    tenant.registry.reset();
    tenant.run("secret", "now").await;
    assert_eq!(tenant.registry.count(|request| request.class == Class::Token), 0);
    assert_eq!(tenant.registry.requests().len(), 1, "{:?}", tenant.registry.requests());
    // A token that is worth nothing any more is replaced at once.
    tenant.registry.revoke_tokens();
    tenant.run("secret", "again").await;
    tenant.ready("secret").await;
}

#[tokio::test]
async fn controller_reads_as_anybody_where_anybody_may() {
    let registry = Registry::builder().auth(Auth::bearer_anonymous()).start();
    let tenant = Tenant::with(registry).await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    tenant.ready("app").await;
}

#[tokio::test]
async fn controller_shares_no_login_and_no_content_between_tenants() {
    let one = Tenant::with(Registry::builder().auth(Auth::bearer("tester", "s3cret-pass")).start()).await;
    let two = Tenant::new().await;
    let digest = Image::saying("one").push(&one.registry, "org/app", "v1").to_string();
    one.install(&docker_config("login", &one.registry.host(), "tester", "s3cret-pass")).await;
    let url = one.registry.url("org/app");
    let pinned = json!({ "url": url, "ref": { "digest": digest } });
    let with_login = json!({ "ref": { "digest": digest }, "secretRef": { "name": "login" } });
    one.apply("app", &with_login).await;
    one.ready("app").await;
    // The content is stored already, and everybody can name it; who may not read it still does not get it.
    two.apply("app", &pinned).await;
    one.apply("without", &pinned).await;
    for (tenant, name) in [(&two, "app"), (&one, "without")] {
        tenant.failed(name, "FetchFailed", "OCIArtifactPullFailed").await;
        assert!(tenant.get(name).await["status"]["artifact"].is_null());
    }
}

#[tokio::test]
async fn controller_says_which_secret_or_account_it_cannot_use() {
    let tenant = Tenant::new().await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.install(&account("broken", &["absent-pull-secret"])).await;
    let opaque = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "opaque" } });
    tenant.install(&opaque).await;
    let cases = [
        ("secret", json!({ "secretRef": { "name": "absent" } }), "absent"),
        ("type", json!({ "secretRef": { "name": "opaque" } }), "opaque"),
        ("account", json!({ "serviceAccountName": "absent" }), "absent"),
        ("pull-secret", json!({ "serviceAccountName": "broken" }), "absent-pull-secret"),
        ("certificate", json!({ "certSecretRef": { "name": "absent" } }), "absent"),
        ("proxy", json!({ "proxySecretRef": { "name": "absent" } }), "absent"),
    ];
    for (name, fields, _) in &cases {
        tenant.apply(name, fields).await;
    }
    for (name, _, part) in cases {
        let message = tenant.failed(name, "FetchFailed", "AuthenticationFailed").await;
        assert!(message.contains(part) && message.contains(&tenant.namespace), "{name}: {message}");
    }
    assert!(tenant.registry.requests().is_empty());
}

#[tokio::test]
async fn controller_logs_in_to_distribution() {
    let tenant = Tenant::new().await;
    let registry = Distribution::start(Mode::Htpasswd).unwrap();
    push_by_plugin(&registry.url("org/app:v1"), &[&format!("--creds={USER}:{PASSWORD}")]).await;
    tenant.install(&docker_config("login", &registry.host(), USER, PASSWORD)).await;
    let url = registry.url("org/app");
    let fields = json!({ "url": url, "ref": { "tag": "v1" }, "secretRef": { "name": "login" } });
    tenant.apply("app", &fields).await;
    let object = tenant.ready("app").await;
    assert_eq!(tenant.files(&object).await["app.yaml"], "one");
    tenant.apply("nobody", &json!({ "url": url, "ref": { "tag": "v1" } })).await;
    tenant.failed("nobody", "FetchFailed", "OCIArtifactPullFailed").await;
}

#[tokio::test]
async fn controller_logs_in_to_distribution_by_a_token_server() {
    let tenant = Tenant::new().await;
    let tokens = TokenServer::builder()
        .user(USER, PASSWORD, Rights::Push)
        .identity(USER, planted::IDENTITY_TOKEN)
        .start();
    let registry = Distribution::with_tokens(&tokens).unwrap();
    push_by_plugin(&registry.url("org/app:v1"), &[&format!("--creds={USER}:{PASSWORD}")]).await;
    let host = registry.host();
    tenant.install(&docker_config("password", &host, USER, PASSWORD)).await;
    let mut identity = docker_config("identity", &host, "", "");
    let auths = json!({ "auths": { &host: { "identitytoken": planted::IDENTITY_TOKEN } } });
    identity["stringData"] = json!({ ".dockerconfigjson": auths.to_string() });
    tenant.install(&identity).await;
    for name in ["password", "identity"] {
        let url = registry.url("org/app");
        let fields = json!({ "url": url, "ref": { "tag": "v1" }, "secretRef": { "name": name } });
        tenant.apply(name, &fields).await;
        tenant.ready(name).await;
        // A poll needs no new token.
        tokens.reset();
        tenant.run(name, "now").await;
        assert_eq!(tokens.requests().len(), 0, "{name}");
    }
}
