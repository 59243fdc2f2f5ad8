//! Workload identity federation: where somebody else's token is, and for whom Google takes it (AIP-4117).
//!
//! The token is in a file or behind a URL. A program that the file names is not run, and requests signed for AWS are not
//! made.

use std::{collections::BTreeMap, path::Path};

use oci_registry::{Secret, web::WebRequest};
use serde::Deserialize;
use serde_json::Value;
use url::{Host, Url};

use super::{
    super::{
        SCOPES,
        hosts::Service,
        impersonation::{self, Target},
        sts,
    },
    Place,
};
use crate::{context::Context, error::IdentityError, exchange::Exchange, file, lease::Lease, oauth};

#[derive(Deserialize)]
pub(super) struct External {
    audience: String,
    subject_token_type: String,
    token_url: String,
    credential_source: Source,
    service_account_impersonation_url: Option<String>,
    #[serde(default)]
    service_account_impersonation: Options,
    client_secret: Option<String>,
    workforce_pool_user_project: Option<String>,
}

#[derive(Default, Deserialize)]
struct Options {
    token_lifetime_seconds: Option<u64>,
}

#[derive(Deserialize)]
struct Source {
    file: Option<String>,
    url: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    format: Format,
    executable: Option<Value>,
    certificate: Option<Value>,
    environment_id: Option<String>,
}

#[derive(Default, Deserialize)]
struct Format {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    subject_token_field_name: String,
}

impl External {
    pub(super) fn who(&self) -> String {
        let whose = self.target(Place("")).ok().flatten().map(|target| format!("service account {target}"));
        whose.unwrap_or_else(|| "a principal of a workload identity pool".to_owned())
    }

    fn target(&self, place: Place<'_>) -> Result<Option<Target>, IdentityError> {
        let lifetime = self.service_account_impersonation.token_lifetime_seconds;
        let url = self.service_account_impersonation_url.as_deref();
        url.map(|url| Target::at(place.0, url, Vec::new(), lifetime)).transpose()
    }

    pub(super) async fn token(
        &self,
        context: Context<'_>,
        place: Place<'_>,
    ) -> Result<Lease<Secret<String>>, IdentityError> {
        // All URLs are looked at before anything is read or sent.
        let (url, target) = (Service::Sts.url(place.0, &self.token_url)?, self.target(place)?);
        if self.client_secret.is_some() || self.workforce_pool_user_project.is_some() {
            return Err(place
                .fault("workforce pools with a client or a project of their own are not supported", None));
        }
        let subject = self.credential_source.subject(context, place).await?;
        let exchanged = sts::Exchanged {
            audience: &self.audience,
            subject: &subject,
            subject_type: &self.subject_token_type,
            url,
            whose: place.0,
        };
        match target {
            None => sts::token(context, &exchanged, &SCOPES).await,
            Some(target) => {
                let principal = sts::token(context, &exchanged, &SCOPES[..1]).await?;
                impersonation::token(context, &target, &principal.value).await
            }
        }
    }
}

impl Source {
    /// Somebody else's token.
    async fn subject(&self, context: Context<'_>, place: Place<'_>) -> Result<Secret<String>, IdentityError> {
        let unsupported = [
            (self.executable.is_some(), "a program of the file's choice"),
            (self.certificate.is_some(), "a certificate"),
            (self.environment_id.is_some(), "a signed request of AWS"),
        ];
        if let Some((_, what)) = unsupported.into_iter().find(|(there, _)| *there) {
            let hint = "use a credential_source with a file or a url";
            return Err(place.fault(format!("a token by {what} is not supported"), Some(hint)));
        }
        match (&self.file, &self.url) {
            (Some(path), _) => {
                let body = file::read("credential_source of the ADC file", Path::new(path))?;
                self.format.token(&body).map_err(|detail| {
                    let path = file::shown("credential_source of the ADC file", Path::new(path));
                    Place(&path).fault(detail, None)
                })
            }
            (None, Some(url)) => self.fetch(context, place, url).await,
            (None, None) => Err(place.fault("its credential_source has no file and no url", None)),
        }
    }

    async fn fetch(
        &self,
        context: Context<'_>,
        place: Place<'_>,
        url: &str,
    ) -> Result<Secret<String>, IdentityError> {
        let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or_else(|| place.fault("the url of its credential_source is no http URL", None))?;
        let local = !matches!(url.host(), Some(Host::Domain(_)));
        let exchange = Exchange::new(format!("getting the token that {} names", place.0));
        let mut request = WebRequest::get(url);
        for (name, value) in &self.headers {
            let plain =
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
            if !plain {
                return Err(place.fault("a header of its credential_source has no possible name", None));
            }
            request = request.header(name.to_ascii_lowercase(), value.as_str());
        }
        // Addresses are metadata services of this machine or its network, which no proxy reaches.
        let request = if local { request.of_metadata() } else { request };
        let body = exchange.ask(context.web, &request).await?;
        self.format.token(&body).map_err(|detail| exchange.unusable(&request, detail))
    }
}

impl Format {
    /// The token in a text, or in a field of JSON.
    fn token(&self, body: &Secret<Vec<u8>>) -> Result<Secret<String>, &'static str> {
        match self.kind.as_str() {
            "" | "text" => {
                let text = std::str::from_utf8(body.expose()).map_err(|_| "it is no text")?;
                oauth::usable(text.trim().to_owned())
            }
            "json" => {
                let value: Value = serde_json::from_slice(body.expose()).map_err(|_| "it is no JSON")?;
                let field = value.get(&self.subject_token_field_name).and_then(Value::as_str);
                oauth::usable(field.unwrap_or_default().to_owned())
            }
            _ => Err("the format of the credential_source is neither text nor json"),
        }
    }
}
