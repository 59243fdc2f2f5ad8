//! Files of Application Default Credentials: keys, logins and descriptions of other people's tokens.
//!
//! "How Application Default Credentials works" and "Workload Identity Federation", AIP-4110 to AIP-4117.

mod external;
mod service_account;
mod user;

use std::path::Path;

use oci_registry::Secret;
use serde::Deserialize;

use self::{external::External, service_account::ServiceAccount, user::User};
use super::impersonation::{self, Target};
use crate::{
    context::Context,
    error::IdentityError,
    file,
    lease::{Access, Lease},
};

/// What may be in such a file, without the impersonation of a service account.
enum Key {
    ServiceAccount(ServiceAccount),
    User(User),
    External(Box<External>),
}

/// Only what kind it is.
#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

/// A service account that somebody else may be.
#[derive(Deserialize)]
struct Impersonated {
    service_account_impersonation_url: String,
    #[serde(default)]
    delegates: Vec<String>,
    source_credentials: serde_json::Value,
}

/// A file, for messages.
#[derive(Clone, Copy)]
struct Place<'a>(&'a str);

impl Place<'_> {
    /// Something is wrong with it. `detail` must not quote it.
    fn fault(self, detail: impl Into<String>, hint: Option<&'static str>) -> IdentityError {
        IdentityError::Setting { place: self.0.to_owned(), detail: detail.into(), hint }
    }
}

/// A token by the file at `path`; `name` says what it is.
pub(super) async fn ask(
    context: Context<'_>,
    name: &str,
    path: &Path,
) -> Result<Lease<Access>, IdentityError> {
    let shown = file::shown(name, path);
    let place = Place(&shown);
    let text = file::read(name, path)?;
    let (token, who) = match kind(place, text.expose())?.as_str() {
        "impersonated_service_account" => impersonated(context, place, text.expose()).await?,
        kind => {
            let key = Key::parse(place, kind, text.expose())?;
            (key.token(context, place).await?, key.who())
        }
    };
    Ok(super::lent(token, format!("{who}, by {shown}")))
}

fn kind(place: Place<'_>, text: &[u8]) -> Result<String, IdentityError> {
    let kind: Result<Kind, _> = serde_json::from_slice(text);
    kind.map(|kind| kind.kind).map_err(|_| {
        let hint =
            "make it anew, with `gcloud auth application-default login` or as a key of a service account";
        place.fault("it is no JSON object with a `type`", Some(hint))
    })
}

/// Boxed: it holds two exchanges.
async fn impersonated(
    context: Context<'_>,
    place: Place<'_>,
    text: &[u8],
) -> Result<(Lease<Secret<String>>, String), IdentityError> {
    let file: Impersonated = parse(place, text)?;
    let target = Target::at(place.0, &file.service_account_impersonation_url, file.delegates, None)?;
    let source = file.source_credentials.to_string();
    let key = Key::parse(place, &kind(place, source.as_bytes())?, source.as_bytes())?;
    let shown = key.token(context, place).await?;
    let token = impersonation::token(context, &target, &shown.value).await?;
    Ok((token, format!("service account {target}")))
}

impl Key {
    fn parse(place: Place<'_>, kind: &str, text: &[u8]) -> Result<Self, IdentityError> {
        match kind {
            "service_account" => parse(place, text).map(Self::ServiceAccount),
            "authorized_user" => parse(place, text).map(Self::User),
            "external_account" => parse(place, text).map(|external| Self::External(Box::new(external))),
            "external_account_authorized_user" | "gdch_service_account" | "impersonated_service_account" => {
                Err(place.fault(format!("the type {kind} is not supported here"), None))
            }
            _ => Err(place.fault("its `type` is none that we know", None)),
        }
    }

    fn who(&self) -> String {
        match self {
            Self::ServiceAccount(key) => format!("service account {}", key.email()),
            Self::User(_) => "the user of `gcloud auth application-default login`".to_owned(),
            Self::External(external) => external.who(),
        }
    }

    async fn token(
        &self,
        context: Context<'_>,
        place: Place<'_>,
    ) -> Result<Lease<Secret<String>>, IdentityError> {
        match self {
            Self::ServiceAccount(key) => key.token(context, place).await,
            Self::User(user) => user.token(context, place).await,
            Self::External(external) => external.token(context, place).await,
        }
    }
}

fn parse<T: for<'de> Deserialize<'de>>(place: Place<'_>, text: &[u8]) -> Result<T, IdentityError> {
    // What serde says may quote the file.
    serde_json::from_slice(text).map_err(|_| place.fault("it lacks what its `type` needs", None))
}
