//! Answering a challenge: credentials and tokens of one client.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci_artifact::{
    Class, Classify,
    name::{Cloud, Host, Repository},
};
use tokio::time::Instant;

use super::{Challenge, Credential, CredentialSource, Lookup, Scopes, Secret, token::Token};
use crate::{error::Fault, wire_error::WireErrors};

/// Why logging in failed.
#[derive(Debug, thiserror::Error)]
pub enum LoginFault {
    /// The token server said no.
    #[error("the token server {realm} answered {status}{} (as {credential})", said(.errors))]
    Refused {
        /// Origin of the token server.
        realm: String,
        /// HTTP status.
        status: u16,
        /// Its own words.
        errors: WireErrors,
        /// The credential that was shown, without its secret, and where it comes from; or who had none.
        credential: String,
        /// The cloud whose identities could log in, but were not asked to.
        cloud: Option<Cloud>,
    },
    /// The reply cannot be used.
    #[error("the token server {realm} sent an unusable reply: {detail}")]
    Reply {
        /// Origin of the token server.
        realm: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The registry wants a kind of credential that we do not have.
    #[error("the registry wants {wants}, but {has} was found")]
    Unsuitable {
        /// What it asks for.
        wants: &'static str,
        /// What we have.
        has: String,
    },
    /// A credential that was made from an identity would have to go over plain HTTP.
    #[error("the registry speaks plain HTTP, and {has} is only shown over TLS")]
    Plain {
        /// What we have.
        has: String,
    },
    /// A credential that was made from an identity would have to go to whoever answers.
    #[error("the registry's certificate is not verified, and {has} is not shown to strangers")]
    Unverified {
        /// What we have.
        has: String,
    },
    /// The registry refused, after everything that we have was shown.
    #[error("access denied{} (as {credential})", said(.errors))]
    Denied {
        /// The registry's own words.
        errors: WireErrors,
        /// The credential that was shown, without its secret, and where it comes from; or who had none.
        credential: String,
        /// The cloud whose identities could log in, but were not asked to.
        cloud: Option<Cloud>,
    },
}

fn said(errors: &WireErrors) -> String {
    if errors.is_empty() { String::new() } else { format!(": {errors}") }
}

/// The cloud whose identities could have logged in, where another kind of login was refused.
pub(crate) fn other_way(host: &Host, found: &Lookup) -> Option<Cloud> {
    Cloud::of(host).filter(|_| !found.is_minted())
}

impl Classify for LoginFault {
    fn reason(&self) -> &'static str {
        match self {
            Self::Refused { .. }
            | Self::Unsuitable { .. }
            | Self::Plain { .. }
            | Self::Unverified { .. }
            | Self::Denied { .. } => "AuthenticationFailed",
            Self::Reply { .. } => "TokenInvalid",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Refused { status, .. } if crate::error::is_transient(*status) => {
                Class::Retry { after: None }
            }
            Self::Refused { .. }
            | Self::Unsuitable { .. }
            | Self::Plain { .. }
            | Self::Unverified { .. }
            | Self::Denied { .. } => Class::Denied,
            Self::Reply { .. } => Class::Terminal,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { cloud: Some(cloud), .. } | Self::Denied { cloud: Some(cloud), .. } => Some(format!(
                "this is a registry of {cloud}: log in by an identity with `--provider {cloud}`, or with \
                 `kubectl oci login`; check that the account may do this"
            )),
            Self::Refused { .. } | Self::Denied { .. } | Self::Unsuitable { .. } => Some(
                "log in with `kubectl oci login`, or pass `--creds user:password`; check that the account may do this"
                    .into(),
            ),
            Self::Plain { .. } => Some("let the registry serve TLS".into()),
            Self::Unverified { .. } => {
                Some("name the registry's certificate authority instead of switching verification off".into())
            }
            Self::Reply { .. } => None,
        }
    }
}

/// The value of an `Authorization` header.
#[derive(Clone)]
pub(crate) struct Authorization(Secret<String>);

impl Authorization {
    /// The header's text.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }

    pub(crate) fn basic(username: &str, password: &Secret<String>) -> Self {
        let pair = format!("{username}:{}", password.expose());
        Self(Secret::new(format!("Basic {}", BASE64_STANDARD.encode(pair))))
    }

    pub(crate) fn bearer(token: &Secret<String>) -> Self {
        Self(Secret::new(format!("Bearer {}", token.expose())))
    }
}

fn unsuitable(found: &Lookup) -> Fault {
    Fault::Login(LoginFault::Unsuitable { wants: "a user and a password", has: found.to_string() })
}

