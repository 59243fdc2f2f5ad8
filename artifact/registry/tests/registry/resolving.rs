//! Resolving a tag: one small request, whatever the registry makes of HEAD.

use std::time::Duration;

use oci_artifact::{Class as Outcome, Classify as _, name::Target};
use oci_registry::{Access, Options};
use oci_testkit::registry::{Act, Auth, Class, Fault, Match, Registry};

use crate::support::{NAME, as_user, open, quick, reader, seed, tag};

fn on_head(act: Act) -> Fault {
    Fault::always(Match::class(Class::Manifest).method("HEAD"), act)
}

/// Methods of the manifest requests since the last time.
fn methods(registry: &Registry) -> Vec<String> {
    let all = registry.requests();
    registry.reset();
    all.into_iter().filter(|r| r.class == Class::Manifest).map(|r| r.method).collect()
}

#[tokio::test]
async fn resolve_takes_one_head() {
    let registry = Registry::start();
    seed(&registry, "v1", b"content");
    let client = reader(&registry);
    for _ in 0..2 {
        assert_eq!(client.resolve(&tag("v1")).await.unwrap(), registry.digest(NAME, "v1").unwrap());
        assert_eq!(registry.requests().len(), 1);
        let accept = registry.requests()[0].header("accept").unwrap().to_owned();
        assert_eq!(accept.matches("application/vnd.").count(), 4, "{accept}");
        assert_eq!(methods(&registry), ["HEAD"]);
    }
}

#[tokio::test]
async fn resolve_of_a_digest_asks_nobody() {
    let registry = Registry::start();
    seed(&registry, "v1", b"content");
    let digest = registry.digest(NAME, "v1").unwrap();
    let resolved = reader(&registry).resolve(&Target::Digest(digest.clone())).await.unwrap();
    assert_eq!((resolved, registry.requests().len()), (digest, 0));
}

#[tokio::test]
async fn resolve_asks_by_get_where_head_tells_nothing_and_remembers_it() {
    for act in [
        Act::Header("docker-content-digest".into(), None),
        Act::digest_header("md5:d41d8cd98f00b204e9800998ecf8427e"),
        Act::digest_header("sha256:../../etc"),
        Act::status(400),
        Act::status(405),
        Act::status(501),
    ] {
        let registry = Registry::start();
        seed(&registry, "v1", b"content");
        let shown = format!("{act:?}");
        registry.fault(on_head(act));
        let client = reader(&registry);
        for expected in [&["HEAD", "GET"][..], &["GET"], &["GET"]] {
            let resolved = client.resolve(&tag("v1")).await.unwrap();
            assert_eq!(resolved, registry.digest(NAME, "v1").unwrap(), "{shown}");
            assert_eq!(methods(&registry), expected, "{shown}");
        }
    }
}

#[tokio::test]
async fn resolve_remembers_nothing_of_head_when_get_fails_too() {
    let registry = Registry::start();
    registry.fault(Fault::times(2, Match::class(Class::Manifest), Act::status(400)));
    seed(&registry, "v1", b"content");
    let client = reader(&registry);
    assert!(client.resolve(&tag("v1")).await.is_err());
    registry.reset();
    client.resolve(&tag("v1")).await.unwrap();
    assert_eq!(methods(&registry), ["HEAD"]);
}

#[tokio::test]
async fn resolve_is_over_after_a_final_answer_and_says_it_in_words() {
    for (code, words, class) in [
        (401, "access denied (as anonymous)", Outcome::Denied),
        (403, "403 Forbidden", Outcome::Denied),
        (404, "404 Not Found", Outcome::Terminal),
    ] {
        let registry = Registry::start();
        registry.fault(on_head(Act::Status { code, headers: Vec::new(), body: "".into() }));
        let error = reader(&registry).resolve(&tag("v1")).await.unwrap_err();
        let expected = format!("looking up the manifest of {}/{NAME}:v1: {words}", registry.host());
        assert_eq!((error.to_string(), error.class()), (expected, class));
        assert_eq!(methods(&registry), ["HEAD"], "{code}");
    }
}

#[tokio::test]
async fn resolve_of_a_throttled_registry_is_no_get() {
    let registry = Registry::start();
    registry.fault(on_head(Act::too_many_requests("60")));
    let options = Options { longest_pause: Duration::from_secs(5), ..quick() };
    let error = open(&registry, options, Access::Pull).resolve(&tag("v1")).await.unwrap_err();
    assert_eq!(error.class(), Outcome::Retry { after: Some(Duration::from_mins(1)) }, "{error}");
    assert_eq!(methods(&registry), ["HEAD"]);
}

#[tokio::test]
async fn resolve_is_one_request_with_a_token_too() {
    let registry = Registry::builder().auth(Auth::bearer("tester", "s3cret-pass")).start();
    seed(&registry, "v1", b"content");
    let client = open(&registry, as_user("tester", "s3cret-pass"), Access::Pull);
    client.resolve(&tag("v1")).await.unwrap();
    registry.reset();
    client.resolve(&tag("v1")).await.unwrap();
    assert_eq!(registry.requests().len(), 1, "warm");
    registry.revoke_tokens();
    registry.reset();
    client.resolve(&tag("v1")).await.unwrap();
    assert_eq!(registry.requests().len(), 3, "refused, a new token, and again");
    registry.reset();
    client.resolve(&tag("v1")).await.unwrap();
    assert_eq!(registry.requests().len(), 1, "warm again");
}

#[tokio::test]
async fn resolve_bounds_the_manifest_that_it_has_to_read() {
    let registry = Registry::start();
    seed(&registry, "v1", b"content");
    registry.fault(on_head(Act::status(405)));
    registry.fault(Fault::always(Match::class(Class::Manifest).method("GET"), Act::Endless));
    let error = reader(&registry).resolve(&tag("v1")).await.unwrap_err();
    assert_eq!(error.reason(), "TooLarge", "{error}");
}
