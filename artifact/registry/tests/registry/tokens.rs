//! Logins at a real registry, `distribution`, which checks the signed tokens of a strict token server.

use std::{thread, time::Duration};

use oci_artifact::{Class as Outcome, Classify as _, archive::Control, name::Repository};
use oci_registry::{Access, Client, Credential, Error, Options, Place, RepositoryClient, Secret, copy};
use oci_testkit::{
    planted,
    real::{Distribution, LEEWAY},
    token_server::{Rights, TokenServer},
};

use crate::support::{NAME, artifact, as_user, download, layer, quick, tag, with_credential};

const USER: &str = "tester";
const READER: &str = "reader";
/// Everyone may pull it.
const PUBLIC: &str = "org/public";
const CONTENT: &[u8] = b"content";

/// A token server, and the registry that trusts it.
struct Guarded {
    tokens: TokenServer,
    registry: Distribution,
}

impl Guarded {
    fn start() -> Self {
        let tokens = TokenServer::builder()
            .user(USER, planted::PASSWORD, Rights::Push)
            .user(READER, planted::READER_PASSWORD, Rights::Pull)
            .identity(USER, planted::IDENTITY_TOKEN)
            .public(PUBLIC)
            .start();
        let registry = Distribution::with_tokens(&tokens).unwrap();
        Self { tokens, registry }
    }

    /// The same with `v1` in [`NAME`] and in [`PUBLIC`].
    async fn filled() -> Self {
        let guarded = Self::start();
        for name in [NAME, PUBLIC] {
            let client = guarded.open(name, as_user(USER, planted::PASSWORD), Access::Push);
            client.push(&artifact(CONTENT), &[tag("v1")]).await.unwrap();
        }
        guarded.tokens.reset();
        guarded
    }

    fn open(&self, name: &str, options: Options, access: Access) -> RepositoryClient {
        let repository = Repository::parse(&format!("{}/{name}", self.registry.host())).unwrap();
        Client::new(options).repository(&repository, access)
    }

    fn reader(&self, name: &str, options: Options) -> RepositoryClient {
        self.open(name, options, Access::Pull)
    }

