//! GKE's own workload identity pool, which a `ServiceAccount` without another one is in ("About Workload Identity
//! Federation for GKE").

use oci_registry::web::WebRequest;
use tokio::sync::OnceCell;

use super::{hint, metadata};
use crate::{
    context::Context,
    error::IdentityError,
    exchange::{Exchange, is_success},
};

/// What is known of the cluster: asked for once, it does not change while we run.
#[derive(Default)]
pub(crate) struct Gke(OnceCell<Cluster>);

/// The cluster that we run in.
pub(super) struct Cluster {
    project: String,
    location: String,
    name: String,
}

impl Gke {
    pub(super) async fn cluster(&self, context: Context<'_>) -> Result<&Cluster, IdentityError> {
        self.0.get_or_try_init(|| load(context)).await
    }
}

impl Cluster {
    /// The pool, for which the account's tokens are.
    pub(super) fn pool(&self) -> String {
        format!("{}.svc.id.goog", self.project)
    }

    /// The pool and its provider, for the Security Token Service.
    pub(super) fn audience(&self) -> String {
        let Self { project, location, name } = self;
        let provider = format!(
            "https://container.googleapis.com/v1/projects/{project}/locations/{location}/clusters/{name}"
        );
        format!("identitynamespace:{}:{provider}", self.pool())
    }
}

async fn load(context: Context<'_>) -> Result<Cluster, IdentityError> {
    Ok(Cluster {
        project: value(context, "project/project-id").await?,
        location: value(context, "instance/attributes/cluster-location").await?,
        name: value(context, "instance/attributes/cluster-name").await?,
    })
}

async fn value(context: Context<'_>, path: &str) -> Result<String, IdentityError> {
    let doing = format!(
        "asking GKE for its workload identity pool ({path}; outside of GKE the annotation \
         gcp.auth.fluxcd.io/workload-identity-provider names one)"
    );
    let exchange = Exchange::new(doing).hints(hint);
    let request: WebRequest = metadata::request(context, path)?;
    let reply = exchange.send(context.web, &request).await?;
    if !metadata::is_google(&reply) {
        return Err(exchange.unusable(&request, "it is no metadata server of Google"));
    }
    if !is_success(&reply) {
        return Err(exchange.refused(&request, &reply));
    }
    let value = metadata::text(&reply.body).map(str::to_owned);
    value.ok_or_else(|| exchange.unusable(&request, "it is no name"))
}
