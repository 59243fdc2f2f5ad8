//! What a run costs the registry and the API server.

use oci_testkit::{
    control_plane::eventually,
    registry::{Class, Recorded},
};
use serde_json::{Value, json};

use super::{push::Image, tenant::Tenant, world::LONG};

/// The events about `app`, each with how often it was told.
async fn told(tenant: &Tenant<'_>) -> Vec<(Option<String>, Option<i32>)> {
    tenant.events("app").await.into_iter().map(|event| (event.reason, event.count)).collect()
}

/// Waits for ten polls of an object that is ready, and checks that nothing was written about them.
async fn ten_polls_write_nothing(tenant: &Tenant<'_>, poll: impl Fn(&Recorded) -> bool) {
    let before = tenant.ready("app").await;
    let events = told(tenant).await;
    tenant.registry.reset();
    eventually("ten polls", LONG, async || {
        let polls = tenant.registry.count(&poll);
        if polls >= 10 { Ok(()) } else { Err(format!("{polls}")) }
    })
    .await;
    let after = tenant.get("app").await;
    assert_eq!(version(&before), version(&after), "{before}\n{after}");
    assert_eq!(told(tenant).await, events);
}

fn version(object: &Value) -> &Value {
    &object["metadata"]["resourceVersion"]
}

#[tokio::test]
async fn controller_polls_a_tag_by_one_request_and_writes_nothing() {
    let tenant = Tenant::new().await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" }, "interval": "100ms" })).await;
    ten_polls_write_nothing(&tenant, |request| request.method == "HEAD").await;
    let other: Vec<_> = tenant
        .registry
        .requests()
        .iter()
        .map(Recorded::line)
        .filter(|line| !line.starts_with("HEAD "))
        .collect();
    assert!(other.is_empty(), "{other:?}");
}

#[tokio::test]
async fn controller_polls_a_range_by_its_tags_and_one_more_request() {
    let tenant = Tenant::new().await;
    Image::saying("one").push(&tenant.registry, "org/app", "1.0.0");
    tenant.apply("app", &json!({ "ref": { "semver": "1.x" }, "interval": "100ms" })).await;
    ten_polls_write_nothing(&tenant, |request| request.class == Class::Tags).await;
    let requests = tenant.registry.requests();
    let (tags, heads) = (
        requests.iter().filter(|request| request.class == Class::Tags).count(),
        requests.iter().filter(|request| request.method == "HEAD").count(),
    );
    assert_eq!(tags + heads, requests.len());
    assert!(heads <= tags, "{heads} {tags}");
}

#[tokio::test]
async fn controller_asks_nobody_about_a_pinned_digest() {
    let mut tenant = Tenant::new().await;
    let digest = Image::saying("one").push(&tenant.registry, "org/app", "v1").to_string();
    tenant.apply("app", &json!({ "ref": { "digest": digest } })).await;
    let before = tenant.ready("app").await;
    tenant.registry.stop();
    // It is not even missed.
    for request in ["one", "two"] {
        tenant.run("app", request).await;
        tenant.ready_at("app", &digest).await;
    }
    let after = tenant.get("app").await;
    assert_eq!(before["status"]["conditions"], after["status"]["conditions"]);
    assert!(told(&tenant).await.iter().all(|(reason, _)| reason.as_deref() == Some("NewArtifact")));
}

#[tokio::test]
async fn controller_fetches_a_moved_tag_by_three_requests() {
    let tenant = Tenant::new().await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    tenant.ready("app").await;
    let digest = Image::saying("two").push(&tenant.registry, "org/app", "v1");
    tenant.registry.reset();
    tenant.run("app", "now").await;
    tenant.ready_at("app", &format!("v1@{digest}")).await;
    let lines: Vec<String> = tenant.registry.requests().iter().map(Recorded::line).collect();
    assert!(lines.len() <= 3, "{lines:?}");
    assert_eq!(tenant.registry.count(|request| request.class == Class::Blob), 1, "{lines:?}");
}

#[tokio::test]
async fn controller_looks_again_only_when_something_that_matters_changed() {
    let tenant = Tenant::new().await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    let fields = json!({ "ref": { "tag": "v1" }, "ignore": "*.md" });
    tenant.apply("app", &fields).await;
    tenant.ready("app").await;
    let blobs = || tenant.registry.count(|request| request.class == Class::Blob);
    assert_eq!(blobs(), 1);
    // The same content by another way to say it.
    let mut longer = fields.clone();
    longer["interval"] = json!("2h");
    tenant.apply("app", &longer).await;
    tenant.ready("app").await;
    assert_eq!(blobs(), 1);
    // A label is nobody's business: the request before and after it are all that is asked.
    tenant.registry.reset();
    tenant.patch("app", &json!({ "metadata": { "labels": { "a": "b" } } })).await;
    tenant.run("app", "now").await;
    assert_eq!(tenant.registry.requests().len(), 1);
}
