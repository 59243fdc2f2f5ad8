//! The key of a service account: it signs a JWT, for which Google gives a token (RFC 7523; "Using OAuth 2.0 for server
//! to server applications").

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use oci_registry::{Secret, web::WebRequest};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{SCOPES, hint, hosts::Service},
    Place,
};
use crate::{context::Context, error::IdentityError, exchange::Exchange, lease::Lease};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
/// Seconds that the JWT is good for, the most that Google takes.
const LIFE: i64 = 3_600;
/// Seconds that clocks may differ.
const SKEW: i64 = 10;

#[derive(Deserialize)]
pub(super) struct ServiceAccount {
    client_email: String,
    private_key: String,
    private_key_id: Option<String>,
    token_uri: Option<String>,
}

impl ServiceAccount {
    /// Its name, as far as it can be shown.
    pub(super) fn email(&self) -> String {
        oci_registry::program::said(self.client_email.as_bytes())
    }

    pub(super) async fn token(
        &self,
        context: Context<'_>,
        place: Place<'_>,
    ) -> Result<Lease<Secret<String>>, IdentityError> {
        let uri = self.token_uri.as_deref().unwrap_or(TOKEN_URI);
        let url = Service::OAuth.url(place.0, uri)?;
        let now = (context.now)();
        let assertion = self.assertion(uri, now.as_second(), place)?;
        let exchange =
            Exchange::new(format!("getting a token of the service account {}", self.email())).hints(hint);
        let request =
            WebRequest::form(url, [("grant_type", GRANT), ("assertion", assertion.expose().as_str())]);
        let body = exchange.ask(context.web, &request).await?;
        exchange.token(&request, &body, now)
    }

    /// The signed JWT.
    fn assertion(&self, audience: &str, now: i64, place: Place<'_>) -> Result<Secret<String>, IdentityError> {
        let mut header = json!({ "alg": "RS256", "typ": "JWT" });
        if let (Some(id), Some(fields)) = (&self.private_key_id, header.as_object_mut()) {
            fields.insert("kid".to_owned(), json!(id));
        }
        let claims = json!({
            "iss": self.client_email,
            "scope": SCOPES.join(" "),
            "aud": audience,
            "iat": now - SKEW,
            "exp": now - SKEW + LIFE,
        });
        let encoded = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encoded(&header), encoded(&claims));
        let unusable = || place.fault("its private_key is no RSA key in PEM", Some("make a new key"));
        let pair = key_pair(&self.private_key).ok_or_else(unusable)?;
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| unusable())?;
        Ok(Secret::new(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))))
    }
}

/// PKCS #8 or PKCS #1 (RFC 7468).
fn key_pair(pem: &str) -> Option<RsaKeyPair> {
    let body = |label: &str| {
        let (_, rest) = pem.split_once(&format!("-----BEGIN {label}-----"))?;
        let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
        BASE64_STANDARD.decode(body.split_ascii_whitespace().collect::<String>()).ok()
    };
    match (body("PRIVATE KEY"), body("RSA PRIVATE KEY")) {
        (Some(der), _) => RsaKeyPair::from_pkcs8(&der).ok(),
        (None, Some(der)) => RsaKeyPair::from_der(&der).ok(),
        (None, None) => None,
    }
}
