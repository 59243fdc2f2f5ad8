//! Google's metadata server ("About VM metadata"): it is one only if it says so.

use oci_registry::{
    Secret,
    web::{WebReply, WebRequest},
};
use url::Url;

use super::{SCOPES, hint, lent};
use crate::{
    context::Context,
    error::IdentityError,
    exchange::{Exchange, is_success},
    lease::{Access, Lease},
    metadata,
    place::Miss,
};

const HOST: &str = "GCE_METADATA_HOST";
const FLAVOR: (&str, &str) = ("metadata-flavor", "Google");

/// A question to the server that `GCE_METADATA_HOST` names, or the usual one.
pub(super) fn request(context: Context<'_>, path: &str) -> Result<WebRequest, IdentityError> {
    let host = context.environment.variable(HOST).unwrap_or(metadata::ADDRESS);
    let plain = host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b));
    let url = Url::parse(&format!("http://{host}/computeMetadata/v1/{path}")).ok().filter(|_| plain);
    let url = url.ok_or_else(|| IdentityError::Setting {
        place: HOST.to_owned(),
        detail: "it is no name or address of a host, with or without a port".to_owned(),
        hint: None,
    })?;
    Ok(WebRequest::get(url).header(FLAVOR.0, FLAVOR.1).of_metadata())
}

/// Whether the server is Google's.
pub(super) fn is_google(reply: &WebReply) -> bool {
    reply.header(FLAVOR.0) == Some(FLAVOR.1)
}

/// A value of the server, without what stands around it.
pub(super) fn text(body: &Secret<Vec<u8>>) -> Option<&str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._:".contains(&b);
    std::str::from_utf8(body.expose())
        .ok()
        .map(str::trim)
        .filter(|text| (1..=200).contains(&text.len()) && text.bytes().all(plain))
}

/// A token of the machine's service account, or in GKE of the pod's.
pub(super) async fn ask(context: Context<'_>) -> Result<Lease<Access>, Miss> {
    let origin = "the service account of this machine";
    let exchange = Exchange::new(format!("getting a token of {origin}")).hints(hint);
    let path = format!("instance/service-accounts/default/token?scopes={}", SCOPES.join(","));
    let request = request(context, &path)?;
    let now = (context.now)();
    let reply = metadata::send(&exchange, context.web, &request).await?;
    if !is_google(&reply) {
        return Err(Miss::nothing(format!("{} is no metadata server of Google", request.origin())));
    }
    if reply.status == 404 {
        return Err(Miss::nothing("the machine has no service account"));
    }
    if !is_success(&reply) {
        return Err(Miss::Failed(exchange.refused(&request, &reply)));
    }
    Ok(lent(exchange.token(&request, &reply.body, now)?, origin.to_owned()))
}
