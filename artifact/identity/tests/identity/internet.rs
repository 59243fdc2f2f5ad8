//! A little internet: a few names of clouds, all of them one server that is strict about every parameter, nothing else.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use jiff::Timestamp;
use oci_artifact::{
    Classify as _,
    name::{Cloud, Repository},
};
use oci_identity::{
    Environment, Identities, IdentityError, IdentitySource, Plan,
    account::{Account, AccountToken, AccountTokens, Role, TokenFuture, Wish},
    cache::{Limits, Nobody},
};
use oci_registry::{
    Credential, Options, Pem, Proxies, Secret,
    auth::{CredentialSource as _, Lookup, SourceError},
    web::Web,
};
use oci_testkit::{
    planted::{self, TOKEN_MARK},
    proxy::Proxy,
    scripted::{Asked, Reply, Scripted},
    tls::Tls,
};
use serde_json::{Value, json};

/// By the clock of all tests.
pub(crate) const NOW: i64 = 1_800_000_000;

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// A token of somebody.
pub(crate) fn token(of: &str) -> String {
    format!("{TOKEN_MARK}-{of}")
}

/// A token that says itself when it ends.
pub(crate) fn jwt(of: &str, expires: i64) -> String {
    let claims = json!({ "exp": expires, "jti": token(of) }).to_string();
    format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims))
}

/// The whole internet.
pub(crate) struct Internet {
    server: Scripted,
    proxy: Proxy,
    tls: Tls,
}

impl Internet {
    /// `script` answers for all of `names`.
    pub(crate) fn start(names: &[&str], script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let tls = Tls::for_names(names);
        let server = Scripted::start_tls(&tls, script);
        let proxy = Proxy::leading(names.iter().map(|name| (*name, server.address())));
        Self { server, proxy, tls }
    }

    /// One that nobody may ask anything.
    pub(crate) fn empty() -> Self {
        Self::start(&["nobody.example"], |_| Reply::text(500, "nobody"))
    }

    pub(crate) fn web(&self) -> Arc<Web> {
        let proxy = oci_registry::Proxy::new(&self.proxy.url(), None, None).unwrap();
        let options = Options {
            proxies: Proxies::only(proxy),
            backoff: Duration::from_millis(1),
            ..Options::default()
        };
        let authority = Pem { origin: "the test".into(), text: self.tls.ca_pem.clone().into_bytes() };
        Arc::new(Web::new(&options).trusting(authority))
    }

    /// All requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.server.asked()
    }

    /// What was asked, as `POST host/path`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.server.lines()
    }

    /// Whether nobody tried to reach anybody.
    pub(crate) fn is_untouched(&self) -> bool {
        self.server.asked().is_empty() && self.proxy.seen().is_empty()
    }
}

/// One who logs in: an environment, a plan, and the internet.
pub(crate) struct Puller {
    identities: Identities,
    plan: Plan,
    web: Arc<Web>,
}

impl Puller {
    pub(crate) fn new(internet: &Internet, environment: Environment, plan: Plan) -> Self {
        let identities = Identities::new(environment, Limits::default(), Arc::new(Nobody), now);
        Self { identities, plan, web: internet.web() }
    }

    pub(crate) fn process(internet: &Internet, environment: Environment, cloud: Cloud) -> Self {
        Self::new(internet, environment, Plan::Process(cloud))
    }

    pub(crate) fn account(internet: &Internet, environment: Environment, account: &Account) -> Self {
        Self::new(internet, environment, Plan::Account(account.clone()))
    }

    /// Another one in the same process.
    pub(crate) fn beside(&self, account: &Account) -> Self {
        let (identities, web) = (self.identities.clone(), Arc::clone(&self.web));
        Self { identities, plan: Plan::Account(account.clone()), web }
    }

    fn source(&self) -> IdentitySource {
        self.identities.source(self.plan.clone(), Arc::clone(&self.web), None)
    }

    /// What there is for a repository of this registry.
    pub(crate) async fn look(&self, registry: &str) -> Result<Lookup, SourceError> {
        let repository = Repository::parse(&format!("{registry}/app")).unwrap();
        let looked = self.source().credential(&repository).await;
        match &looked {
            Ok(lookup) => planted::assert_clean("a look-up", lookup.to_string().as_bytes()),
            Err(error) => {
                let shown = format!("{error} {error:?} {:?}", error.hint());
                planted::assert_clean("an error", shown.as_bytes());
            }
        }
        looked
    }

    /// User and password for a registry.
    pub(crate) async fn login(&self, registry: &str) -> (String, String) {
        let lookup = self.look(registry).await.unwrap();
        let found = lookup.found.unwrap_or_else(|| panic!("nothing: {:?}", lookup.passed));
        let Credential::Basic { username, password } = found.credential else { panic!("no password") };
        (username, password.expose().clone())
    }

