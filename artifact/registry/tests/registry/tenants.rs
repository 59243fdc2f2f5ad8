//! Tenants: they share sockets, and nothing else.

use std::{sync::Arc, time::Duration};

use oci_artifact::Classify as _;
use oci_registry::{
    Access, Client, Credential, Secret,
    auth::{Anonymous, CredentialSource, Fixed},
};
use oci_testkit::registry::{Act, Auth, Bearer, Class, Fault, Match, Registry};
use tokio::time::Instant;

use crate::support::{quick, repository, seed, tag};

const USER: &str = "tester";
const PASSWORD: &str = "s3cret-pass";

fn login(user: &str, password: &str) -> Arc<dyn CredentialSource> {
    let credential = Credential::Basic { username: user.into(), password: Secret::new(password.into()) };
    Arc::new(Fixed::new(credential, format!("the Secret of {user}")))
}

#[tokio::test]
async fn tenants_share_connections_and_the_challenge_but_no_tokens() {
    let registry = Registry::builder().auth(Auth::bearer(USER, PASSWORD)).start();
    seed(&registry, "v1", b"content");
    let base = Client::new(quick());
    for round in 0..3 {
        let client = base.with_credentials(login(USER, PASSWORD));
        client.repository(&repository(&registry), Access::Pull).resolve(&tag("v1")).await.unwrap();
        assert_eq!(registry.count(|r| r.class == Class::Token), round + 1, "a token of its own each");
    }
    assert_eq!(registry.count(|r| r.status == 401), 1, "only the first had to learn how to log in");
    assert_eq!(registry.accepts(), 2, "one connection, and one to look whether it speaks TLS");
}

#[tokio::test]
async fn tenant_without_rights_gets_nothing_of_one_that_has_them() {
    let registry = Registry::builder().auth(Auth::bearer(USER, PASSWORD)).start();
    seed(&registry, "v1", b"content");
    let base = Client::new(quick());
    let name = repository(&registry);
    let good = base.with_credentials(login(USER, PASSWORD)).repository(&name, Access::Pull);
    good.manifest(&tag("v1")).await.unwrap();
    for other in [login("mallory", "guess"), Arc::new(Anonymous)] {
        let error = base.with_credentials(other).repository(&name, Access::Pull);
        let error = error.manifest(&tag("v1")).await.unwrap_err();
        assert_eq!(error.reason(), "AuthenticationFailed", "{error}");
    }
    good.manifest(&tag("v1")).await.unwrap();
    assert_eq!(registry.count(|r| r.class == Class::Token), 3);
}

#[tokio::test]
async fn tenant_does_not_wait_for_the_token_server_of_another_registry() {
    let slow =
        Registry::builder().auth(Auth::Bearer(Bearer { anonymous_pull: true, ..Bearer::default() })).start();
    let quick_one = Registry::builder().auth(Auth::bearer_anonymous()).start();
    slow.fault(Fault::always(Match::class(Class::Token), Act::Stall));
    seed(&quick_one, "v1", b"content");
    let client = Client::new(quick());
    let stuck = client.repository(&repository(&slow), Access::Pull);
    let stuck = tokio::spawn(async move { stuck.resolve(&tag("v1")).await });
    while slow.count(|r| r.class == Class::Token) == 0 {
        tokio::task::yield_now().await;
    }
    client.repository(&repository(&quick_one), Access::Pull).resolve(&tag("v1")).await.unwrap();
    assert!(!stuck.is_finished());
    stuck.abort();
}

#[tokio::test]
async fn use_has_its_own_deadline_in_place_of_the_client_s() {
    let registry = Registry::start();
    seed(&registry, "v1", b"content");
    let past = Some(Instant::now());
    let client = Client::new(oci_registry::Options { deadline: past, ..quick() });
    let repository = client.repository(&repository(&registry), Access::Pull);
    assert_eq!(repository.resolve(&tag("v1")).await.unwrap_err().reason(), "Timeout");
    assert!(repository.clone().until(None).resolve(&tag("v1")).await.is_ok());
    let later = Some(Instant::now() + Duration::from_mins(1));
    assert!(repository.clone().until(later).resolve(&tag("v1")).await.is_ok());
    assert!(repository.resolve(&tag("v1")).await.is_err());
}
