//! Registries of AWS: Elastic Container Registry in every partition, and ECR Public.
//!
//! ```text
//! [ places ] or the account's token ──► [ sts ] ──► keys ──► [ ecr ] ──► user and password of the registry
//!     variables, files, agents, metadata    if a role is assumed    signed by [ sigv4 ]
//! ```
//!
//! Two requests at most beside those to an agent: one for the keys of a role, one for the password. Accounts follow Flux
//! 1.10.1 (`fluxcd/pkg/auth/aws`): the role of the annotation, at STS of the registry's region, by the account's token for
//! `sts.amazonaws.com`. Everybody else follows the chain of the SDKs ("AWS SDKs and Tools Reference Guide: standardized
//! credential providers").

mod ecr;
mod keys;
mod places;
pub(crate) mod sigv4;
mod site;
mod sts;
pub(crate) mod words;

use oci_artifact::name::Host;

use self::{places::Ask, site::Site};
use crate::{
    account::{Account, Role},
    cache::Parts,
    context::Context,
    environment::Environment,
    error::IdentityError,
    lease::{Access, Lease, Login, Proof},
};

/// For whom an account's tokens are, where it does not say; the same in every partition.
pub(crate) const AUDIENCE: &str = "sts.amazonaws.com";

/// A registry of this cloud.
pub(crate) struct Registry(Site);

/// A region, as somebody else's service than a registry's sees it.
pub(crate) struct Region(Site);

impl Region {
    /// An error if a variable of the environment is no endpoint.
    pub(crate) fn of(environment: &Environment, region: &str) -> Result<Self, IdentityError> {
        Site::of_region(environment, region).map(Self)
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.region
    }

    /// What the access depends on beside the environment.
    pub(crate) fn access_parts(&self, parts: Parts) -> Parts {
        parts.with("stsRegion", self.0.region.as_str()).with("stsEndpoint", self.0.sts.as_str())
    }

    /// The keys of this process.
    pub(crate) async fn access(&self, context: Context<'_>) -> Result<Lease<Access>, IdentityError> {
        Box::pin(places::walk(Ask { context, site: &self.0 })).await
    }
}

impl Registry {
    /// Reads the name of a registry; an error if it is not this cloud's.
    pub(crate) fn of(context: Context<'_>, host: &Host) -> Result<Self, IdentityError> {
        Site::of(context.environment, host).map(Self)
    }

    /// What the access depends on beside the account and the environment.
    pub(crate) fn access_parts(&self, parts: Parts) -> Parts {
        parts.with("stsRegion", self.0.region.as_str()).with("stsEndpoint", self.0.sts.as_str())
    }

    /// What the login depends on beside the access: one is good for all registries of a region.
    pub(crate) fn login_parts(&self, parts: Parts) -> Parts {
        parts.with("region", self.0.region.as_str()).with("endpoint", self.0.ecr.as_str())
    }

    /// What the cloud lets us in with.
    pub(crate) async fn access(&self, context: Context<'_>) -> Result<Lease<Access>, IdentityError> {
        let ask = Ask { context, site: &self.0 };
        match context.account {
            Some(account) => of_account(ask, account).await,
            None => Box::pin(places::walk(ask)).await,
        }
    }

    /// What the registry takes.
    pub(crate) async fn login(
        &self,
        context: Context<'_>,
        access: &Access,
    ) -> Result<Lease<Login>, IdentityError> {
        let Proof::Keys(keys) = &access.proof else {
            return Err(IdentityError::Nothing { cloud: "aws", passed: Vec::new() });
        };
        ecr::login(Ask { context, site: &self.0 }, &access.origin, keys).await
    }
}

/// The keys of an account's role.
async fn of_account(ask: Ask<'_>, account: &Account) -> Result<Lease<Access>, IdentityError> {
    let Some(Role::Aws(arn)) = &account.wish.role else {
        return Err(IdentityError::Nothing { cloud: "aws", passed: Vec::new() });
    };
    let token = account.token(|| AUDIENCE.to_owned()).await?;
    let session = format!("{}.{}.{}.fluxcd.io", account.name, account.namespace, ask.site.region);
    let role = sts::Role::new(arn, &session);
    let keys = sts::with_web_identity(ask, &role, &account.shown(), &token.value).await?;
    let origin = format!("role {arn} of {}", account.shown());
    Ok(Lease { value: Access { proof: Proof::Keys(keys.value), origin }, expires: keys.expires })
}
