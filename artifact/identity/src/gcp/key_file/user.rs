//! The login of a person: `gcloud auth application-default login` (RFC 6749, section 6).

use oci_registry::{Secret, web::WebRequest};
use serde::Deserialize;

use super::{
    super::{hint, hosts::Service},
    Place,
};
use crate::{context::Context, error::IdentityError, exchange::Exchange, lease::Lease};

const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

#[derive(Deserialize)]
pub(super) struct User {
    client_id: String,
    client_secret: String,
    refresh_token: String,
    token_uri: Option<String>,
}

impl User {
    pub(super) async fn token(
        &self,
        context: Context<'_>,
        place: Place<'_>,
    ) -> Result<Lease<Secret<String>>, IdentityError> {
        let url = Service::OAuth.url(place.0, self.token_uri.as_deref().unwrap_or(TOKEN_URI))?;
        let exchange = Exchange::new("getting a token of Google by the login of a user").hints(hint);
        let fields = [
            ("client_id", self.client_id.as_str()),
            ("client_secret", &self.client_secret),
            ("refresh_token", &self.refresh_token),
            ("grant_type", "refresh_token"),
        ];
        let request = WebRequest::form(url, fields);
        let now = (context.now)();
        let body = exchange.ask(context.web, &request).await?;
        exchange.token(&request, &body, now)
    }
}
