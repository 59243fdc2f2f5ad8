//! Where an identity of this process may be: the order of `DefaultAzureCredential` (Azure SDK for Go, `azidentity`),
//! except that the metadata service is last. Where there is none, a person's `az` is found without waiting for it.

mod app_service;
mod az;
mod imds;
mod principal;
mod workload;

use super::clouds::Cloud;
use crate::{
    context::Context,
    error::IdentityError,
    lease::{Access, Lease},
    place::Miss,
};

const TENANT: &str = "AZURE_TENANT_ID";
const CLIENT: &str = "AZURE_CLIENT_ID";

/// A place.
#[derive(Clone, Copy)]
enum Place {
    Principal,
    Workload,
    AppService,
    Az,
    Imds,
}

const ORDER: [Place; 5] = [Place::Principal, Place::Workload, Place::AppService, Place::Az, Place::Imds];

impl Place {
    fn name(self) -> &'static str {
        match self {
            Self::Principal => "service principal of the environment",
            Self::Workload => "workload identity of Azure",
            Self::AppService => "managed identity of App Service",
            Self::Az => "az",
            Self::Imds => "managed identity of Azure",
        }
    }

    async fn ask(self, context: Context<'_>, cloud: &Cloud) -> Result<Lease<Access>, Miss> {
        match self {
            Self::Principal => principal::ask(context, cloud).await,
            Self::Workload => workload::ask(context, cloud).await,
            Self::AppService => app_service::ask(context, cloud).await,
            Self::Az if !context.environment.desk => Err(Miss::nothing("no program is asked here")),
            Self::Az => az::ask(context, cloud).await,
            Self::Imds => imds::ask(context, cloud).await,
        }
    }
}

/// What the first place has that has anything.
pub(super) async fn ask(context: Context<'_>, cloud: &Cloud) -> Result<Lease<Access>, IdentityError> {
    let mut passed = Vec::new();
    for place in ORDER {
        match place.ask(context, cloud).await {
            Ok(access) => return Ok(access),
            Err(miss) => miss.pass(place.name(), &mut passed)?,
        }
    }
    Err(IdentityError::Nothing { cloud: "azure", passed })
}

/// The values of all these variables, or which are not set.
fn variables<'a, const N: usize>(context: Context<'a>, names: [&str; N]) -> Result<[&'a str; N], Miss> {
    let values = names.map(|name| context.environment.variable(name));
    let missing: Vec<&str> =
        names.into_iter().zip(values).filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
    if missing.is_empty() {
        return Ok(values.map(Option::unwrap_or_default));
    }
    let verb = if missing.len() == 1 { "is" } else { "are" };
    Err(Miss::nothing(format!("{} {verb} not set", missing.join(", "))))
}

/// The client of the environment, which says which of several managed identities is meant.
fn chosen(context: Context<'_>) -> Result<Option<&str>, IdentityError> {
    let client = context.environment.variable(CLIENT);
    client.map(|client| super::entra::checked(CLIENT, "client", client)).transpose()
}

/// The managed identity, for messages.
fn managed(of: &str, chosen: Option<&str>) -> String {
    match chosen {
        None => format!("the managed identity of {of}"),
        Some(client) => format!("the managed identity {client} of {of}"),
    }
}
