//! Writing Events: a few at once, each once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::Event;
use kube::{Api, Client, api::PostParams};
use oci_artifact::Classify as _;
use tokio::{task::JoinSet, time::timeout};

use super::{Happened, RecorderOptions, event::event, queue::Queue, quiet::Quiet};
use crate::{
    cluster::call::{CallError, Cause, cause},
    observe::Told,
};

/// Most Events that are written at once.
const AT_ONCE: usize = 8;
/// Longest wait for one.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where an Event was not written, and why.
type Refused = (String, CallError);

/// Writes Events until it is dropped.
pub(super) async fn run(
    client: Client,
    options: RecorderOptions,
    queue: Arc<Queue<Arc<Happened>>>,
    told: Told,
) {
    let mut under_way: JoinSet<Result<(), Refused>> = JoinSet::new();
    let mut quiet = Quiet::default();
    loop {
        tokio::select! {
            happened = queue.next(|_| true), if under_way.len() < AT_ONCE => {
                let event = event(&happened, &options, fastrand::u64(..));
                under_way.spawn(write(client.clone(), event));
            }
            Some(written) = under_way.join_next() => {
                queue.done();
                match written {
                    Ok(Ok(())) => {
                        told.sent.inc();
                    }
                    Ok(Err((namespace, error))) => {
                        told.failed.inc();
                        if quiet.may(&namespace, Instant::now()) {
                            let hint = error.hint();
                            tracing::error!(event_namespace = namespace, %error, hint, "writing an Event failed");
                        }
                    }
                    Err(_) => {
                        told.failed.inc();
                    }
                }
            }
        }
    }
}

/// Once only: an Event is not worth a storm on an API server that is in trouble.
async fn write(client: Client, event: Event) -> Result<(), Refused> {
    let namespace = event.metadata.namespace.clone().unwrap_or_default();
    let events = Api::<Event>::namespaced(client, &namespace);
    let cause = match timeout(PATIENCE, events.create(&PostParams::default(), &event)).await {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(error)) => cause(&error),
        Err(_) => Cause::Unavailable(format!("no answer within {PATIENCE:?}")),
    };
    let attempted = format!("writing an Event in namespace {namespace}");
    Err((namespace, CallError { attempted, cause }))
}
