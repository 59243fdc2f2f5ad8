//! The API server, and what it counts.

use std::{collections::BTreeMap, time::Duration};

use futures_util::StreamExt as _;
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
};
use oci_crds::v1::{OciRepository, Reference, Spec};
use oci_testkit::control_plane::ControlPlane;

/// Starts it, with our kind.
pub(crate) async fn start() -> ControlPlane {
    let plane = ControlPlane::start().await;
    let mut crd = oci_crds::schema::crd();
    // No webhook here: versions differ by their name only.
    crd.spec.conversion = None;
    let crd = serde_json::to_string(&crd).unwrap();
    plane.apply(&crd).await;
    let established = [
        "wait",
        "--for=condition=Established",
        "crd/ocirepositories.source.toolkit.fluxcd.io",
        "--timeout=60s",
    ];
    plane.run(&established).await.succeeded();
    plane
}

/// The objects of a namespace.
pub(crate) fn objects(client: &Client, namespace: &str) -> Api<OciRepository> {
    Api::namespaced(client.clone(), namespace)
}

/// A spec for a tag.
pub(crate) fn spec(url: &str, tag: &str, interval: &str) -> Spec {
    Spec {
        url: Some(url.to_owned()),
        reference: Some(Reference { tag: Some(tag.to_owned()), ..Reference::default() }),
        interval: Some(interval.to_owned()),
        insecure: Some(true),
        ..Spec::default()
    }
}

/// Creates objects, sixteen at a time.
pub(crate) async fn create(client: &Client, namespace: &str, specs: Vec<(String, Spec)>) {
    let api = objects(client, namespace);
    futures_util::stream::iter(specs)
        .for_each_concurrent(16, |(name, spec)| {
            let (api, object) = (api.clone(), OciRepository::new(namespace, &name, spec));
            async move {
                api.create(&PostParams::default(), &object).await.unwrap();
            }
        })
        .await;
}

/// Removes our finalizer from all objects and deletes them.
pub(crate) async fn clear(client: &Client, namespace: &str) {
    let api = objects(client, namespace);
    let all = api.list(&ListParams::default()).await.unwrap();
    let names: Vec<String> = all.items.into_iter().filter_map(|object| object.metadata.name).collect();
    futures_util::stream::iter(names)
        .for_each_concurrent(16, |name| {
            let api = api.clone();
            async move {
                let patch = serde_json::json!({ "metadata": { "finalizers": null } });
                let _ = api.patch(&name, &PatchParams::default(), &Patch::Merge(&patch)).await;
                let _ = api.delete(&name, &DeleteParams::default()).await;
            }
        })
        .await;
}

/// Whether the object is Ready for its generation.
pub(crate) fn is_ready(object: &OciRepository) -> bool {
    let Some(status) = &object.status else { return false };
    let ready = status.conditions.iter().flatten().any(|c| c.type_ == "Ready" && c.status == "True");
    ready && status.observed_generation == object.metadata.generation
}

/// Waits until so many objects are Ready.
pub(crate) async fn all_ready(client: &Client, namespace: &str, count: usize) {
    let api = objects(client, namespace);
    let mut ready: BTreeMap<String, bool> = BTreeMap::new();
    'again: loop {
        let all = api.list(&ListParams::default()).await.unwrap();
        for object in &all.items {
            ready.insert(object.metadata.name.clone().unwrap_or_default(), is_ready(object));
        }
        if ready.values().filter(|ready| **ready).count() >= count {
            return;
        }
        let from = all.metadata.resource_version.unwrap_or_default();
        let mut events = Box::pin(api.watch(&WatchParams::default(), &from).await.unwrap());
        loop {
            let event = tokio::time::timeout(Duration::from_mins(4), events.next()).await.unwrap();
            let Some(Ok(WatchEvent::Added(object) | WatchEvent::Modified(object))) = event else {
                continue 'again;
            };
            ready.insert(object.metadata.name.clone().unwrap_or_default(), is_ready(&object));
            if ready.values().filter(|ready| **ready).count() >= count {
                return;
            }
        }
    }
}

/// Writes to objects, their status and events so far.
pub(crate) async fn writes(client: &Client) -> f64 {
    let request = hyper::http::Request::get("/metrics").body(Vec::new()).unwrap();
    let text = client.request_text(request).await.unwrap();
    let is_write = |line: &str| {
        line.starts_with("apiserver_request_total{")
            && ["\"ocirepositories\"", "\"events\""]
                .iter()
                .any(|name| line.contains(&format!("resource={name}")))
            && ["PATCH", "POST", "PUT", "APPLY"].iter().any(|verb| line.contains(&format!("verb=\"{verb}\"")))
    };
    text.lines()
        .filter(|line| is_write(line))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}
