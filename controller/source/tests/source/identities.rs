//! Accounts that log in by tokens of their own: how many are made, and who sees which.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use oci_artifact::Class;
use oci_decide::{Outcome, Step};
use oci_identity::{
    Environment, Identities, IdentityError,
    account::{AccountToken, AccountTokens, TokenFuture},
    cache::{Ledger, Limits, Outcome as Cached, Subject},
};
use oci_registry::{Secret, auth::SourceError};
use oci_source::material::AccountData;
use oci_testkit::{
    registry::{Auth, Registry},
    tls::Tls,
};
use serde_json::json;

use crate::support::{Case, World, login, manifest, seed};

const NOW: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// What was asked of the API server: `namespace/name for audiences` of each token.
#[derive(Default)]
struct Mint(Mutex<Vec<String>>);

impl Mint {
    fn made(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// Tokens that say whose they are.
struct Of {
    account: String,
    mint: Arc<Mint>,
    broken: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("no token today")]
struct Broken;

impl oci_artifact::Classify for Broken {
    fn reason(&self) -> &'static str {
        "Broken"
    }

    fn class(&self) -> Class {
        Class::Retry { after: None }
    }

    fn hint(&self) -> Option<String> {
        Some("come back tomorrow".to_owned())
    }
}

impl AccountTokens for Of {
    fn token<'a>(&'a self, audiences: &'a [String], _: Option<Duration>) -> TokenFuture<'a> {
        Box::pin(async {
            if self.broken {
                return Err(IdentityError::Token(SourceError::new(Broken)));
            }
            let mut made = self.mint.0.lock().unwrap();
            made.push(format!("{} for {}", self.account, audiences.join(" ")));
            let value = Secret::new(format!("{}.{}", self.account.replace('/', "."), made.len()));
            Ok(AccountToken { value, expires: Timestamp::from_second(NOW + 3_600).unwrap() })
        })
    }
}

/// Who asked the cache, and with what result.
#[derive(Default)]
struct Counts(Mutex<BTreeMap<(String, String), usize>>);

impl Ledger for Counts {
    fn asked(&self, subject: Option<&Subject>, outcome: Cached) {
        let name =
            subject.map_or_else(String::new, |subject| format!("{}/{}", subject.namespace, subject.name));
        *self.0.lock().unwrap().entry((name, format!("{outcome:?}"))).or_default() += 1;
    }
}

/// A registry that takes the tokens of some accounts, a world with identities, and the mint.
struct Town {
    registry: Registry,
    world: World,
    mint: Arc<Mint>,
    counts: Arc<Counts>,
    ca: String,
    revoked: Arc<Mutex<BTreeSet<String>>>,
}

impl Town {
    /// `allowed` begins the tokens that are taken.
    fn new(allowed: &'static str) -> Self {
        let (tls, revoked) = (Tls::new(), Arc::<Mutex<BTreeSet<String>>>::default());
        let refused = Arc::clone(&revoked);
        let fits = move |token: &str| token.starts_with(allowed) && !refused.lock().unwrap().contains(token);
        let registry = Registry::builder().tls(&tls).auth(Auth::token(fits)).start();
        seed(&registry, "v1", &[("a.yaml", "a")]);
        let (mint, counts) = (Arc::default(), Arc::<Counts>::default());
        let ledger: Arc<dyn Ledger> = counts.clone();
        let identities = Identities::new(Environment::default(), Limits::default(), ledger, now);
        let world = World::with(|options| options.identities = Some(identities));
        Self { registry, world, mint, counts, ca: tls.ca_pem.clone(), revoked }
    }

    /// The object `namespace/app` with the account `name`, whose annotations are the usual and these.
    fn case(&self, namespace: &str, name: &str, more: &[(&str, &str)]) -> Case {
        let mut case =
            Case::new(&self.registry, json!({ "ref": { "tag": "v1" }, "serviceAccountName": name }))
                .in_namespace(namespace)
                .certificate(&[("ca.crt", &self.ca)]);
        let usual = [("provider", "kubernetes"), ("type", "jwt")];
        let annotations = usual.iter().chain(more);
        let of = Of { account: format!("{namespace}/{name}"), mint: Arc::clone(&self.mint), broken: false };
        case.materials.material.account = Some(AccountData {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            annotations: annotations
                .map(|(name, text)| (format!("credential.auth.fluxcd.io/{name}"), (*text).to_owned()))
                .collect(),
            pull_secrets: false,
            tokens: Some(Arc::new(of)),
        });
        case
    }

