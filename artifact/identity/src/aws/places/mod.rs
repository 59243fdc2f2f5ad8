//! Where a process finds who it is, in the order of the SDKs.
//!
//! Followed: "AWS SDKs and Tools Reference Guide: standardized credential providers", and the SDK for Go where the guide
//! leaves the order open. A place that has nothing says why, and the next one is asked. A place that has something that
//! cannot be used is an error: to go on would be to log in as somebody else.

mod command;
mod config_file;
mod container;
mod file;
mod imds;
mod process;
mod profile;
mod variables;
mod web_identity;

use oci_registry::auth::Passed;

use super::{
    site::Site,
    sts::{self, Role},
};
use crate::{
    context::Context,
    error::IdentityError,
    lease::{Access, Keys, Lease, Proof},
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

/// What a place has.
enum Answer {
    Found(Found),
    Passed(Passed),
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
    for place in PLACES {
        match place.look(ask).await? {
            Some(Answer::Found(Found { keys, origin })) => {
                let value = Access { proof: Proof::Keys(keys.value), origin };
                return Ok(Lease { value, expires: keys.expires });
            }
            Some(Answer::Passed(why)) => passed.push(why),
            None => {}
        }
    }
    Err(IdentityError::Nothing { cloud: "aws", passed })
}

impl Place {
    /// `None` where the place is not for us.
    async fn look(self, ask: Ask<'_>) -> Result<Option<Answer>, IdentityError> {
        match self {
            Self::Variables => variables::look(ask.context.environment).map(Some),
            Self::WebIdentity => web_identity::look(ask).await.map(Some),
            Self::Files if !ask.context.environment.desk => Ok(None),
            Self::Files => Box::pin(profile::look(ask)).await.map(Some),
            Self::Container => container::look(ask).await.map(Some),
            Self::Metadata => imds::look(ask).await.map(Some),
        }
    }
}

impl Answer {
    fn passed(source: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Passed(Passed { source: source.into(), why: why.into() })
    }

    fn found(keys: Lease<Keys>, origin: impl Into<String>) -> Self {
        Self::Found(Found { keys, origin: origin.into() })
    }
}

impl Found {
    /// The keys of a role that these may assume.
    async fn assume(self, ask: Ask<'_>, role: &Role) -> Result<Self, IdentityError> {
        let keys = sts::assume(ask, role, &self.origin, &self.keys.value).await?;
        Ok(Self { keys, origin: format!("role {} by {}", role.arn, self.origin) })
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
