//! Credentials that are made from an identity: over TLS only, made anew once when they are refused.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use oci_artifact::{Class, Classify as _, name::Repository};
use oci_registry::{
    Access, Credential, Fault, Options, Pem, Secret, Tls,
    auth::{CredentialSource, Found, LoginFault, Minted, SourceFuture},
};
use oci_testkit::registry::{Act, Auth, Bearer, Fault as Served, Match, Registry};
use tokio::time::Instant;

use crate::support::{NAME, open, quick, seed, tag};

const PASSWORD: &str = "s3cret-pass";

/// Gives out the first credential until it is refused, then the next one.
struct Issuer {
    credentials: Vec<Credential>,
    /// How many were refused, and how often somebody asked.
    state: Mutex<(usize, usize)>,
    lasts: Duration,
}

impl Issuer {
    fn of(credentials: Vec<Credential>) -> Arc<Self> {
        Arc::new(Self { credentials, state: Mutex::default(), lasts: Duration::from_mins(1) })
    }

    fn refused(&self) -> usize {
        self.state.lock().unwrap().0
    }

    fn asked(&self) -> usize {
        self.state.lock().unwrap().1
    }
}

impl CredentialSource for Issuer {
    fn credential<'a>(&'a self, _: &'a Repository) -> SourceFuture<'a> {
        let mut state = self.state.lock().unwrap();
        state.1 += 1;
        let credential = self.credentials[state.0.min(self.credentials.len() - 1)].clone();
        let at = Instant::now();
        let minted = Some(Minted { at, until: at + self.lasts });
        Box::pin(async move { Ok(Found { credential, origin: "the test's cloud".into(), minted }.into()) })
    }

    fn refused(&self, _: &Repository, _: Minted) {
        self.state.lock().unwrap().0 += 1;
    }
}

fn basic(password: &str) -> Credential {
    Credential::Basic { username: "tester".into(), password: Secret::new(password.into()) }
}

fn bearer(token: &str) -> Credential {
    Credential::Bearer(Secret::new(token.into()))
}

fn secured(auth: Auth) -> (Registry, Options) {
    let tls = oci_testkit::tls::Tls::new();
    let registry = Registry::builder().auth(auth).tls(&tls).start();
    seed(&registry, "v1", b"content");
    let ca = Some(Pem { origin: "ca.pem".into(), text: tls.ca_pem.into_bytes() });
    (registry, Options { tls: Tls { ca, ..Tls::default() }, ..quick() })
}

