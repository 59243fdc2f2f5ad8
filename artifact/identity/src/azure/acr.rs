//! A token of Entra ID for one of a registry.
//!
//! Azure Container Registry, "AAD-OAuth": `POST /oauth2/exchange`. What comes back is shown as a password, as `az acr
//! login --expose-token` and Flux do; the registry's token server takes it.

use oci_artifact::name::Host;
use oci_registry::{Credential, WireErrors, web::WebRequest};
use serde::Deserialize;
use url::Url;

use crate::{
    context::Context,
    error::IdentityError,
    exchange::Exchange,
    jwt,
    lease::{Access, Lease, Login, Proof},
    oauth,
};

/// The user whose password is such a token.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

#[derive(Deserialize)]
struct Reply {
    refresh_token: Option<String>,
}

/// Logs in to `host`, which is known to be a registry of Azure.
pub(super) async fn login(
    context: Context<'_>,
    host: &Host,
    access: &Access,
) -> Result<Lease<Login>, IdentityError> {
    let exchange = Exchange::new(format!("logging in to {host} as {}", access.origin)).hints(hint);
    let Proof::Token(token) = &access.proof else {
        return Err(IdentityError::Nothing { cloud: "azure", passed: Vec::new() });
    };
    let name = host.name();
    let url = Url::parse(&format!("https://{name}/oauth2/exchange")).map_err(|error| {
        IdentityError::Setting { place: name.to_owned(), detail: error.to_string(), hint: None }
    })?;
    let request = WebRequest::form(
        url,
        [("grant_type", "access_token"), ("service", name), ("access_token", token.value.expose())],
    );
    let reply: Reply = exchange.json(context.web, &request).await?;
    let unusable = |detail| exchange.unusable(&request, detail);
    let password = oauth::usable(reply.refresh_token.unwrap_or_default()).map_err(unusable)?;
    let expires = jwt::expires(password.expose());
    let expires = expires.ok_or_else(|| unusable("its token does not say when it ends"))?;
    let credential = Credential::Basic { username: NOBODY.to_owned(), password };
    Ok(Lease { value: Login { credential, origin: access.origin.clone() }, expires: Some(expires) })
}

fn hint(status: u16, errors: &WireErrors) -> Option<&'static str> {
    match status {
        401 => Some(
            "the identity must be of the registry's tenant, and have the role AcrPull there (AcrPush to push)",
        ),
        403 if errors.has("DENIED") => Some("the registry's network rules refuse this address"),
        403 => Some("give the identity the role AcrPull of the registry (AcrPush to push)"),
        _ => None,
    }
}
