//! Azure: Entra ID and the registry, as Microsoft documents them.

use std::{fs, time::Duration};

use oci_artifact::name::Cloud;
use oci_identity::{Environment, account::Role};
use oci_testkit::{
    planted::CLIENT_SECRET,
    scripted::{Asked, Reply},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::internet::{Internet, NOW, Puller, account, environment, jwt, strict_form, token, undocumented};

const TENANT: &str = "11111111-2222-3333-4444-555555555555";
const CLIENT: &str = "66666666-7777-8888-9999-000000000000";
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";
const SCOPE: &str = "https://containerregistry.azure.net/.default";
const LOGIN: &str = "login.microsoftonline.com";
const APP: &str = "app.azurecr.io";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn role() -> Role {
    Role::Azure { tenant: TENANT.into(), client: CLIENT.into() }
}

fn principal() -> Environment {
    environment(&[
        ("AZURE_TENANT_ID", TENANT),
        ("AZURE_CLIENT_ID", CLIENT),
        ("AZURE_CLIENT_SECRET", CLIENT_SECRET),
    ])
}

fn entra_answer() -> Value {
    json!({ "token_type": "Bearer", "expires_in": 3_599, "ext_expires_in": 3_599, "access_token": token("entra") })
}

/// Entra ID for a token of the cluster; `scope` is what it knows.
fn entra(asked: &Asked, scope: &str) -> Reply {
    if asked.path != format!("/{TENANT}/oauth2/v2.0/token") {
        return undocumented();
    }
    let cluster = token("cluster");
    let fields = [
        ("client_id", CLIENT),
        ("scope", scope),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", cluster.as_str()),
        ("grant_type", "client_credentials"),
    ];
    strict_form(asked, &fields, &entra_answer())
}

/// A registry that exchanges tokens of Entra ID for this one.
fn acr(asked: &Asked, refresh: &str) -> Reply {
    if asked.path != "/oauth2/exchange" {
        return undocumented();
    }
    let entra = token("entra");
    let fields =
        [("grant_type", "access_token"), ("service", asked.host.as_str()), ("access_token", entra.as_str())];
    strict_form(asked, &fields, &json!({ "refresh_token": refresh }))
}

fn azure(asked: &Asked) -> Reply {
    if asked.host.starts_with("login.") {
        entra(asked, SCOPE)
    } else {
        acr(asked, &jwt("acr", NOW + 3 * 3_600))
    }
}

/// The registry answers so to whoever comes with a secret.
fn refusing(entra: Reply, acr: Reply) -> Internet {
    Internet::start(&[LOGIN, APP], move |asked| if asked.host == LOGIN { entra.clone() } else { acr.clone() })
}

async fn refused(entra: Reply, acr: Reply) -> crate::internet::Refused {
    let internet = refusing(entra, acr);
    Puller::process(&internet, principal(), Cloud::Azure).refused(APP).await
}

#[tokio::test]
async fn azure_account_logs_in_with_two_requests() {
    let internet = Internet::start(&[LOGIN, APP], azure);
    let (account, tokens) = account(role());
    let puller = Puller::account(&internet, Environment::default(), &account);
    let expected = (NOBODY.to_owned(), jwt("acr", NOW + 3 * 3_600));
    assert_eq!(puller.login(APP).await, expected);
    assert_eq!(puller.login(APP).await, expected);
    assert_eq!(
        internet.lines(),
        [format!("POST {LOGIN}/{TENANT}/oauth2/v2.0/token"), format!("POST {APP}/oauth2/exchange")]
    );
    assert_eq!(tokens.asked(), [["api://AzureADTokenExchange"]]);
}

#[tokio::test]
async fn azure_account_says_what_its_tokens_are_for() {
    let internet = Internet::start(&[LOGIN, APP], azure);
    let (mut account, tokens) = account(role());
    account.wish.audiences = vec!["mine".into()];
    Puller::account(&internet, Environment::default(), &account).login(APP).await;
    assert_eq!(tokens.asked(), [["mine"]]);
}

#[tokio::test]
async fn azure_sources_of_one_identity_ask_once() {
    let internet = Internet::start(&[LOGIN, APP, "other.azurecr.io"], azure);
    let (account, tokens) = account(role());
    let puller = Puller::account(&internet, Environment::default(), &account);
    puller.crowd(1_000, APP).await;
    assert_eq!(internet.lines().len(), 2);
    puller.crowd(1_000, "other.azurecr.io").await;
    assert_eq!(internet.lines()[2..], ["POST other.azurecr.io/oauth2/exchange"], "one token is for both");
    assert_eq!(tokens.asked().len(), 1);
}

#[tokio::test]
async fn azure_sovereign_clouds_have_their_own_authority() {
    for (registry, login) in [
        ("app.azurecr.cn", "login.chinacloudapi.cn"),
        ("app.azurecr.us", "login.microsoftonline.us"),
        ("app.azurecr.de", LOGIN),
    ] {
        let internet = Internet::start(&[login, registry], azure);
        let (account, _) = account(role());
        Puller::account(&internet, Environment::default(), &account).login(registry).await;
        assert!(internet.lines()[0].starts_with(&format!("POST {login}/")), "{:?}", internet.lines());
    }
    let internet = Internet::start(&["login.example", APP], azure);
    let (account, _) = account(role());
    let set = environment(&[("AZURE_AUTHORITY_HOST", "https://login.example/")]);
    Puller::account(&internet, set, &account).login(APP).await;
    assert!(internet.lines()[0].starts_with("POST login.example/"), "{:?}", internet.lines());
}

#[tokio::test]
async fn azure_cloud_of_one_s_own_is_read_from_its_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("cloud.json");
    let cloud = json!({
        "containerRegistryDNSSuffix": "azurecr.stack.example",
        "resourceManagerEndpoint": "https://management.stack.example",
        "tokenAudience": "https://management.stack.example/id",
        "activeDirectoryEndpoint": "https://login.stack.example/",
    });
    fs::write(&path, cloud.to_string()).unwrap();
    let registry = "app.azurecr.stack.example";
    let internet = Internet::start(&["login.stack.example", registry], |asked| {
        if asked.host == "login.stack.example" {
            entra(asked, "https://management.stack.example/.default")
        } else {
            acr(asked, &jwt("acr", NOW + 3_600))
        }
    });
    let (account, _) = account(role());
    let set = environment(&[("AZURE_ENVIRONMENT_FILEPATH", path.to_str().unwrap())]);
    let puller = Puller::account(&internet, set, &account);
    puller.login(registry).await;
    assert_eq!(internet.lines().len(), 2);
    assert_eq!(puller.refused("appazurecr.stack.example").await.reason, "ForeignRegistry");
}

