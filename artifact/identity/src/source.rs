//! The source of credentials that all of this is: by plan, through the cache.

use std::sync::Arc;

use jiff::Timestamp;
use oci_artifact::{
    Class, Classify,
    name::{Cloud, Host, Repository},
};
use oci_registry::{
    auth::{CredentialSource, Found, Lookup, Minted, SourceError, SourceFuture},
    web::Web,
};

use crate::{
    account::{Account, Role},
    aws, azure,
    cache::{Cache, Kept, Key, Ledger, Limits, Parts, Shared, Subject},
    context::Context,
    environment::Environment,
    error::IdentityError,
    gcp, generic,
    lease::Lease,
};

/// Everything that identities share. Cheap to clone.
#[derive(Clone)]
pub struct Identities(Arc<Inner>);

struct Inner {
    environment: Environment,
    cache: Cache,
    gke: gcp::Gke,
    now: fn() -> Timestamp,
}

/// Whose identity logs in, and where.
#[derive(Clone)]
pub enum Plan {
    /// That of this process, in a cloud.
    Process(Cloud),
    /// That of an account: in the cloud of its role, or its own token if it has none.
    Account(Account),
}

/// A source of credentials by an identity.
pub struct IdentitySource {
    identities: Identities,
    plan: Plan,
    web: Arc<Web>,
    /// What tells the ways to the token services apart: the proxy.
    way: Option<String>,
}

tokio::task_local! {
    static SUBJECT: Subject;
}

/// Does some work on behalf of an object, which the cache's counts name: one source may serve many.
pub async fn on_behalf_of<T>(subject: Subject, work: impl Future<Output = T>) -> T {
    SUBJECT.scope(subject, work).await
}

/// A registry of one of the clouds.
enum Registry {
    Aws(aws::Registry),
    Azure(azure::Registry),
    Gcp(gcp::Registry),
}

impl Identities {
    /// With these surroundings, this clock, and a cache of this size.
    pub fn new(
        environment: Environment,
        limits: Limits,
        ledger: Arc<dyn Ledger>,
        now: fn() -> Timestamp,
    ) -> Self {
        let cache = Cache::new(limits, ledger, now);
        Self(Arc::new(Inner { environment, cache, gke: gcp::Gke::default(), now }))
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.0.environment
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.0.cache
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.0.now)()
    }

    /// For the identity of this process.
    pub(crate) fn context<'a>(&'a self, web: &'a Web) -> Context<'a> {
        let Inner { environment, gke, now, .. } = &*self.0;
        Context { environment, web, now: *now, gke, account: None }
    }

    /// A source that logs in by `plan`. `web` reaches the token services; `way` tells apart those that are reached in
    /// another way (an object's proxy), whose tokens are not shared.
    pub fn source(&self, plan: Plan, web: Arc<Web>, way: Option<String>) -> IdentitySource {
        IdentitySource { identities: self.clone(), plan, web, way }
    }
}

impl IdentitySource {
    fn context(&self) -> Context<'_> {
        let account = match &self.plan {
            Plan::Process(_) => None,
            Plan::Account(account) => Some(account),
        };
        let Inner { environment, gke, now, .. } = &*self.identities.0;
        Context { environment, web: &self.web, now: *now, gke, account }
    }

    /// The cloud's registry; `None` where the account's own token is shown.
    fn registry(&self, host: &Host) -> Result<Option<Registry>, IdentityError> {
        let context = self.context();
        let cloud = match &self.plan {
            Plan::Process(cloud) => *cloud,
            Plan::Account(account) => match &account.wish.role {
                None => return Ok(None),
                Some(Role::Aws(_)) => Cloud::Aws,
                Some(Role::Azure { .. }) => Cloud::Azure,
                Some(Role::Gcp { .. }) => Cloud::Gcp,
            },
        };
        Ok(Some(match cloud {
            Cloud::Aws => Registry::Aws(aws::Registry::of(context, host)?),
            Cloud::Azure => Registry::Azure(azure::Registry::of(context, host)?),
            Cloud::Gcp => Registry::Gcp(gcp::Registry::of(context, host)?),
        }))
    }

    /// What the access is kept by.
    fn access_key(&self, registry: &Registry) -> Key {
        let parts = Parts::default().with("provider", registry.name());
        let parts = self.account_parts(parts, || registry.audience(self.context()).unwrap_or_default());
        registry.access_parts(parts).key()
    }

    fn account_parts(&self, parts: Parts, audience: impl FnOnce() -> String) -> Parts {
        let parts = parts.with("proxyURL", self.way.as_deref());
        let Plan::Account(account) = &self.plan else { return parts };
        let wish = &account.wish;
        let parts = match &wish.role {
            None => parts,
            Some(Role::Aws(role)) => parts.with("role", role.as_str()),
            Some(Role::Azure { tenant, client }) => {
                parts.with("tenant", tenant.as_str()).with("client", client.as_str())
            }
            Some(Role::Gcp { service_account, provider }) => {
                parts.with("email", service_account.as_deref()).with("pool", provider.as_deref())
            }
        };
        let expiration = wish.expiration.map(|expiration| expiration.as_secs().to_string());
        parts
            .with("credentialProvider", "kubernetes")
            .with("credentialType", "jwt")
            .with("audiences", account.audiences(audience).join(",").as_str())
            .with("serviceAccountName", account.name.as_str())
            .with("serviceAccountNamespace", account.namespace.as_str())
            .with("username", wish.username.as_deref())
            .with("expiration", expiration.as_deref())
    }

    fn generic_key(&self, host: &Host) -> Key {
        self.account_parts(Parts::default().with("provider", "generic"), || generic::audience(host)).key()
    }

    async fn look(&self, repository: &Repository) -> Result<Lookup, Shared> {
        let (context, cache) = (self.context(), &self.identities.0.cache);
        let subject = SUBJECT.try_with(Subject::clone).ok();
        let subject = subject.as_ref();
        let (kept, minted) = match (self.registry(repository.host()).map_err(Arc::new)?, &self.plan) {
            (Some(registry), _) => {
                let access_key = self.access_key(&registry);
                let login_key = registry.login_parts(Parts::default().on(access_key)).key();
                let login = async {
                    let mint = async { kept(Box::pin(registry.access(context)).await, Kept::Access) };
                    match cache.get(access_key, None, mint).await? {
                        (Kept::Access(access), minted) => {
                            let login = Box::pin(registry.login(context, &access)).await;
                            if login.as_ref().is_err_and(IdentityError::is_about_access) {
                                cache.forget(&access_key, minted);
                            }
                            kept(login, Kept::Login)
                        }
                        (Kept::Login(_), _) => Err(Arc::new(confused())),
                    }
                };
                cache.get(login_key, subject, login).await?
            }
            (None, Plan::Account(account)) => {
                let mint = async { kept(generic::login(account, repository).await, Kept::Login) };
                cache.get(self.generic_key(repository.host()), subject, mint).await?
            }
            (None, Plan::Process(_)) => return Err(Arc::new(confused())),
        };
        match kept {
            Kept::Login(login) => {
                Ok(Found { credential: login.credential, origin: login.origin, minted: Some(minted) }.into())
            }
            Kept::Access(_) => Err(Arc::new(confused())),
        }
    }
}

