//! A token of a service account, for somebody who may make one.
//!
//! "Service Account Credentials API", `projects.serviceAccounts.generateAccessToken`.

use std::fmt;

use oci_registry::{Secret, web::WebRequest};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::{SCOPES, hint, hosts::Service};
use crate::{context::Context, error::IdentityError, exchange::Exchange, lease::Lease, oauth};

/// Seconds of a token, where nobody says.
const LIFETIME: u64 = 3_600;

/// Whose token, and how.
pub(super) struct Target {
    url: Url,
    delegates: Vec<String>,
    lifetime: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    access_token: String,
    /// In RFC 3339.
    expire_time: String,
}

impl Target {
    /// The service account with this name, which is known to be one.
    pub(super) fn of(email: &str) -> Result<Self, IdentityError> {
        let url = format!(
            "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{email}:generateAccessToken"
        );
        Self::at(email, &url, Vec::new(), None)
    }

    /// The one behind a URL of the service; `place` is where the URL is from.
    pub(super) fn at(
        place: &str,
        url: &str,
        delegates: Vec<String>,
        lifetime: Option<u64>,
    ) -> Result<Self, IdentityError> {
        let url = Service::Iam.url(place, url)?;
        Ok(Self { url, delegates, lifetime: lifetime.unwrap_or(LIFETIME) })
    }
}

/// The name of the account: the URL ends `…/NAME:generateAccessToken`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.url.path().rsplit('/').next().unwrap_or_default();
        f.write_str(last.strip_suffix(":generateAccessToken").unwrap_or(last))
    }
}

/// A token of the target. `shown` is a token of who may make one.
pub(super) async fn token(
    context: Context<'_>,
    target: &Target,
    shown: &Secret<String>,
) -> Result<Lease<Secret<String>>, IdentityError> {
    let exchange = Exchange::new(format!("getting a token of the service account {target}")).hints(hint);
    let mut body = json!({ "scope": SCOPES, "lifetime": format!("{}s", target.lifetime) });
    if let (Some(fields), false) = (body.as_object_mut(), target.delegates.is_empty()) {
        fields.insert("delegates".to_owned(), json!(target.delegates));
    }
    let request = WebRequest::post(target.url.clone(), "application/json", body.to_string().into_bytes())
        .header("authorization", format!("Bearer {}", shown.expose()));
    let reply: Reply = exchange.json(context.web, &request).await?;
    let unusable = |detail| exchange.unusable(&request, detail);
    let value = oauth::usable(reply.access_token).map_err(unusable)?;
    let expires = reply.expire_time.parse().map_err(|_| unusable("it does not say when its token ends"))?;
    Ok(Lease { value, expires: Some(expires) })
}
