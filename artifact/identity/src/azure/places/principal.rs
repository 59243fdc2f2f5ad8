//! An application and its secret in the environment: `EnvironmentCredential` of the Azure SDK.

use super::{CLIENT, TENANT, variables};
use crate::{
    azure::{
        access,
        clouds::Cloud,
        entra::{self, Application, Shown},
    },
    context::Context,
    error::IdentityError,
    lease::{Access, Lease},
    place::Miss,
};

const SECRET: &str = "AZURE_CLIENT_SECRET";
/// What the SDK reads beside a secret, and we do not.
const UNSUPPORTED: [(&str, &str); 2] =
    [("AZURE_CLIENT_CERTIFICATE_PATH", "a certificate"), ("AZURE_PASSWORD", "a user and a password")];

pub(super) async fn ask(context: Context<'_>, cloud: &Cloud) -> Result<Lease<Access>, Miss> {
    let [tenant, client] = variables(context, [TENANT, CLIENT])?;
    if context.environment.variable(SECRET).is_none() {
        let other = UNSUPPORTED.into_iter().find(|(name, _)| context.environment.variable(name).is_some());
        if let Some((place, what)) = other {
            return Err(Miss::Failed(IdentityError::Setting {
                place: place.to_owned(),
                detail: format!("logging in to Azure with {what} is not supported"),
                hint: Some("use a secret (AZURE_CLIENT_SECRET), workload identity or a managed identity"),
            }));
        }
    }
    let [secret] = variables(context, [SECRET])?;
    let application = Application::new("AZURE_TENANT_ID and AZURE_CLIENT_ID", tenant, client)?;
    let token = entra::token(context, cloud, &application, Shown::Secret(secret)).await?;
    Ok(access(token, format!("{application}, by {SECRET}")))
}
