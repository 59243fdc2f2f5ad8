//! Workload identity: a token of the cluster in a file (azure-workload-identity, "Azure Identity SDK").

use std::path::Path;

use super::{CLIENT, TENANT, variables};
use crate::{
    azure::{
        access,
        clouds::Cloud,
        entra::{self, Application, Shown},
    },
    context::Context,
    file,
    lease::{Access, Lease},
    place::Miss,
};

const FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";

pub(super) async fn ask(context: Context<'_>, cloud: &Cloud) -> Result<Lease<Access>, Miss> {
    let [tenant, client, path] = variables(context, [TENANT, CLIENT, FILE])?;
    let application = Application::new("AZURE_TENANT_ID and AZURE_CLIENT_ID", tenant, client)?;
    // Read each time: the kubelet renews it.
    let assertion = file::token(FILE, Path::new(path))?;
    let token = entra::token(context, cloud, &application, Shown::Assertion(&assertion)).await?;
    Ok(access(token, format!("{application}, by {FILE}")))
}
