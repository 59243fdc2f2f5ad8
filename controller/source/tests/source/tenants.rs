//! Tenants share connections, and nothing that one of them may do and another may not.

use oci_artifact::Class;
use oci_decide::{Outcome, Step};
use oci_testkit::registry::{Auth, Bearer, Class as Endpoint, Registry};
use serde_json::json;

use crate::support::{Case, World, login, secret, seed};

const USER: &str = "tester";
const PASSWORD: &str = "s3cret-pass";

fn tag() -> serde_json::Value {
    json!({ "ref": { "tag": "v1" } })
}

fn private() -> Registry {
    let registry = Registry::builder().auth(Auth::bearer(USER, PASSWORD)).start();
    seed(&registry, "v1", &[("a.yaml", "a")]);
    registry
}

#[tokio::test]
async fn tenant_without_rights_gets_nothing_of_one_who_has_them() {
    let (registry, world) = (private(), World::new());
    let allowed = || Case::new(&registry, tag()).pull(login(&registry.host(), USER, PASSWORD));
    world.stored(&allowed()).await;
    for case in [
        Case::new(&registry, tag()).in_namespace("other"),
        Case::new(&registry, tag()),
        Case::new(&registry, tag()).in_namespace("other").pull(login(&registry.host(), USER, "guess")),
        Case::new(&registry, tag()).pull(login(&registry.host(), USER, "guess")),
    ] {
        registry.reset();
        let failure = world.failed(&case).await;
        assert_eq!((failure.step, failure.class), (Step::Digest, Class::Denied), "{}", failure.message);
        let with_token =
            registry.count(|request| request.authorization().is_some_and(|a| a.starts_with("Bearer")));
        assert_eq!(with_token, 0, "somebody else's token was shown");
    }
    assert!(matches!(world.run(&allowed()).await, Outcome::Stored { .. }));
}

#[tokio::test]
async fn tenant_uses_its_token_again() {
    let (registry, world) = (private(), World::new());
    let case = || Case::new(&registry, tag()).pull(login(&registry.host(), USER, PASSWORD));
    let artifact = world.stored(&case()).await;
    let tokens = || registry.count(|request| request.class == Endpoint::Token);
    assert_eq!(tokens(), 1);
    assert!(matches!(world.run(&case().storing(&artifact)).await, Outcome::Kept(_)));
    assert_eq!(tokens(), 1);
    // The same bytes in another namespace are another tenant's.
    world.stored(&case().in_namespace("other")).await;
    assert_eq!(tokens(), 2);
    assert_eq!(registry.accepts(), 2, "the probe for TLS, and one connection for all");
}

#[tokio::test]
async fn tenant_with_a_rotated_secret_logs_in_anew() {
    let (registry, world) = (private(), World::new());
    let case = |password| Case::new(&registry, tag()).pull(login(&registry.host(), USER, password));
    let failure = world.failed(&case("old")).await;
    assert_eq!(failure.class, Class::Denied);
    let hint = failure.hint.unwrap();
    assert!(hint.contains("credentials in secret 'team/creds' are valid"), "{hint}");
    world.stored(&case(PASSWORD)).await;
    world.failed(&case("old")).await;
}

#[tokio::test]
async fn tenant_with_a_secret_for_another_registry_is_anonymous_and_is_told() {
    let (registry, world) = (private(), World::new());
    let failure = world.failed(&Case::new(&registry, tag()).pull(login("r.example", USER, PASSWORD))).await;
    assert_eq!(failure.class, Class::Denied);
    let expected = format!("no entry for {} in secret 'team/creds'", registry.host());
    assert_eq!(failure.hint, Some(expected));
    let open =
        Registry::builder().auth(Auth::Bearer(Bearer { anonymous_pull: true, ..Bearer::default() })).start();
    seed(&open, "v1", &[("a.yaml", "a")]);
    world.stored(&Case::new(&open, tag()).pull(login("r.example", USER, PASSWORD))).await;
}

#[tokio::test]
async fn tenant_with_a_secret_of_another_type_is_told_before_any_request() {
    let (registry, world) = (private(), World::new());
    let failure = world.failed(&Case::new(&registry, tag()).pull(secret("Opaque", &[]))).await;
    assert_eq!((failure.step, failure.class), (Step::Credentials, Class::Terminal));
    assert!(failure.message.starts_with("secret 'team/creds' is of type Opaque"), "{}", failure.message);
    assert_eq!(registry.accepts(), 0);
}
