//! The managed identity of App Service, Functions and Container Apps ("How to use managed identities", REST endpoint).

use oci_registry::web::WebRequest;
use url::Url;

use super::{chosen, managed, variables};
use crate::{
    azure::{access, clouds::Cloud},
    context::Context,
    error::IdentityError,
    exchange::Exchange,
    lease::{Access, Lease},
    place::Miss,
};

const ENDPOINT: &str = "IDENTITY_ENDPOINT";
const HEADER: &str = "IDENTITY_HEADER";

pub(super) async fn ask(context: Context<'_>, cloud: &Cloud) -> Result<Lease<Access>, Miss> {
    let [endpoint, header] = variables(context, [ENDPOINT, HEADER])?;
    if context.environment.variable("IDENTITY_SERVER_THUMBPRINT").is_some() {
        return Err(Miss::nothing("Service Fabric is not supported"));
    }
    let mut url = Url::parse(endpoint)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| IdentityError::Setting {
            place: ENDPOINT.to_owned(),
            detail: "it is no http URL".to_owned(),
            hint: None,
        })?;
    url.query_pairs_mut().append_pair("api-version", "2019-08-01").append_pair("resource", cloud.resource());
    let client = chosen(context)?;
    if let Some(client) = client {
        url.query_pairs_mut().append_pair("client_id", client);
    }
    let origin = managed("App Service", client);
    let exchange = Exchange::new(format!("getting a token for {origin}"));
    let request = WebRequest::get(url).header("x-identity-header", header).of_metadata();
    let now = (context.now)();
    let body = exchange.ask(context.web, &request).await?;
    Ok(access(exchange.token(&request, &body, now)?, origin))
}