    fn shown(&self) -> BTreeSet<String> {
        let requests = self.registry.requests();
        requests.iter().filter_map(|request| request.authorization().map(str::to_owned)).collect()
    }
}

#[tokio::test]
async fn identity_is_shown_to_the_registry_that_it_is_for() {
    let town = Town::new("team.puller");
    town.world.stored(&town.case("team", "puller", &[])).await;
    assert_eq!(town.mint.made(), [format!("team/puller for {}", town.registry.host())]);
    assert_eq!(town.shown(), BTreeSet::from(["Bearer team.puller.1".to_owned()]));
    assert_eq!(town.registry.count(|request| request.status == 401), 1, "asked without a login once");
}

#[tokio::test]
async fn identity_of_a_thousand_objects_is_one_token_request() {
    let town = Town::new("team.puller");
    let digest = seed(&town.registry, "v1", &[("a.yaml", "a")]);
    for number in 0..1_000 {
        let repository = format!("org/app-{number}");
        let layer = crate::support::archive(&[("a.yaml", "a")]);
        let _ = manifest(&town.registry, &[("x/y", &layer)], &[]);
        town.registry.put_manifest(&repository, "v1", oci_artifact::manifest::OCI_MANIFEST, b"{}");
        let mut case = town.case("team", "puller", &[]);
        case.observed.name = format!("app-{number}");
        let url = town.registry.url(&repository);
        case.observed.spec.url = Some(url);
        case.observed.report = oci_crds::validate::check(&case.observed.spec);
        // Whatever comes of it: the registry was asked by the account.
        let _ = town.world.run(&case).await;
    }
    assert_eq!(town.mint.made().len(), 1, "{digest}");
    let counts = town.counts.0.lock().unwrap();
    let of =
        |outcome: &str| counts.iter().filter(|((_, kind), _)| kind == outcome).map(|(_, n)| n).sum::<usize>();
    assert_eq!((of("Miss"), of("Hit"), of("Failure")), (1, 999, 0));
    assert_eq!(counts.len(), 1_000, "each object is counted under its own name");
}

#[tokio::test]
async fn identity_is_not_asked_for_by_a_registry_that_is_open() {
    let (tls, mut town) = (Tls::new(), Town::new("nobody"));
    town.registry = Registry::builder().tls(&tls).start();
    town.ca = tls.ca_pem.clone();
    seed(&town.registry, "v1", &[("a.yaml", "a")]);
    let artifact = town.world.stored(&town.case("team", "puller", &[])).await;
    let poll = town.case("team", "puller", &[]).storing(&artifact);
    assert!(matches!(town.world.run(&poll).await, Outcome::Kept(_)));
    assert_eq!(town.mint.made().len(), 0);
}

#[tokio::test]
async fn identity_that_is_refused_is_made_anew_once() {
    let town = Town::new("team.puller");
    let artifact = town.world.stored(&town.case("team", "puller", &[])).await;
    town.revoked.lock().unwrap().insert("team.puller.1".to_owned());
    let poll = town.case("team", "puller", &[]).storing(&artifact);
    assert!(matches!(town.world.run(&poll).await, Outcome::Kept(_)));
    assert_eq!(town.mint.made().len(), 2);
    // Where the new one is refused too, it is at an end.
    town.revoked.lock().unwrap().extend((2..10).map(|n| format!("team.puller.{n}")));
    let failure = town.world.failed(&poll).await;
    assert_eq!(failure.class, Class::Denied);
    assert_eq!(town.mint.made().len(), 3);
    let hint = failure.hint.unwrap();
    assert!(hint.contains("check that service account 'team/puller' may pull"), "{hint}");
}

#[tokio::test]
async fn identity_that_cannot_be_made_is_the_cause_and_its_hint_is_told() {
    let town = Town::new("team.puller");
    let mut case = town.case("team", "puller", &[]);
    let of = Of { account: "team/puller".to_owned(), mint: Arc::clone(&town.mint), broken: true };
    case.materials.material.account.as_mut().unwrap().tokens = Some(Arc::new(of));
    let failure = town.world.failed(&case).await;
    assert_eq!((failure.step, failure.class), (Step::Digest, Class::Retry { after: None }));
    assert!(failure.message.contains("no token today"), "{}", failure.message);
    assert_eq!(failure.hint.as_deref(), Some("come back tomorrow"));
}

/// Everybody who could be confused with somebody else, with whom the registry must take them for.
fn everybody(town: &Town) -> Vec<(&'static str, Case)> {
    let secret = |namespace: &str, user: &str, origin: &str| {
        let mut login = login(&town.registry.host(), user, "pw");
        origin.clone_into(&mut login.origin);
        let spec = json!({ "ref": { "tag": "v1" }, "secretRef": { "name": "creds" } });
        let case = Case::new(&town.registry, spec).in_namespace(namespace);
        case.certificate(&[("ca.crt", &town.ca)]).pull(login)
    };
    vec![
        ("team.a", town.case("team", "a", &[])),
        ("team.b", town.case("team", "b", &[])),
        ("other.a", town.case("other", "a", &[])),
        ("basic:one", secret("team", "one", "team/creds")),
        ("basic:two", secret("team", "two", "team/more")),
        ("basic:three", secret("other", "three", "team/creds")),
        // The Secret of the first, after somebody changed it.
        ("basic:four", secret("team", "four", "team/creds")),
        (
            "nobody",
            Case::new(&town.registry, json!({ "ref": { "tag": "v1" } })).certificate(&[("ca.crt", &town.ca)]),
        ),
    ]
}

/// Who an `Authorization` header is.
fn who(header: &str) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    match header.split_once(' ') {
        Some(("Bearer", token)) => token.rsplit_once('.').unwrap().0.to_owned(),
        Some(("Basic", pair)) => {
            let pair = String::from_utf8(BASE64_STANDARD.decode(pair).unwrap()).unwrap();
            format!("basic:{}", pair.split(':').next().unwrap())
        }
        _ => panic!("{header}"),
    }
}

