//! Where a process finds who it is, in the order of the SDKs.
//!
//! Followed: "AWS SDKs and Tools Reference Guide: standardized credential providers", and the SDK for Go where the guide
//! leaves the order open. A place that has nothing says why, and the next one is asked. A place that has something that
//! cannot be used is an error: to go on would be to log in as somebody else.

mod command;
mod config_file;
mod container;
mod imds;
mod process;
mod profile;
mod variables;
mod web_identity;

use std::path::PathBuf;

use super::{
    site::Site,
    sts::{self, Role},
};
use crate::{
    context::Context,
    environment::Environment,
    error::IdentityError,
    lease::{Access, Keys, Lease, Proof},
    place::Miss,
};

/// Who asks, and about which registry.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) context: Context<'a>,
    pub(super) site: &'a Site,
}

/// Keys, and where they were found, for messages.
struct Found {
    keys: Lease<Keys>,
    origin: String,
}

/// The places.
#[derive(Clone, Copy)]
enum Place {
    Variables,
    WebIdentity,
    Files,
    Container,
    Metadata,
}

/// In the order of the SDKs: what was given on purpose comes before what is there for everybody on the machine.
const PLACES: [Place; 5] =
    [Place::Variables, Place::WebIdentity, Place::Files, Place::Container, Place::Metadata];

/// The keys of this process.
pub(super) async fn walk(ask: Ask<'_>) -> Result<Lease<Access>, IdentityError> {
    let mut passed = Vec::new();
    for place in PLACES.into_iter().filter(|place| place.is_for(ask.context.environment)) {
        match place.look(ask).await {
            Ok(Found { keys, origin }) => {
                let value = Access { proof: Proof::Keys(keys.value), origin };
                return Ok(Lease { value, expires: keys.expires });
            }
            Err(miss) => miss.pass(&place.name(ask.context.environment), &mut passed)?,
        }
    }
    Err(IdentityError::Nothing { cloud: "aws", passed })
}

impl Place {
    /// Files are a person's.
    fn is_for(self, environment: &Environment) -> bool {
        environment.desk || !matches!(self, Self::Files)
    }

    /// For messages.
    fn name(self, environment: &Environment) -> String {
        match self {
            Self::Variables => "environment".to_owned(),
            Self::WebIdentity => "web identity (IRSA)".to_owned(),
            Self::Files => profile::shown(profile::chosen(environment).1),
            Self::Container => "container (EKS Pod Identity, ECS)".to_owned(),
            Self::Metadata => "metadata service (EC2)".to_owned(),
        }
    }

    async fn look(self, ask: Ask<'_>) -> Result<Found, Miss> {
        match self {
            Self::Variables => variables::look(ask.context.environment, (ask.context.now)()),
            Self::WebIdentity => web_identity::look(ask).await,
            Self::Files => Box::pin(profile::look(ask)).await,
            Self::Container => container::look(ask).await,
            Self::Metadata => imds::look(ask).await,
        }
    }
}

impl Found {
    /// The keys of a role that these may assume.
    async fn assume(self, ask: Ask<'_>, role: &Role) -> Result<Self, IdentityError> {
        let keys = sts::assume(ask, role, &self.origin, &self.keys.value).await?;
        Ok(Self { keys, origin: format!("role {} by {}", role.arn, self.origin) })
    }
}

/// A path as people write it, from the home directory if it begins with `~/`.
fn expanded(environment: &Environment, path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), &environment.home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => path.into(),
    }
}

/// A variable, a file or a program that is not as it should be.
fn setting(place: impl Into<String>, detail: impl Into<String>) -> IdentityError {
    IdentityError::Setting { place: place.into(), detail: detail.into(), hint: None }
}

/// The same, and what to do about it.
fn hinted(place: impl Into<String>, detail: impl Into<String>, hint: &'static str) -> IdentityError {
    IdentityError::Setting { place: place.into(), detail: detail.into(), hint: Some(hint) }
}
