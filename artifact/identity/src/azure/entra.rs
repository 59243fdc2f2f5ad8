//! Tokens of Entra ID for an application.
//!
//! Microsoft identity platform, "OAuth 2.0 client credentials flow": with a secret, or with a token that Entra ID is told
//! to trust ("Third case: Access token request with a federated credential"). Its discovery of endpoints is left out.

use std::fmt;

use oci_registry::{Secret, WireErrors, web::WebRequest};
use serde::Deserialize;
use url::Url;

use super::clouds::Cloud;
use crate::{account::is_azure_id, context::Context, error::IdentityError, exchange::Exchange, lease::Lease};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An application, which is what logs in.
#[derive(Debug)]
pub(super) struct Application<'a> {
    tenant: &'a str,
    client: &'a str,
}

/// What proves that we are it.
#[derive(Clone, Copy)]
pub(super) enum Shown<'a> {
    /// A password.
    Secret(&'a str),
    /// A token of somebody whom it trusts.
    Assertion(&'a Secret<String>),
}

impl<'a> Application<'a> {
    /// An error if these are no identifiers; `place` is where they are from.
    pub(super) fn new(place: &str, tenant: &'a str, client: &'a str) -> Result<Self, IdentityError> {
        for (id, what) in [(tenant, "tenant"), (client, "client")] {
            checked(place, what, id)?;
        }
        Ok(Self { tenant, client })
    }
}

/// The identifier, if it can be one.
pub(super) fn checked<'a>(place: &str, what: &str, id: &'a str) -> Result<&'a str, IdentityError> {
    if is_azure_id(id) {
        return Ok(id);
    }
    Err(IdentityError::Setting {
        place: place.to_owned(),
        detail: format!("the {what} is no identifier such as 00000000-0000-0000-0000-000000000000"),
        hint: None,
    })
}

impl fmt::Display for Application<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "application {} of tenant {}", self.client, self.tenant)
    }
}

/// A token for the scope of the cloud.
pub(super) async fn token(
    context: Context<'_>,
    cloud: &Cloud,
    application: &Application<'_>,
    shown: Shown<'_>,
) -> Result<Lease<Secret<String>>, IdentityError> {
    let mut fields = vec![
        ("grant_type", "client_credentials"),
        ("client_id", application.client),
        ("scope", &cloud.scope),
    ];
    match shown {
        Shown::Secret(secret) => fields.push(("client_secret", secret)),
        Shown::Assertion(token) => {
            fields.extend([("client_assertion_type", JWT_BEARER), ("client_assertion", token.expose())]);
        }
    }
    let doing = format!("getting a token of Entra ID for {application}");
    let exchange = Exchange { doing, words, hint };
    let request = WebRequest::form(url(&cloud.authority, application.tenant), fields);
    let now = (context.now)();
    let body = exchange.ask(context.web, &request).await?;
    exchange.token(&request, &body, now)
}

/// `AUTHORITY/TENANT/oauth2/v2.0/token`.
fn url(authority: &Url, tenant: &str) -> Url {
    let mut url = authority.clone();
    // Only URLs that cannot be a base have no segments, and those have no host either.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend([tenant, "oauth2", "v2.0", "token"]);
    }
    url
}

#[derive(Deserialize)]
struct Failure {
    error: String,
    #[serde(default)]
    error_description: String,
    #[serde(default)]
    error_codes: Vec<u32>,
}

/// The number of the fault as its code, and the first sentences of the description: what follows is for Microsoft.
fn words(body: &[u8]) -> WireErrors {
    let Ok(failure) = serde_json::from_slice::<Failure>(body) else { return WireErrors::parse(body) };
    let code = failure.error_codes.first().map_or(failure.error, |code| format!("AADSTS{code}"));
    let said = failure.error_description.lines().next().unwrap_or_default();
    let said = said.split(" Trace ID:").next().unwrap_or(said);
    let said = said.strip_prefix(&code).map_or(said, |rest| rest.trim_start_matches([':', ' ']));
    WireErrors::one(&code, said)
}

/// Microsoft Entra, "authentication and authorization error codes".
fn hint(_: u16, errors: &WireErrors) -> Option<&'static str> {
    let has = |codes: &[&str]| codes.iter().any(|code| errors.has(code));
    if has(&["AADSTS90002", "AADSTS900023", "AADSTS9002313", "AADSTS90019"]) {
        Some(
            "there is no such tenant here: check the tenant's ID, and the authority if this is a sovereign cloud",
        )
    } else if has(&["AADSTS700016", "AADSTS7000229"]) {
        Some("the tenant has no such application: check the client's ID, and whether it is of this tenant")
    } else if has(&["AADSTS7000215", "AADSTS7000216", "AADSTS7000218"]) {
        Some("the secret is wrong: AZURE_CLIENT_SECRET must be the secret's value, not its ID")
    } else if has(&["AADSTS7000222"]) {
        Some("the application's secret has expired: make a new one")
    } else if has(&["AADSTS70021", "AADSTS700211", "AADSTS700212", "AADSTS700213", "AADSTS700214"]) {
        Some(
            "the application trusts another token: its federated credential must have the cluster's issuer, the subject \
             system:serviceaccount:NAMESPACE:NAME and this audience",
        )
    } else if has(&["AADSTS700024", "AADSTS700021", "AADSTS700027"]) {
        Some("the token shown has expired, or the clocks differ: check the clock of this computer")
    } else if has(&["AADSTS500011", "AADSTS500014"]) {
        Some(
            "the tenant does not know Azure Container Registry under this name: check which cloud the registry is in",
        )
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn application_takes_identifiers_only() {
        for bad in ["", "a/b", "../common", "..", "a b", "a\n", "a?b", "a%2fb", "\u{e4}"] {
            for (tenant, client) in [(bad, "c"), ("t", bad)] {
                let error = Application::new("AZURE_X", tenant, client).unwrap_err().to_string();
                assert!(error.starts_with("AZURE_X: the "), "{error}");
            }
        }
        assert!(Application::new("x", "contoso.onmicrosoft.com", "0a-1").is_ok());
    }

    #[test]
    fn url_is_under_the_authority() {
        let at = |authority: &str| url(&Url::parse(authority).unwrap(), "t").to_string();
        assert_eq!(at("https://login.example"), "https://login.example/t/oauth2/v2.0/token");
        assert_eq!(at("https://adfs.example/adfs/"), "https://adfs.example/adfs/t/oauth2/v2.0/token");
    }

    #[test]
    fn words_are_the_code_and_the_first_sentences() {
        let body = br#"{"error":"invalid_client","error_codes":[7000215],
            "error_description":"AADSTS7000215: Invalid client secret provided. Ensure it. Trace ID: 1 Correlation ID: 2"}"#;
        let errors = words(body);
        assert_eq!(errors.to_string(), "AADSTS7000215: Invalid client secret provided. Ensure it.");
        assert!(hint(401, &errors).unwrap().contains("the secret is wrong"));
        let old = br#"{"error":"invalid_request","error_description":"AADSTS1: no\r\nTrace ID: 1"}"#;
        assert_eq!(words(old).to_string(), "invalid_request: AADSTS1: no");
        assert_eq!(words(b"<html>").to_string(), "");
        assert_eq!(hint(400, &words(b"{}")), None);
    }
}
