//! Registries of azure.

use oci_artifact::name::Host;

use crate::{
    cache::Parts,
    context::Context,
    error::IdentityError,
    lease::{Access, Lease, Login},
};

/// A registry of this cloud.
pub(crate) struct Registry(Host);

impl Registry {
    /// Reads the name of a registry; an error if it is not this cloud's.
    pub(crate) fn of(_: Context<'_>, host: &Host) -> Result<Self, IdentityError> {
        Ok(Self(host.clone()))
    }

    /// What the access depends on beside the account and the environment.
    pub(crate) fn access_parts(&self, parts: Parts) -> Parts {
        parts
    }

    /// What the login depends on beside the access.
    pub(crate) fn login_parts(&self, parts: Parts) -> Parts {
        parts.with("registry", self.0.name())
    }

    /// For whom an account's tokens are, where it does not say.
    pub(crate) fn audience(&self, _: Context<'_>) -> Option<String> {
        None
    }

    /// What the cloud lets us in with.
    pub(crate) async fn access(&self, _: Context<'_>) -> Result<Lease<Access>, IdentityError> {
        Err(IdentityError::Nothing { cloud: "azure", passed: Vec::new() })
    }

    /// What the registry takes.
    pub(crate) async fn login(&self, _: Context<'_>, _: &Access) -> Result<Lease<Login>, IdentityError> {
        Err(IdentityError::Nothing { cloud: "azure", passed: Vec::new() })
    }
}
