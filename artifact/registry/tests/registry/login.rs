//! Logins: answered when asked, never shown to anybody else.

use std::time::Duration;

use oci_artifact::{Class as Outcome, Classify as _};
use oci_registry::{Access, Client, Credential, Fault as Failure, Secret};
use oci_testkit::registry::{Act, Auth, Bearer, Class, Fault, Match, Registry};

use crate::support::{NAME, artifact, as_user, open, quick, repository, seed, tag, with_credential};

const USER: &str = "tester";
const PASSWORD: &str = "s3cret-pass";

fn bearer(change: impl FnOnce(&mut Bearer)) -> Registry {
    let mut rules = Bearer { login: Some((USER.to_owned(), PASSWORD.to_owned())), ..Bearer::default() };
    change(&mut rules);
    Registry::builder().auth(Auth::Bearer(rules)).start()
}

#[tokio::test]
async fn login_answers_basic_once_and_keeps_it() {
    let registry = Registry::builder().auth(Auth::basic(USER, PASSWORD)).start();
    seed(&registry, "v1", b"content");
    let client = open(&registry, as_user(USER, PASSWORD), Access::Pull);
    client.manifest(&tag("v1")).await.unwrap();
    client.manifest(&tag("v1")).await.unwrap();
    let statuses: Vec<u16> = registry.requests().iter().map(|r| r.status).collect();
    assert_eq!(statuses, [401, 200, 200]);
}

#[tokio::test]
async fn login_fetches_one_token_for_many_requests() {
    let registry = bearer(|_| {});
    seed(&registry, "v1", b"known");
    let client = open(&registry, as_user(USER, PASSWORD), Access::Push);
    client.push(&artifact(b"new"), &[tag("a"), tag("b")]).await.unwrap();
    assert_eq!(registry.count(|r| r.class == Class::Token), 1);
    assert_eq!(registry.count(|r| r.status == 401), 1);
    let token = &registry.requests()[1];
    assert!(token.query.contains("scope=repository%3Aorg%2Fapp%3Apull%2Cpush"), "{}", token.query);
}

#[tokio::test]
async fn login_asks_anonymously_without_a_credential() {
    let registry = bearer(|rules| rules.anonymous_pull = true);
    seed(&registry, "v1", b"content");
    assert!(open(&registry, quick(), Access::Pull).manifest(&tag("v1")).await.is_ok());
    assert_eq!(registry.count(|r| r.class == Class::Token && r.authorization().is_some()), 0);
}

#[tokio::test]
async fn login_renews_a_revoked_token_once() {
    let registry = bearer(|_| {});
    seed(&registry, "v1", b"content");
    let client = open(&registry, as_user(USER, PASSWORD), Access::Pull);
    client.manifest(&tag("v1")).await.unwrap();
    registry.revoke_tokens();
    registry.reset();
    client.manifest(&tag("v1")).await.unwrap();
    assert_eq!(registry.count(|r| r.class == Class::Token), 1);
    assert_eq!(registry.requests().len(), 3);
}

