//! The managed identity of a machine: Azure Instance Metadata Service ("Get a token using HTTP").
//!
//! `AZURE_POD_IDENTITY_AUTHORITY_HOST` puts another server in its place, as for the Azure SDKs.

use oci_registry::web::WebRequest;
use url::Url;

use super::{chosen, managed};
use crate::{
    azure::{access, clouds::Cloud},
    context::Context,
    error::IdentityError,
    exchange::{Exchange, is_success},
    lease::{Access, Lease},
    metadata,
    place::Miss,
};

const HOST: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
const PATH: &str = "/metadata/identity/oauth2/token";

pub(super) async fn ask(context: Context<'_>, cloud: &Cloud) -> Result<Lease<Access>, Miss> {
    let client = chosen(context)?;
    let origin = managed("this machine", client);
    let exchange = Exchange::new(format!("getting a token for {origin}")).hints(|status, _| {
        (status == 400).then_some("assign the identity AZURE_CLIENT_ID to the machine, or do not set it")
    });
    let request = WebRequest::get(url(context, cloud, client)?).header("metadata", "true").of_metadata();
    let now = (context.now)();
    let reply = metadata::send(&exchange, context.web, &request).await?;
    if reply.status == 400 && client.is_none() {
        return Err(Miss::nothing("the machine has none"));
    }
    if !is_success(&reply) {
        return Err(Miss::Failed(exchange.refused(&request, &reply)));
    }
    Ok(access(exchange.token(&request, &reply.body, now)?, origin))
}

fn url(context: Context<'_>, cloud: &Cloud, client: Option<&str>) -> Result<Url, IdentityError> {
    let usual = format!("http://{}", metadata::ADDRESS);
    let host = context.environment.variable(HOST).unwrap_or(&usual);
    let url = Url::parse(host).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let mut url = url.ok_or_else(|| IdentityError::Setting {
        place: HOST.to_owned(),
        detail: "it is no http URL".to_owned(),
        hint: None,
    })?;
    url.set_path(PATH);
    url.query_pairs_mut()
        .clear()
        .append_pair("api-version", "2018-02-01")
        .append_pair("resource", cloud.resource());
    if let Some(client) = client {
        url.query_pairs_mut().append_pair("client_id", client);
    }
    Ok(url)
}