    /// Its error.
    pub(crate) async fn refused(&self, registry: &str) -> Refused {
        let Err(error) = self.look(registry).await else { panic!("it was let in") };
        Refused { reason: error.reason(), text: error.to_string(), hint: error.hint().unwrap_or_default() }
    }

    /// Who had nothing.
    pub(crate) async fn passed(&self, registry: &str) -> Vec<String> {
        let lookup = self.look(registry).await.unwrap();
        assert!(lookup.found.is_none(), "{lookup}");
        lookup.passed.iter().map(ToString::to_string).collect()
    }

    /// The same from so many sources at once.
    pub(crate) async fn crowd(&self, sources: usize, registry: &str) {
        let repository = Repository::parse(&format!("{registry}/app")).unwrap();
        let all: Vec<_> = (0..sources).map(|_| self.source()).collect();
        let looked = join_all(all.iter().map(|source| source.credential(&repository))).await;
        assert!(looked.iter().all(|looked| looked.as_ref().is_ok_and(|lookup| lookup.found.is_some())));
    }
}

/// What an error says.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) reason: &'static str,
    pub(crate) text: String,
    pub(crate) hint: String,
}

/// An environment with these variables, and no desk.
pub(crate) fn environment(variables: &[(&str, &str)]) -> Environment {
    let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment { variables: owned.collect(), ..Environment::default() }
}

/// The same at a desk, where `program` is a script.
pub(crate) fn desk(variables: &[(&str, &str)], folder: &Path, program: &str, script: &str) -> Environment {
    // By another process: a file that is open for writing here would be busy in a process that another test forks.
    let (source, file) = (folder.join("source"), folder.join(program));
    fs::write(&source, format!("#!/bin/sh\n{script}\n")).unwrap();
    let copied = Command::new("install").args(["-m", "755"]).args([&source, &file]).status().unwrap();
    assert!(copied.success());
    Environment { desk: true, path: Some(folder.into()), home: Some(folder.into()), ..environment(variables) }
}

/// Tokens of an account, and the audiences that were asked for.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<Vec<Vec<String>>>);

impl Tokens {
    pub(crate) fn asked(&self) -> Vec<Vec<String>> {
        self.0.lock().unwrap().clone()
    }
}

impl AccountTokens for Tokens {
    fn token<'a>(&'a self, audiences: &'a [String], _: Option<Duration>) -> TokenFuture<'a> {
        self.0.lock().unwrap().push(audiences.to_vec());
        let value = Secret::new(token("cluster"));
        let expires = Timestamp::from_second(NOW + 3_600).unwrap();
        Box::pin(async move { Ok::<_, IdentityError>(AccountToken { value, expires }) })
    }
}

/// `ServiceAccount apps/puller` with this role.
pub(crate) fn account(role: Role) -> (Account, Arc<Tokens>) {
    let tokens = Arc::new(Tokens::default());
    let wish = Wish { audiences: Vec::new(), expiration: None, username: None, role: Some(role) };
    let account = Account {
        namespace: "apps".into(),
        name: "puller".into(),
        wish,
        tokens: Arc::clone(&tokens) as Arc<dyn AccountTokens>,
    };
    (account, tokens)
}

/// Answers only a POST of exactly these fields.
pub(crate) fn strict_form(asked: &Asked, fields: &[(&str, &str)], answer: &Value) -> Reply {
    let sorted = |fields: Vec<(String, String)>| {
        let mut fields = fields;
        fields.sort();
        fields
    };
    let wanted = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let fits = asked.method == "POST"
        && asked.query.is_empty()
        && asked.header("authorization").is_none()
        && sorted(asked.form()) == sorted(wanted);
    if fits { Reply::json(200, answer) } else { undocumented() }
}

/// Answers only a GET of exactly this query, with this header.
pub(crate) fn strict_get(
    asked: &Asked,
    query: &[(&str, &str)],
    header: (&str, &str),
    answer: &Value,
) -> Reply {
    let own: BTreeMap<&str, &str> =
        asked.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let fits = asked.method == "GET"
        && asked.query.len() == query.len()
        && own == query.iter().copied().collect()
        && asked.header(header.0) == Some(header.1)
        && asked.body.is_empty();
    if fits { Reply::json(200, answer) } else { undocumented() }
}

/// What strict servers say; 418 is nothing that a client knows.
pub(crate) fn undocumented() -> Reply {
    Reply::json(418, &json!({ "error": "undocumented", "error_description": "this is not as documented" }))
}