#[tokio::test]
async fn login_gives_up_when_fresh_tokens_are_refused() {
    let registry = bearer(|_| {});
    seed(&registry, "v1", b"content");
    let realm = format!("{}/token", registry.origin());
    let challenge = format!(r#"Bearer realm="{realm}",service="s",scope="x""#);
    registry.fault(Fault::always(Match::class(Class::Manifest), Act::Challenge(challenge)));
    let client = open(&registry, as_user(USER, PASSWORD), Access::Pull);
    let error = client.manifest(&tag("v1")).await.unwrap_err();
    assert_eq!((error.reason(), error.class()), ("AuthenticationFailed", Outcome::Denied), "{error}");
    assert!(registry.count(|r| r.class == Class::Token) <= 2);
}

#[tokio::test]
async fn login_shows_the_token_server_s_words_but_no_secret() {
    let registry = bearer(|_| {});
    let error =
        open(&registry, as_user(USER, "hunter2"), Access::Pull).manifest(&tag("v1")).await.unwrap_err();
    let text = format!("{error} {error:?} {:?}", error.hint());
    assert_eq!(error.class(), Outcome::Denied);
    assert!(text.contains("401"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn login_exchanges_an_identity_token_by_post() {
    let registry = bearer(|rules| rules.refresh_token = Some("identity".to_owned()));
    seed(&registry, "v1", b"content");
    let options = with_credential(Credential::Identity(Secret::new("identity".to_owned())));
    open(&registry, options, Access::Pull).manifest(&tag("v1")).await.unwrap();
    assert_eq!(registry.count(|r| r.class == Class::Token && r.method == "POST"), 1);
}

#[tokio::test]
async fn login_never_shares_tokens_between_credentials() {
    let registry = bearer(|_| {});
    seed(&registry, "v1", b"content");
    let good = open(&registry, as_user(USER, PASSWORD), Access::Pull);
    good.manifest(&tag("v1")).await.unwrap();
    let bad = open(&registry, as_user("mallory", "guess"), Access::Pull);
    assert!(bad.manifest(&tag("v1")).await.is_err());
}

#[tokio::test]
async fn login_waits_for_one_token_in_parallel() {
    let registry = bearer(|_| {});
    registry.set_latency(Duration::from_millis(20));
    seed(&registry, "v1", b"content");
    let client = Client::new(as_user(USER, PASSWORD)).repository(&repository(&registry), Access::Pull);
    let asked = (0..8).map(|_| async { client.manifest(&tag("v1")).await.map(drop) });
    for answer in futures_util::future::join_all(asked).await {
        answer.unwrap();
    }
    assert_eq!(registry.count(|r| r.class == Class::Token), 1);
}

#[tokio::test]
async fn login_refuses_hostile_token_replies() {
    for (act, reason) in [
        (Act::json("[]"), "TokenInvalid"),
        (Act::json("{}"), "TokenInvalid"),
        (Act::json(r#"{"token":"a\r\nX: y"}"#), "TokenInvalid"),
        (Act::Endless, "TooLarge"),
        (Act::Redirect { to: "http://127.0.0.1:1/".to_owned(), status: 302 }, "AuthenticationFailed"),
    ] {
        let registry = bearer(|_| {});
        seed(&registry, "v1", b"content");
        let shown = format!("{act:?}");
        registry.fault(Fault::always(Match::class(Class::Token), act));
        let client = open(&registry, as_user(USER, PASSWORD), Access::Pull);
        let error = client.manifest(&tag("v1")).await.unwrap_err();
        assert_eq!(error.reason(), reason, "{shown}: {error}");
    }
}

#[tokio::test]
async fn login_refuses_realms_that_are_no_token_server() {
    for realm in ["", "file:///etc/passwd", "not a url", "https://u:p@127.0.0.1/token", "gopher://x/"] {
        let registry = bearer(|rules| rules.realm = Some(realm.to_owned()));
        let error =
            open(&registry, as_user(USER, PASSWORD), Access::Pull).manifest(&tag("v1")).await.unwrap_err();
        assert!(matches!(error.reason(), "ProtocolError" | "RedirectRefused"), "{realm}: {error}");
    }
}

#[tokio::test]
async fn login_says_when_the_credential_is_of_the_wrong_kind() {
    let registry = Registry::builder().auth(Auth::basic(USER, PASSWORD)).start();
    let options = with_credential(Credential::Identity(Secret::new("identity".to_owned())));
    let error = open(&registry, options, Access::Pull).manifest(&tag("v1")).await.unwrap_err();
    assert!(matches!(*error.fault, Failure::Login(_)), "{error}");
    assert!(!format!("{error:?}").contains("\"identity\""), "{error:?}");
    assert_eq!(registry.count(|r| r.authorization().is_some()), 0, "{NAME}");
}
