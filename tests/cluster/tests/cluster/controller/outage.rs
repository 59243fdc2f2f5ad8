//! The API server goes away and comes back, and what all of it costs.

use std::collections::BTreeMap;

use oci_testkit::{
    control_plane::{ControlPlane, eventually},
    controller::Options,
    registry::{Class, Registry},
};
use serde_json::json;

use super::{
    push::Image,
    tenant::{Tenant, fetch},
    world::{LONG, identity, install, started, was_well},
};

/// How many objects there are.
const OBJECTS: usize = 40;

/// What the API server counted by resource: writes that are not those of this test.
async fn writes(plane: &ControlPlane) -> BTreeMap<String, u64> {
    let metrics = plane.run(&["get", "--raw", "/metrics"]).await.succeeded();
    let mut counts = BTreeMap::new();
    for line in metrics.lines().filter(|line| line.starts_with("apiserver_request_total{")) {
        let label = |name: &str| {
            let start = line.find(&format!("{name}=\""))? + name.len() + 2;
            line.get(start..)?.split('"').next()
        };
        let (verb, resource) = (label("verb").unwrap_or_default(), label("resource").unwrap_or_default());
        let counted =
            ["ocirepositories", "events"].contains(&resource) && ["PATCH", "POST", "PUT"].contains(&verb);
        if counted && label("dry_run") == Some("") {
            let count =
                line.rsplit(' ').next().and_then(|count| count.parse::<u64>().ok()).unwrap_or_default();
            *counts.entry(resource.to_owned()).or_default() += count;
        }
    }
    counts
}

#[tokio::test]
async fn controller_bears_an_api_server_that_goes_and_comes() {
    let mut plane = ControlPlane::start().await;
    install(&plane).await;
    // The shape of the Deployment, with the whole of the cluster to look after.
    let options =
        Options::new(identity(&plane).await).with("--enable-leader-election").with("--concurrent=10");
    let controller = started(options);
    let registry = Registry::start();
    let name = |index: usize| format!("app-{index}");
    for index in 0..OBJECTS {
        Image::saying(&name(index)).push(&registry, "org/app", &name(index));
    }
    let tenant = Tenant::over(&plane, registry).await;
    for index in 0..OBJECTS {
        tenant.apply(&name(index), &json!({ "ref": { "tag": name(index) } })).await;
    }
    let mut urls = Vec::new();
    for index in 0..OBJECTS {
        let object = tenant.ready(&name(index)).await;
        tenant.event(&name(index), "NewArtifact").await;
        urls.push(object["status"]["artifact"]["url"].as_str().unwrap().to_owned());
    }
    // The event; the finalizer and the status, and once more the status of what took longer than a second.
    let counts = writes(&plane).await;
    let objects = OBJECTS as u64;
    assert_eq!(counts["events"], objects, "{counts:?}");
    assert!((2 * objects..=3 * objects).contains(&counts["ocirepositories"]), "{counts:?}");
    // A server that starts knows no roles for a moment, so this is looked at now.
    was_well(&controller);

    let (namespace, registry) = (tenant.namespace.clone(), tenant.into_registry());
    plane.stop_api_server();
    registry.reset();
    for url in &urls {
        fetch(url).await.unwrap();
    }
    plane.start_api_server().await;

    let tenant = Tenant::again(&plane, &namespace, registry);
    let digest = Image::saying("new").push(&tenant.registry, "org/app", "app-0");
    tenant.run("app-0", "after the outage").await;
    tenant.ready_at("app-0", &format!("app-0@{digest}")).await;
    tenant.apply("late", &json!({ "ref": { "tag": "app-1" } })).await;
    tenant.ready("late").await;
    for index in 1..OBJECTS {
        tenant.ready(&name(index)).await;
    }
    // Two were asked for; nothing else was fetched.
    let blobs = tenant.registry.count(|request| request.class == Class::Blob);
    assert_eq!(blobs, 2);
    eventually("all to be deleted", LONG, async || {
        let arguments = ["delete", "ocirepo", "--all", "-n", &namespace, "--timeout=60s"];
        let ran = plane.run(&arguments).await;
        if ran.code == 0 { Ok(()) } else { Err(ran.to_string()) }
    })
    .await;
    assert!(tenant.list().await.is_empty());
    assert!(!controller.log().contains("panicked"));
}
