//! Which installation this is, in words that no other one has.

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};

use super::call::{CallError, Cause, call};

/// Its UID is that of the cluster for everybody who needs one: it lives as long.
const CLUSTER: &str = "kube-system";

/// Cluster and Lease. `None`, with a log line, if we may not know the cluster.
pub async fn installation(
    client: &Client,
    namespace: &str,
    lease: &str,
) -> Result<Option<String>, CallError> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let read = namespaces.get_metadata(CLUSTER);
    match call(|| format!("reading namespace {CLUSTER}"), read).await {
        Ok(found) => {
            let uid = found.metadata.uid.unwrap_or_default();
            Ok(Some(format!("cluster {uid}, Lease {namespace}/{lease}")))
        }
        Err(error) if matches!(error.cause, Cause::Forbidden(_) | Cause::NotFound) => {
            tracing::warn!(%error, "not known which cluster this is: another one that has the same bucket and prefix is not noticed");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
