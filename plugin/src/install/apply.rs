//! Applying an installation and waiting for it.

use std::time::Duration;

use kube::core::DynamicObject;
use serde_json::Value;
use tokio::time::sleep;

use super::{FLUX, Manifests, manifests::is_kind, part_of, text};
use crate::{
    cluster::{Anything, Applying, ClusterError, Named},
    context::Context,
    error::Error,
};

/// Time between two looks at what is waited for.
const LOOK: Duration = Duration::from_millis(500);

/// What stops an installation before anything is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guard {
    /// Whether the CRD may be taken from Flux.
    pub(crate) take_over: bool,
}

/// Applies everything, in order; waits for the kind before anything else needs it.
pub(crate) async fn apply(
    cluster: &Anything,
    manifests: &Manifests,
    guard: Guard,
    how: Applying,
    context: &Context,
) -> Result<(), Error> {
    if let Some(kind) = manifests.kind() {
        is_free(cluster, &Named::of(kind), guard).await?;
    }
    for object in manifests.objects() {
        let what = Named::of(object);
        let before = cluster.find(&what).await?;
        // An object in a namespace that is only rehearsed cannot be judged.
        if how.dry_run && before.is_none() && what.namespace.is_some() {
            context.printer.success(format!("{what} would be created"));
            continue;
        }
        let stored = cluster.apply(object, how).await?;
        context.printer.success(format!("{what} {}", done(before.as_ref(), &stored, how)));
        if is_kind(object) && !how.dry_run {
            until(|| established(cluster, &what)).await?;
        }
    }
    Ok(())
}

fn done(before: Option<&DynamicObject>, stored: &DynamicObject, how: Applying) -> &'static str {
    // What is only rehearsed keeps the version that is stored.
    let content = |object: &DynamicObject| {
        let metadata = object.metadata.clone();
        (metadata.labels, metadata.annotations, object.data.clone())
    };
    match (before, how.dry_run) {
        (None, false) => "created",
        (None, true) => "would be created",
        (Some(before), false) if before.metadata.resource_version == stored.metadata.resource_version => {
            "unchanged"
        }
        (Some(before), true) if content(before) == content(stored) => "unchanged",
        (Some(_), false) => "configured",
        (Some(_), true) => "would be configured",
    }
}

/// Flux's CRD is Flux's, unless it is meant to change hands.
async fn is_free(cluster: &Anything, kind: &Named, guard: Guard) -> Result<(), Error> {
    let found = cluster.find(kind).await?;
    let is_flux = found.is_some_and(|found| part_of(found.metadata.labels.as_ref()) == Some(FLUX));
    if !is_flux || guard.take_over {
        return Ok(());
    }
    Err(Error::Usage {
        message: format!("{kind} belongs to Flux"),
        hint: Some(
            "`--overlay beside-flux` works next to it; `--take-over` takes the CRD, once source-controller has left \
             the kind (docs/guide/migration.md)"
                .into(),
        ),
    })
}

/// Waits for all Deployments; tells when something changes.
pub(crate) async fn ready(cluster: &Anything, manifests: &Manifests, context: &Context) -> Result<(), Error> {
    for object in manifests.objects().iter().filter(|object| text(object, "/kind") == "Deployment") {
        let what = Named::of(object);
        let mut told = String::new();
        until(async || {
            let Some(found) = cluster.find(&what).await? else {
                return Err(ClusterError::NotFound { what: what.to_string() });
            };
            let rollout = Rollout::of(&found);
            let now = format!("{what}: {} of {} available", rollout.available, rollout.wanted);
            if now != told {
                context.printer.waiting(&now);
                told = now;
            }
            Ok(rollout.is_done())
        })
        .await?;
    }
    Ok(())
}

/// How far a Deployment is.
struct Rollout {
    wanted: i64,
    updated: i64,
    available: i64,
    /// Replicas, those of older revisions included.
    all: i64,
    observed: bool,
}

impl Rollout {
    fn of(object: &DynamicObject) -> Self {
        let number = |pointer: &str| object.data.pointer(pointer).and_then(Value::as_i64).unwrap_or_default();
        Self {
            wanted: number("/spec/replicas"),
            updated: number("/status/updatedReplicas"),
            available: number("/status/availableReplicas"),
            all: number("/status/replicas"),
            observed: Some(number("/status/observedGeneration")) >= object.metadata.generation,
        }
    }

    fn is_done(&self) -> bool {
        // As those that are available are among all, there are enough new ones.
        self.observed && self.available >= self.wanted && self.all <= self.updated
    }
}

async fn established(cluster: &Anything, kind: &Named) -> Result<bool, ClusterError> {
    let found = cluster.find(kind).await?;
    let conditions = found.as_ref().and_then(|found| found.data.pointer("/status/conditions")?.as_array());
    let is =
        |condition: &Value| text(condition, "/type") == "Established" && text(condition, "/status") == "True";
    Ok(conditions.is_some_and(|conditions| conditions.iter().any(is)))
}

/// Looks again and again; `--timeout` ends it. What is passing passes.
pub(super) async fn until(mut holds: impl AsyncFnMut() -> Result<bool, ClusterError>) -> Result<(), Error> {
    loop {
        match holds().await {
            Ok(true) => return Ok(()),
            Err(error) if !error.is_passing() => return Err(error.into()),
            Ok(false) | Err(_) => sleep(LOOK).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rollout(status: &Value) -> Rollout {
        let object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "a", "generation": 3 },
            "spec": { "replicas": 2 }, "status": status,
        });
        Rollout::of(&serde_json::from_value(object).unwrap())
    }

    #[tokio::test]
    async fn waiting_outlives_what_passes_and_nothing_else() {
        let away = || ClusterError::Unreachable {
            doing: "looking".into(),
            server: "https://here".into(),
            why: "refused".into(),
        };
        let mut answers = vec![Ok(true), Err(away())];
        until(async || answers.pop().unwrap()).await.unwrap();
        let gone = || ClusterError::NotFound { what: "Deployment a".into() };
        assert!(until(async || Err(gone())).await.is_err());
    }

    #[test]
    fn rollout_is_done_when_all_replicas_are_new_and_available() {
        let status = |observed, updated, available, all| {
            json!({ "observedGeneration": observed, "updatedReplicas": updated, "availableReplicas": available,
                "replicas": all })
        };
        assert!(rollout(&status(3, 2, 2, 2)).is_done());
        for other in
            [status(2, 2, 2, 2), status(3, 1, 2, 2), status(3, 2, 1, 2), status(3, 2, 2, 3), json!({})]
        {
            assert!(!rollout(&other).is_done(), "{other}");
        }
    }
}
