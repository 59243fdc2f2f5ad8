//! Registries of Azure (ACR): a token of Entra ID, exchanged for one of the registry.
//!
//! Flux 2.10, `fluxcd/pkg/auth/azure`, with `DefaultAzureCredential` of the Azure SDK for the identity of this process.

mod acr;
mod clouds;
mod entra;
mod places;
mod shared_key;

use oci_artifact::name::Host;

use crate::{
    account::{Account, Role},
    cache::Parts,
    context::Context,
    environment::Environment,
    error::IdentityError,
    lease::{Access, Lease, Login, Proof},
};

use self::{
    clouds::Cloud,
    entra::{Application, Shown},
};

pub(crate) use self::shared_key::SharedKey;

/// For whom an account's tokens are, where it does not say: Entra ID takes them in place of an application's secret.
pub(crate) const AUDIENCE: &str = "api://AzureADTokenExchange";

/// A registry of this cloud.
pub(crate) struct Registry {
    host: Host,
    cloud: Cloud,
}

impl Registry {
    /// Reads the name of a registry; an error if it is not this cloud's.
    pub(crate) fn of(context: Context<'_>, host: &Host) -> Result<Self, IdentityError> {
        Ok(Self { host: host.clone(), cloud: Cloud::of(context.environment, host)? })
    }

    /// What the access depends on beside the account and the environment.
    pub(crate) fn access_parts(&self, parts: Parts) -> Parts {
        parts.with("authority", self.cloud.authority.as_str()).with("scopes", self.cloud.scope.as_str())
    }

    /// What the login depends on beside the access.
    pub(crate) fn login_parts(&self, parts: Parts) -> Parts {
        parts.with("registry", self.host.name())
    }

    /// What the cloud lets us in with.
    pub(crate) async fn access(&self, context: Context<'_>) -> Result<Lease<Access>, IdentityError> {
        match context.account {
            None => places::ask(context, &self.cloud).await,
            Some(account) => self.of_account(context, account).await,
        }
    }

    async fn of_account(
        &self,
        context: Context<'_>,
        account: &Account,
    ) -> Result<Lease<Access>, IdentityError> {
        // A role of another cloud leads to that cloud's registry.
        let Some(Role::Azure { tenant, client }) = &account.wish.role else {
            return Err(IdentityError::Nothing { cloud: "azure", passed: Vec::new() });
        };
        let assertion = account.token(|| AUDIENCE.to_owned()).await?;
        let application = Application::new(&account.shown(), tenant, client)?;
        let token =
            entra::token(context, &self.cloud, &application, Shown::Assertion(&assertion.value)).await?;
        Ok(access(token, format!("{} as {application}", account.shown())))
    }

    /// What the registry takes.
    pub(crate) async fn login(
        &self,
        context: Context<'_>,
        access: &Access,
    ) -> Result<Lease<Login>, IdentityError> {
        acr::login(context, &self.host, access).await
    }
}

/// The tokens of this process for storage accounts.
pub(crate) struct Storage(Cloud);

impl Storage {
    /// By the host of a storage account's service, which tells the cloud.
    pub(crate) fn of(environment: &Environment, host: &str) -> Result<Self, IdentityError> {
        Cloud::of_storage(environment, host).map(Self)
    }

    /// What the access depends on beside the environment.
    pub(crate) fn access_parts(&self, parts: Parts) -> Parts {
        parts.with("authority", self.0.authority.as_str()).with("scopes", self.0.scope.as_str())
    }

    pub(crate) async fn access(&self, context: Context<'_>) -> Result<Lease<Access>, IdentityError> {
        places::ask(context, &self.0).await
    }
}

/// A token as an access, for as long as it is good.
fn access(token: Lease<oci_registry::Secret<String>>, origin: String) -> Lease<Access> {
    let expires = token.expires;
    Lease { value: Access { proof: Proof::Token(token), origin }, expires }
}