#[tokio::test]
async fn azure_token_never_goes_to_a_look_alike() {
    let (account, tokens) = account(role());
    for registry in [
        "app.azurecr.io.example.org",
        "appazurecr.io",
        "azurecr.io",
        "app.azurecr.io:443",
        "app.azurecr.com",
        "ghcr.io",
    ] {
        let internet = Internet::empty();
        for puller in [
            Puller::account(&internet, Environment::default(), &account),
            Puller::process(&internet, principal(), Cloud::Azure),
        ] {
            let refused = puller.refused(registry).await;
            assert_eq!(refused.reason, "ForeignRegistry", "{refused:?}");
            assert!(refused.text.contains("is no registry of azure"), "{refused:?}");
        }
        assert!(internet.is_untouched(), "{registry}");
    }
    assert!(tokens.asked().is_empty());
}

#[tokio::test]
async fn azure_refusals_of_entra_are_said_in_plain_words() {
    for (code, error, hint) in [
        (700_016, "unauthorized_client", "the tenant has no such application"),
        (90_002, "invalid_request", "there is no such tenant"),
        (7_000_215, "invalid_client", "the secret is wrong"),
        (7_000_222, "invalid_client", "has expired"),
        (700_213, "invalid_request", "the subject system:serviceaccount:NAMESPACE:NAME"),
        (700_024, "invalid_client", "check the clock"),
        (500_011, "invalid_resource", "does not know Azure Container Registry"),
    ] {
        let body = json!({
            "error": error,
            "error_description": format!("AADSTS{code}: It will not do. Trace ID: 1 Correlation ID: 2"),
            "error_codes": [code],
        });
        let refused = refused(Reply::json(401, &body), undocumented()).await;
        assert_eq!(
            refused.text,
            format!(
                "getting a token of Entra ID for application {CLIENT} of tenant {TENANT}: https://{LOGIN} answered \
                 401: AADSTS{code}: It will not do."
            )
        );
        assert_eq!(refused.reason, "AuthenticationFailed");
        assert!(refused.hint.contains(hint), "{refused:?}");
    }
}

