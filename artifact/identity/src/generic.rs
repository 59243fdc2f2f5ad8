//! A `ServiceAccount`'s own token, shown to the registry itself.

use oci_artifact::name::{Host, Repository};
use oci_registry::Credential;

use crate::{
    account::Account,
    error::IdentityError,
    lease::{Lease, Login},
};

/// The name by which the kubelet, and so Flux, knows Docker Hub.
const DOCKER_HUB: &str = "index.docker.io";

/// For whom the token is, where the account does not say: the registry with its port.
pub(crate) fn audience(host: &Host) -> String {
    if host.is_docker_hub() { DOCKER_HUB.to_owned() } else { host.to_string() }
}

/// A fresh token, as a bearer token or, where the account has a user's name, as that user's password.
pub(crate) async fn login(account: &Account, repository: &Repository) -> Result<Lease<Login>, IdentityError> {
    let token = account.token(|| audience(repository.host())).await?;
    let credential = match &account.wish.username {
        Some(username) => Credential::Basic { username: username.clone(), password: token.value },
        None => Credential::Bearer(token.value),
    };
    let origin = format!("a token of {}", account.shown());
    Ok(Lease { value: Login { credential, origin }, expires: Some(token.expires) })
}