/// Keys tell accesses and logins apart; this is for the compiler.
fn confused() -> IdentityError {
    IdentityError::Setting {
        place: "the token cache".to_owned(),
        detail: "two kinds under one key".to_owned(),
        hint: None,
    }
}

fn kept<T>(
    made: Result<Lease<T>, IdentityError>,
    keep: impl FnOnce(T) -> Kept,
) -> Result<Lease<Kept>, Shared> {
    let lease = made.map_err(Arc::new)?;
    Ok(Lease { value: keep(lease.value), expires: lease.expires })
}

impl CredentialSource for IdentitySource {
    fn credential<'a>(&'a self, repository: &'a Repository) -> SourceFuture<'a> {
        Box::pin(async {
            match self.look(repository).await {
                Ok(lookup) => Ok(lookup),
                Err(error) => match &*error {
                    // To have no identity is no fault: the registry may be open to everybody.
                    IdentityError::Nothing { passed, .. } => {
                        Ok(Lookup { found: None, passed: passed.clone() })
                    }
                    _ => Err(SourceError::new(Failure(error))),
                },
            }
        })
    }

    fn refused(&self, repository: &Repository, minted: Minted) {
        let cache = &self.identities.0.cache;
        match self.registry(repository.host()) {
            Ok(Some(registry)) => {
                let access = self.access_key(&registry);
                cache.forget(&registry.login_parts(Parts::default().on(access)).key(), minted);
                cache.forget(&access, minted);
            }
            Ok(None) => cache.forget(&self.generic_key(repository.host()), minted),
            Err(_) => {}
        }
    }
}

/// A shared failure as an error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failure(Shared);

impl Classify for Failure {
    fn reason(&self) -> &'static str {
        self.0.reason()
    }

    fn class(&self) -> Class {
        self.0.class()
    }

    fn hint(&self) -> Option<String> {
        self.0.hint()
    }
}

impl Registry {
    fn name(&self) -> &'static str {
        match self {
            Self::Aws(_) => "aws",
            Self::Azure(_) => "azure",
            Self::Gcp(_) => "gcp",
        }
    }

    fn audience(&self, context: Context<'_>) -> Option<String> {
        match self {
            Self::Aws(_) => Some(aws::AUDIENCE.to_owned()),
            Self::Azure(_) => Some(azure::AUDIENCE.to_owned()),
            Self::Gcp(_) => gcp::audience(context),
        }
    }

    fn access_parts(&self, parts: Parts) -> Parts {
        match self {
            Self::Aws(registry) => registry.access_parts(parts),
            Self::Azure(registry) => registry.access_parts(parts),
            Self::Gcp(_) => parts,
        }
    }

    fn login_parts(&self, parts: Parts) -> Parts {
        match self {
            Self::Aws(registry) => registry.login_parts(parts),
            Self::Azure(registry) => registry.login_parts(parts),
            // One token is for all of them.
            Self::Gcp(_) => parts.with("registry", "gcp"),
        }
    }

    async fn access(&self, context: Context<'_>) -> Result<Lease<crate::lease::Access>, IdentityError> {
        match self {
            Self::Aws(registry) => registry.access(context).await,
            Self::Azure(registry) => registry.access(context).await,
            Self::Gcp(_) => gcp::access(context).await,
        }
    }

    async fn login(
        &self,
        context: Context<'_>,
        access: &crate::lease::Access,
    ) -> Result<Lease<crate::lease::Login>, IdentityError> {
        match self {
            Self::Aws(registry) => registry.login(context, access).await,
            Self::Azure(registry) => registry.login(context, access).await,
            Self::Gcp(_) => gcp::login(access),
        }
    }
}
