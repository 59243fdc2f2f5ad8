//! Google's Security Token Service: a token of somebody else for one of Google's.
//!
//! "Security Token Service API", `v1.token` (RFC 8693).

use oci_registry::{Secret, web::WebRequest};
use url::Url;

use super::hint;
use crate::{context::Context, error::IdentityError, exchange::Exchange, lease::Lease};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// What a `ServiceAccount`'s token is.
pub(super) const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// What is exchanged.
pub(super) struct Exchanged<'a> {
    /// The provider of a workload identity pool.
    pub(super) audience: &'a str,
    pub(super) subject: &'a Secret<String>,
    pub(super) subject_type: &'a str,
    pub(super) url: Url,
    /// Whose token it is, for messages.
    pub(super) whose: &'a str,
}

/// The service in Google's public cloud.
pub(super) fn url() -> Result<Url, IdentityError> {
    super::hosts::Service::Sts.url("gcp", "https://sts.googleapis.com/v1/token")
}

/// A token for these scopes.
pub(super) async fn token(
    context: Context<'_>,
    exchanged: &Exchanged<'_>,
    scopes: &[&str],
) -> Result<Lease<Secret<String>>, IdentityError> {
    let whose = exchanged.whose;
    let exchange = Exchange::new(format!("exchanging the token of {whose} at Google")).hints(hint);
    let scope = scopes.join(" ");
    let fields = [
        ("audience", exchanged.audience),
        ("grant_type", GRANT),
        ("requested_token_type", ACCESS_TOKEN),
        ("scope", &scope),
        ("subject_token", exchanged.subject.expose()),
        ("subject_token_type", exchanged.subject_type),
    ];
    let request = WebRequest::form(exchanged.url.clone(), fields);
    let now = (context.now)();
    let body = exchange.ask(context.web, &request).await?;
    exchange.token(&request, &body, now)
}