#[tokio::test]
async fn azure_refusals_of_the_registry_say_what_is_missing() {
    let denied =
        |status, code: &str| Reply::json(status, &json!({ "errors": [{ "code": code, "message": "no" }] }));
    for (reply, hint) in [
        (denied(401, "UNAUTHORIZED"), "of the registry's tenant"),
        (denied(403, "DENIED"), "network rules"),
        (denied(403, "FORBIDDEN"), "AcrPull"),
    ] {
        let refused = refused(Reply::json(200, &entra_answer()), reply).await;
        assert!(
            refused.text.starts_with(&format!("logging in to {APP} as application {CLIENT}")),
            "{refused:?}"
        );
        assert!(refused.hint.contains(hint), "{refused:?}");
    }
}

#[tokio::test]
async fn azure_answers_that_are_unusable_are_one_clear_error() {
    let with = |field: &str, value: Value| {
        let mut body = entra_answer();
        body[field] = value;
        Reply::json(200, &body)
    };
    let large = "a".repeat(65 << 10);
    for (reply, said) in [
        (with("access_token", json!("")), "it has no token"),
        (with("access_token", json!(format!("{}\nx", token("entra")))), "characters that no token has"),
        (with("access_token", json!("a".repeat(17 << 10))), "too large"),
        (with("expires_in", json!("soon")), "when its token ends"),
        (with("expires_in", json!(-1)), "it is over already"),
        (Reply::text(200, "<html>"), "it is not the JSON expected"),
        (Reply::text(200, &large), "the answer is larger than"),
        (Reply::text(307, "").header("location", "https://evil.example/"), "answered 307"),
    ] {
        let refused = refused(reply, undocumented()).await;
        assert!(refused.text.contains(said), "{said}: {refused:?}");
    }
    for (refresh, said) in [
        (String::new(), "it has no token"),
        (token("opaque"), "does not say when it ends"),
        (format!("{}\r\n", jwt("acr", NOW + 9)), "characters that no token has"),
        (jwt("acr", NOW - 1), "it is over already"),
    ] {
        let acr = Reply::json(200, &json!({ "refresh_token": refresh }));
        let refused = refused(Reply::json(200, &entra_answer()), acr).await;
        assert!(refused.text.contains(said), "{said}: {refused:?}");
    }
}

#[tokio::test]
async fn azure_token_of_the_far_future_is_used_for_an_hour() {
    let far = Reply::json(200, &json!({ "refresh_token": jwt("acr", NOW * 4) }));
    let internet = refusing(Reply::json(200, &entra_answer()), far);
    let lookup = Puller::process(&internet, principal(), Cloud::Azure).look(APP).await.unwrap();
    let minted = lookup.found.unwrap().minted.unwrap();
    assert_eq!(minted.until - minted.at, Duration::from_hours(1));
}
