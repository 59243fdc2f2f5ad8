//! Two controllers on the same objects undo each other's work for ever: is a source-controller of Flux alive?

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::{Api, Client};
use oci_artifact::{Class, Classify};
use tokio::time::{Instant, sleep_until};

use super::call::{CallError, Cause, call};

/// Time between two looks at a Lease.
const LOOK: Duration = Duration::from_secs(1);
/// Longest time that a Lease is watched, whatever it asks for.
const WATCHED: Duration = Duration::from_mins(1);
/// A Lease that was renewed longer ago than any two clocks differ belongs to nobody.
const ABANDONED: Duration = Duration::from_hours(24);

/// Why this controller does not start.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// A source-controller renews its Lease.
    #[error("source-controller {holder} works on the same objects: it renews Lease {namespace}/{name}")]
    Beside {
        /// Where it runs.
        namespace: String,
        /// Of its Lease.
        name: String,
        /// Who it is.
        holder: String,
    },
    /// It cannot be found out.
    #[error("finding out whether a source-controller works on the same objects failed: {0}")]
    Call(#[from] CallError),
}

impl Classify for GuardError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Beside { .. } => "Beside",
            Self::Call(error) => error.reason(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Beside { .. } => Class::Terminal,
            Self::Call(error) => error.class(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Beside { .. } => Some(
                "scale source-controller down, share the objects by --watch-label-selector, or start with \
                 --take-over if it does not work on them"
                    .to_owned(),
            ),
            Self::Call(error) => error.hint(),
        }
    }
}

/// Fails if somebody renews the Lease `name` in one of the namespaces.
///
/// A Lease that has a holder is watched for as long as it lasts, at most a minute: clocks need not agree. One that we
/// may not read is passed over with a log line.
pub async fn check(
    client: &Client,
    namespaces: &[&str],
    name: &str,
    now: fn() -> Timestamp,
) -> Result<(), GuardError> {
    for (index, namespace) in namespaces.iter().enumerate() {
        if namespaces.iter().take(index).any(|before| before == namespace) {
            continue;
        }
        let leases = Api::namespaced(client.clone(), namespace);
        match renewed(&leases, namespace, name, now).await {
            Ok(None) => {}
            Ok(Some(holder)) => {
                return Err(GuardError::Beside {
                    namespace: (*namespace).to_owned(),
                    name: name.to_owned(),
                    holder,
                });
            }
            Err(error) if matches!(error.cause, Cause::Forbidden(_)) => {
                tracing::info!(%error, "not known whether a source-controller works on the same objects");
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The holder of a Lease, if it renews.
async fn renewed(
    leases: &Api<Lease>,
    namespace: &str,
    name: &str,
    now: fn() -> Timestamp,
) -> Result<Option<String>, CallError> {
    let Some(first) = held(leases, namespace, name).await? else {
        return Ok(None);
    };
    let age = first.renew_time.as_ref().map(|renewed| now().duration_since(renewed.0));
    if age.is_none_or(|age| age.as_secs() > ABANDONED.as_secs().cast_signed()) {
        return Ok(None);
    }
    let asked = first.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    let begun = Instant::now();
    let end = begun + Duration::from_secs(asked.unwrap_or_default()).clamp(LOOK, WATCHED);
    tracing::info!(lease = name, holder = first.holder_identity, "is this source-controller alive?");
    let mut next = begun;
    loop {
        next = end.min(next + LOOK);
        sleep_until(next).await;
        match held(leases, namespace, name).await? {
            None => return Ok(None),
            Some(last) if last != first => return Ok(last.holder_identity),
            Some(_) if next >= end => return Ok(None),
            Some(_) => {}
        }
    }
}

/// The record of a Lease that has a holder.
async fn held(leases: &Api<Lease>, namespace: &str, name: &str) -> Result<Option<LeaseSpec>, CallError> {
    let lease = call(|| format!("reading Lease {namespace}/{name}"), leases.get_opt(name)).await?;
    let spec = lease.and_then(|lease| lease.spec);
    Ok(spec.filter(|spec| spec.holder_identity.as_ref().is_some_and(|holder| !holder.is_empty())))
}