    /// Methods and statuses of all GETs and HEADs of manifests so far, once there are as many as `wanted`. The registry
    /// writes a line when it has answered; lines of one connection are in order.
    fn manifest_requests(&self, wanted: usize) -> Vec<String> {
        for _ in 0..1_000 {
            let mut all = self.registry.requests();
            all.retain(|line| {
                !line.starts_with("PUT") && line.contains(NAME) && line.contains("/manifests/")
            });
            if all.len() >= wanted {
                return all.iter().map(|line| line.replace(&format!("/v2/{NAME}/manifests/"), "")).collect();
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("no {wanted} requests: {:?}", self.registry.requests())
    }
}

fn identity(token: &str) -> Options {
    with_credential(Credential::Identity(Secret::new(token.to_owned())))
}

/// The error and everything that it says, which is no secret.
fn shown(error: &Error) -> String {
    let text = format!("{error} {error:?} {:?}", error.hint());
    planted::assert_clean("the error", text.as_bytes());
    text
}

#[tokio::test]
async fn token_of_a_user_and_password_pulls_in_three_requests() {
    let guarded = Guarded::filled().await;
    let before = guarded.manifest_requests(0).len();
    let client = guarded.reader(NAME, as_user(READER, planted::READER_PASSWORD));
    client.manifest(&tag("v1")).await.unwrap();
    assert_eq!(guarded.manifest_requests(before + 2)[before..], ["GET v1 401", "GET v1 200"]);
    let asked = guarded.tokens.requests();
    assert_eq!(asked.len(), 1, "{asked:?}");
    let query = [("service", guarded.tokens.service()), ("scope", "repository:org/app:pull")];
    let query: Vec<(String, String)> = query.map(|(name, value)| (name.into(), value.into())).into();
    assert_eq!((asked[0].method.as_str(), &asked[0].query, asked[0].status), ("GET", &query, 200));
    assert!(asked[0].authorization.is_some() && asked[0].form.is_empty());
    assert_eq!(download(&client, &layer(CONTENT)).await.unwrap(), CONTENT);
    assert_eq!(guarded.tokens.requests().len(), 1, "the token is kept");
}

#[tokio::test]
async fn token_for_a_push_is_asked_for_once_with_both_actions() {
    let guarded = Guarded::start();
    let client = guarded.open(NAME, as_user(USER, planted::PASSWORD), Access::Push);
    client.push(&artifact(CONTENT), &[tag("a"), tag("b")]).await.unwrap();
    let asked = guarded.tokens.requests();
    let scopes: Vec<&str> = asked.iter().flat_map(|asked| asked.all("scope")).collect();
    assert_eq!(scopes, ["repository:org/app:pull,push"]);
    client.manifest(&tag("b")).await.unwrap();
    let only_pull = guarded.reader(NAME, as_user(USER, planted::PASSWORD));
    assert!(
        only_pull.push(&artifact(b"more"), &[tag("c")]).await.is_err(),
        "a token for `pull` pushes nothing"
    );
}

#[tokio::test]
async fn token_of_nobody_pulls_what_is_public_only() {
    let guarded = Guarded::filled().await;
    guarded.reader(PUBLIC, quick()).manifest(&tag("v1")).await.unwrap();
    assert!(guarded.tokens.requests().iter().all(|asked| asked.authorization.is_none()));
    let error = guarded.reader(NAME, quick()).manifest(&tag("v1")).await.unwrap_err();
    assert_eq!((error.reason(), error.class()), ("AuthenticationFailed", Outcome::Denied), "{error}");
    assert!(shown(&error).contains("anonymous"), "{error}");
}

#[tokio::test]
async fn user_who_may_only_pull_is_told_so() {
    let guarded = Guarded::filled().await;
    let client = guarded.open(NAME, as_user(READER, planted::READER_PASSWORD), Access::Push);
    client.manifest(&tag("v1")).await.unwrap();
    let error = client.push(&artifact(b"new"), &[tag("v2")]).await.unwrap_err();
    assert_eq!((error.reason(), error.class()), ("AuthenticationFailed", Outcome::Denied), "{error}");
    let text = shown(&error);
    for wanted in ["access denied", READER, "check that the account may do this"] {
        assert!(text.contains(wanted), "{text}");
    }
}

#[tokio::test]
async fn identity_token_is_posted_and_never_in_a_url() {
    let guarded = Guarded::filled().await;
    guarded.reader(NAME, identity(planted::IDENTITY_TOKEN)).manifest(&tag("v1")).await.unwrap();
    let asked = guarded.tokens.requests();
    assert_eq!((asked.len(), asked[0].method.as_str()), (1, "POST"));
    assert_eq!(asked[0].one("grant_type"), Some("refresh_token"));
    assert!(asked[0].query.is_empty() && asked[0].authorization.is_none());
    guarded.tokens.set_identity(USER, Some(planted::CHANGED_IDENTITY_TOKEN));
    let error =
        guarded.reader(NAME, identity(planted::IDENTITY_TOKEN)).manifest(&tag("v1")).await.unwrap_err();
    assert!(shown(&error).contains("identity token"), "{error}");
    guarded.reader(NAME, identity(planted::CHANGED_IDENTITY_TOKEN)).manifest(&tag("v1")).await.unwrap();
}

#[tokio::test]
async fn one_token_covers_both_sides_of_a_mount() {
    let guarded = Guarded::filled().await;
    for (options, name) in [
        (as_user(USER, planted::PASSWORD), "by/password"),
        (identity(planted::IDENTITY_TOKEN), "by/identity"),
    ] {
        let from = Place::Registry(guarded.reader(PUBLIC, options.clone()));
        let to = Place::Registry(guarded.open(name, options, Access::Push));
        let copied = copy(&from, &tag("v1"), &to, &[], 4, &Control::new()).await;
        let copied =
            copied.unwrap_or_else(|error| panic!("{name}: {error}; {:?}", guarded.tokens.requests()));
        assert_eq!((copied.sent, copied.mounted), (0, 2), "{name}");
    }
}

#[tokio::test]
async fn wrong_password_is_one_error_after_one_question() {
    let guarded = Guarded::filled().await;
    let client = guarded.reader(NAME, as_user(USER, planted::WRONG_PASSWORD));
    let error = client.manifest(&tag("v1")).await.unwrap_err();
    assert_eq!((error.reason(), error.class()), ("AuthenticationFailed", Outcome::Denied), "{error}");
    let text = shown(&error);
    for wanted in ["token server", "401", "unknown user or wrong password", USER] {
        assert!(text.contains(wanted), "{text}");
    }
    assert_eq!(guarded.tokens.requests().len(), 1);
}

#[tokio::test]
async fn changed_password_ends_logins_but_no_token() {
    let guarded = Guarded::filled().await;
    let client = guarded.reader(NAME, as_user(USER, planted::PASSWORD));
    client.manifest(&tag("v1")).await.unwrap();
    guarded.tokens.set_password(USER, planted::CHANGED_PASSWORD);
    client.manifest(&tag("v1")).await.unwrap();
    assert_eq!(guarded.tokens.requests().len(), 1, "the token is signed for its time");
    let fresh = guarded.reader(NAME, as_user(USER, planted::PASSWORD));
    assert!(fresh.manifest(&tag("v1")).await.is_err());
    let new = guarded.reader(NAME, as_user(USER, planted::CHANGED_PASSWORD));
    new.manifest(&tag("v1")).await.unwrap();
}

#[tokio::test]
async fn token_that_ends_before_its_announced_time_is_fetched_anew_once() {
    let guarded = Guarded::filled().await;
    let before = guarded.manifest_requests(0).len();
    let client = guarded.reader(NAME, as_user(USER, planted::PASSWORD));
    // Good for long enough to be used, and no longer.
    guarded.tokens.end_next(1, 3 - LEEWAY);
    let mut pulls = 0;
    while guarded.tokens.requests().len() < 2 {
        client.manifest(&tag("v1")).await.unwrap();
        pulls += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut wanted = vec!["GET v1 200"; pulls + 2];
    (wanted[0], wanted[pulls]) = ("GET v1 401", "GET v1 401");
    assert_eq!(guarded.manifest_requests(before + wanted.len())[before..], wanted);
    client.manifest(&tag("v1")).await.unwrap();
    assert_eq!(guarded.tokens.requests().len(), 2, "the second one is kept");
}

#[tokio::test]
async fn token_that_is_over_when_it_is_issued_is_given_up() {
    let guarded = Guarded::filled().await;
    guarded.tokens.end_next(usize::MAX, -3600);
    let client = guarded.reader(NAME, as_user(USER, planted::PASSWORD));
    let error = client.manifest(&tag("v1")).await.unwrap_err();
    assert_eq!((error.reason(), error.class()), ("AuthenticationFailed", Outcome::Denied), "{error}");
    shown(&error);
    assert_eq!(guarded.tokens.requests().len(), 1, "another one would be no better");
}