#[tokio::test]
async fn tenants_never_share_an_answer_whoever_comes_first() {
    let count = everybody(&Town::new("")).len();
    for first in 0..count {
        for second in (0..count).filter(|second| *second != first) {
            for by_user in [false, true] {
                // The registry lets the first one in, and nobody else.
                let mut town = Town::new("");
                let allowed = everybody(&town)[first].0;
                let tls = Tls::new();
                let auth = match (by_user, allowed.strip_prefix("basic:")) {
                    (true, Some(user)) => Auth::basic(user, "pw"),
                    (false, None) if allowed != "nobody" => {
                        Auth::token(move |token| token.starts_with(&format!("{allowed}.")))
                    }
                    _ => continue,
                };
                town.registry = Registry::builder().tls(&tls).auth(auth).start();
                town.ca = tls.ca_pem.clone();
                seed(&town.registry, "v1", &[("a.yaml", "a")]);
                let mut all = everybody(&town);
                let stored = town.world.run(&all[first].1).await;
                assert!(matches!(stored, Outcome::Stored { .. }), "{allowed}: {stored:?}");
                town.registry.reset();
                let (name, case) = all.swap_remove(second);
                let failure = town.world.failed(&case).await;
                assert_eq!(failure.class, Class::Denied, "{name} after {allowed}: {}", failure.message);
                for header in town.shown() {
                    assert_eq!(who(&header), name, "{name} showed the login of somebody else");
                }
            }
        }
    }
}

#[tokio::test]
async fn account_that_wants_something_else_gets_another_token() {
    let town = Town::new("team.a");
    let host = town.registry.host();
    let audiences = format!("mirror.example,{host}");
    let wishes: [&[(&str, &str)]; 4] =
        [&[], &[("audiences", &audiences)], &[("expiration", "20m")], &[("expiration", "30m")]];
    for (number, wish) in wishes.iter().enumerate() {
        for _ in 0..2 {
            town.world.run(&town.case("team", "a", wish)).await;
        }
        assert_eq!(town.mint.made().len(), number + 1, "{wish:?}");
    }
}
