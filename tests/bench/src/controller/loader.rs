//! The peer: a program that does only what has to be done for each object, as fast as it can.

use std::path::Path;

use futures_util::StreamExt as _;
use kube::{
    Client,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use oci_artifact::manifest::accept_manifests;
use oci_crds::v1::OciRepository;
use serde_json::{Value, json};

use crate::plane;

/// Makes all objects of a namespace Ready: a finalizer, HEAD, GET, GET, a file, a status, an event.
pub(crate) async fn run(client: &Client, namespace: &str, concurrent: usize, folder: &Path) {
    let all = plane::objects(client, namespace).list(&ListParams::default()).await.unwrap();
    let http = reqwest::Client::new();
    futures_util::stream::iter(all.items)
        .for_each_concurrent(concurrent, |object| {
            let (client, http) = (client.clone(), http.clone());
            async move { one(&client, &http, namespace, &object, folder).await }
        })
        .await;
}

async fn one(
    client: &Client,
    http: &reqwest::Client,
    namespace: &str,
    object: &OciRepository,
    folder: &Path,
) {
    let api = plane::objects(client, namespace);
    let name = object.metadata.name.clone().unwrap();
    let parameters = PatchParams::default();
    let finalizer = json!({ "metadata": { "finalizers": ["finalizers.fluxcd.io"] } });
    api.patch(&name, &parameters, &Patch::Merge(&finalizer)).await.unwrap();

    let url = object.spec.url.clone().unwrap();
    let (host, repository) = url.strip_prefix("oci://").unwrap().split_once('/').unwrap();
    let base = format!("http://{host}/v2/{repository}");
    let tag = object.spec.reference.clone().unwrap().tag.unwrap();
    let head = http.head(format!("{base}/manifests/{tag}")).header("Accept", accept_manifests()).send().await;
    let digest = head.unwrap().headers()["docker-content-digest"].to_str().unwrap().to_owned();
    let manifest =
        http.get(format!("{base}/manifests/{digest}")).header("Accept", accept_manifests()).send().await;
    let manifest: Value = serde_json::from_slice(&manifest.unwrap().bytes().await.unwrap()).unwrap();
    let layer = manifest["layers"][0]["digest"].as_str().unwrap().to_owned();
    let blob = http.get(format!("{base}/blobs/{layer}")).send().await.unwrap().bytes().await.unwrap();
    std::fs::write(folder.join(&name), &blob).unwrap();

    let condition = |kind: &str| {
        json!({
            "type": kind, "status": "True", "reason": "Succeeded", "observedGeneration": 1,
            "lastTransitionTime": "2026-01-01T00:00:00Z", "message": format!("stored artifact for digest '{digest}'"),
        })
    };
    let status = json!({ "status": {
        "observedGeneration": 1,
        "conditions": [condition("Ready"), condition("ArtifactInStorage")],
        "url": format!("http://127.0.0.1/ocirepository/{namespace}/{name}/latest.tar.gz"),
        "artifact": {
            "digest": layer, "lastUpdateTime": "2026-01-01T00:00:00Z", "size": blob.len(),
            "path": format!("ocirepository/{namespace}/{name}/{digest}.tar.gz"),
            "revision": format!("{tag}@{digest}"),
            "url": format!("http://127.0.0.1/ocirepository/{namespace}/{name}/{digest}.tar.gz"),
            "metadata": manifest["annotations"],
        },
    }});
    api.patch_status(&name, &parameters, &Patch::Merge(&status)).await.unwrap();
    event(client, namespace, object, &digest).await;
}

async fn event(client: &Client, namespace: &str, object: &OciRepository, digest: &str) {
    let event: k8s_openapi::api::core::v1::Event = serde_json::from_value(json!({
        "metadata": { "generateName": "bench-", "namespace": namespace },
        "involvedObject": { "kind": "OCIRepository", "namespace": namespace, "name": object.metadata.name },
        "reason": "NewArtifact", "type": "Normal", "message": format!("stored artifact with revision '{digest}'"),
    }))
    .unwrap();
    kube::Api::namespaced(client.clone(), namespace).create(&PostParams::default(), &event).await.unwrap();
}