/// What a token was given for. The credential's own value is part of the key: tenants never share a token.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    credential: Credential,
    realm: String,
    service: Option<String>,
    scopes: Scopes,
}

/// Credentials and tokens of one client.
pub(crate) struct Logins {
    source: Arc<dyn CredentialSource>,
    /// One look-up per repository: a helper may be a slow process.
    found: tokio::sync::Mutex<HashMap<Repository, Lookup>>,
    tokens: Mutex<HashMap<Key, Slot>>,
}

/// A token, or nothing yet. Locked while it is fetched, so that parallel requests wait for one token instead of
/// fetching many, and nobody waits for another's token server.
type Slot = Arc<tokio::sync::Mutex<Option<Token>>>;

/// Credentials, and tokens, that are remembered.
const REMEMBERED: usize = 1_024;

impl Logins {
    pub(crate) fn new(source: Arc<dyn CredentialSource>) -> Self {
        Self { source, found: tokio::sync::Mutex::default(), tokens: Mutex::default() }
    }

    /// The credential for a repository, looked up once for as long as it is good.
    pub(crate) async fn credential(&self, repository: &Repository) -> Result<Lookup, Fault> {
        let mut found = self.found.lock().await;
        if let Some(known) = found.get(repository).filter(|known| !known.is_over(Instant::now())) {
            return Ok(known.clone());
        }
        let fresh = self.source.credential(repository).await.map_err(Fault::Credentials)?;
        tracing::debug!(repository = %repository, credential = %fresh, "credential");
        if found.len() >= REMEMBERED {
            // The look-ups begin anew; that is rare, and cheaper than to know who came when.
            found.clear();
        }
        found.insert(repository.clone(), fresh.clone());
        Ok(fresh)
    }

    /// A credential in place of one that was minted before `begun` and refused; `None` if it cannot be made anew.
    pub(crate) async fn renewed(
        &self,
        repository: &Repository,
        begun: Instant,
    ) -> Result<Option<Lookup>, Fault> {
        let old = self.credential(repository).await?;
        let Some(minted) = old.minted().filter(|minted| minted.at < begun) else {
            return Ok(None);
        };
        self.source.refused(repository, minted);
        self.found.lock().await.remove(repository);
        self.credential(repository).await.map(Some)
    }

    /// The header that answers `challenge`; `fetch` asks a token server and returns its reply.
    ///
    /// `stale` says that the header we have was refused: a token is then fetched anew. `Ok(None)` means that we have
    /// nothing to show.
    pub(crate) async fn answer<F>(
        &self,
        challenge: &Challenge,
        found: &Lookup,
        scopes: &Scopes,
        stale: Option<&Authorization>,
        fetch: F,
    ) -> Result<Option<Authorization>, Fault>
    where
        F: AsyncFnOnce(&Credential) -> Result<Token, Fault>,
    {
        let (realm, service) = match (challenge, found.credential()) {
            (Challenge::Basic, Credential::Bearer(_)) if found.is_minted() => {
                return Err(unsuitable(found));
            }
            (_, Credential::Bearer(token)) => return Ok(Some(Authorization::bearer(token))),
            (Challenge::Basic, Credential::Basic { username, password }) => {
                return Ok(Some(Authorization::basic(username, password)));
            }
            (Challenge::Basic, Credential::Anonymous) => return Ok(None),
            (Challenge::Basic, Credential::Identity(_)) => {
                return Err(unsuitable(found));
            }
            (Challenge::Bearer { realm, service, .. }, _) => (realm.clone(), service.clone()),
        };
        let key = Key { credential: found.credential().clone(), realm, service, scopes: scopes.clone() };
        let slot = self.slot(key);
        let mut slot = slot.lock().await;
        if let Some(token) = slot.as_ref().filter(|token| token.is_fresh(Instant::now())) {
            let header = Authorization::bearer(&token.value);
            if stale.is_none_or(|stale| stale.expose() != header.expose()) {
                return Ok(Some(header));
            }
        }
        let token = slot.insert(fetch(found.credential()).await?);
        Ok(Some(Authorization::bearer(&token.value)))
    }

    fn slot(&self, key: Key) -> Slot {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= REMEMBERED && !tokens.contains_key(&key) {
            let now = Instant::now();
            let in_use = |slot: &Slot| match slot.try_lock() {
                Ok(token) => token.as_ref().is_some_and(|token| token.is_fresh(now)),
                Err(_) => true,
            };
            tokens.retain(|_, slot| in_use(slot));
            if tokens.len() >= REMEMBERED {
                // Whoever still holds one of them goes on with it.
                tokens.clear();
            }
        }
        Arc::clone(tokens.entry(key).or_default())
    }
}