fn login(error: &oci_registry::Error) -> &LoginFault {
    match &*error.fault {
        Fault::Login(fault) => fault,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn minted_credential_is_made_anew_when_the_registry_refuses_it_later() {
    let (registry, options) = secured(Auth::basic("tester", PASSWORD));
    let issuer = Issuer::of(vec![basic("revoked"), basic(PASSWORD)]);
    let credentials: Arc<dyn CredentialSource> = issuer.clone();
    let client = open(&registry, Options { credentials, ..options }, Access::Pull);
    // Fresh, and refused at once: another one would be refused too.
    let error = client.manifest(&tag("v1")).await.unwrap_err();
    assert!(matches!(login(&error), LoginFault::Denied { .. }), "{error}");
    assert_eq!(issuer.refused(), 0);
    registry.reset();
    client.manifest(&tag("v1")).await.unwrap();
    assert_eq!((issuer.refused(), issuer.asked()), (1, 2));
    let statuses: Vec<u16> = registry.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [401, 200], "the old one once, then the new one");
    client.manifest(&tag("v1")).await.unwrap();
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn minted_credential_is_made_anew_after_a_403() {
    let (registry, options) = secured(Auth::basic("tester", PASSWORD));
    let issuer = Issuer::of(vec![basic(PASSWORD)]);
    let credentials: Arc<dyn CredentialSource> = issuer.clone();
    let client = open(&registry, Options { credentials, ..options }, Access::Pull);
    client.manifest(&tag("v1")).await.unwrap();
    registry.fault(Served::once(Match::path("/manifests/"), Act::status(403)));
    // The same password is made again, and not shown twice.
    let error = client.manifest(&tag("v1")).await.unwrap_err();
    assert_eq!(error.class(), Class::Denied, "{error}");
    assert_eq!((issuer.refused(), issuer.asked()), (1, 2));
}

#[tokio::test]
async fn minted_credential_is_made_anew_when_the_token_server_refuses_it() {
    let rules = Bearer { login: Some(("tester".into(), PASSWORD.into())), ..Bearer::default() };
    let (registry, options) = secured(Auth::Bearer(rules));
    let issuer = Issuer::of(vec![basic("revoked"), basic(PASSWORD)]);
    let credentials: Arc<dyn CredentialSource> = issuer.clone();
    let client = open(&registry, Options { credentials, ..options }, Access::Pull);
    client.manifest(&tag("v1")).await.unwrap_err();
    client.manifest(&tag("v1")).await.unwrap();
    assert_eq!(issuer.refused(), 1);
}

#[tokio::test]
async fn minted_credential_is_not_shown_over_plain_http() {
    let registry = Registry::builder().auth(Auth::basic("tester", PASSWORD)).start();
    let credentials: Arc<dyn CredentialSource> = Issuer::of(vec![basic(PASSWORD)]);
    let client = open(&registry, Options { credentials, ..quick() }, Access::Pull);
    let error = client.manifest(&tag("v1")).await.unwrap_err();
    assert!(matches!(login(&error), LoginFault::Plain { .. }), "{error}");
    assert!(error.to_string().contains("basic(tester), the test's cloud is only shown over TLS"), "{error}");
    assert!(registry.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[tokio::test]
async fn minted_credential_is_not_shown_to_whoever_answers() {
    let (registry, trusting) = secured(Auth::basic("tester", PASSWORD));
    let credentials: Arc<dyn CredentialSource> = Issuer::of(vec![basic(PASSWORD)]);
    let unverified =
        Options { tls: Tls::default(), insecure: true, credentials: credentials.clone(), ..trusting.clone() };
    let error = open(&registry, unverified, Access::Pull).manifest(&tag("v1")).await.unwrap_err();
    assert!(matches!(login(&error), LoginFault::Unverified { .. }), "{error}");
    assert!(registry.requests().iter().all(|request| request.header("authorization").is_none()));
    // Where it is said by whom, the certificate is verified all the same.
    let verified = Options { insecure: true, credentials, ..trusting };
    open(&registry, verified, Access::Pull).manifest(&tag("v1")).await.unwrap();
}

#[tokio::test]
async fn minted_bearer_token_answers_a_bearer_challenge_only() {
    let (registry, options) = secured(Auth::basic("tester", PASSWORD));
    let credentials: Arc<dyn CredentialSource> = Issuer::of(vec![bearer("jwt")]);
    let client = open(&registry, Options { credentials, ..options }, Access::Pull);
    let error = client.manifest(&tag("v1")).await.unwrap_err();
    assert!(matches!(login(&error), LoginFault::Unsuitable { .. }), "{error}");
    assert!(registry.requests().iter().all(|request| request.header("authorization").is_none()));

    let (registry, options) = secured(Auth::bearer("tester", PASSWORD));
    let credentials: Arc<dyn CredentialSource> = Issuer::of(vec![bearer("jwt")]);
    let client = open(&registry, Options { credentials, ..options }, Access::Pull);
    client.manifest(&tag("v1")).await.unwrap_err();
    let shown: Vec<_> =
        registry.requests().iter().map(|r| r.header("authorization").map(str::to_owned)).collect();
    assert_eq!(shown, [None, Some("Bearer jwt".to_owned())], "as it is, and not to the token server");
    assert_eq!(registry.count(|request| request.path == "/token"), 0);
}

#[tokio::test]
async fn minted_credential_is_asked_for_again_when_it_is_over() {
    let (registry, options) = secured(Auth::basic("tester", PASSWORD));
    let issuer = Arc::new(Issuer {
        credentials: vec![basic(PASSWORD)],
        state: Mutex::default(),
        lasts: Duration::ZERO,
    });
    let credentials: Arc<dyn CredentialSource> = issuer.clone();
    let client = open(&registry, Options { credentials, ..options }, Access::Pull);
    for _ in 0..2 {
        client.manifest(&tag("v1")).await.unwrap();
    }
    assert_eq!(issuer.asked(), 2, "{NAME} was asked for twice");
}
