//! Objects that are told to rest.

use serde_json::json;

use super::{
    push::Image,
    tenant::{Tenant, fetch},
};

#[tokio::test]
async fn controller_leaves_a_suspended_object_alone_and_resumes_it() {
    let tenant = Tenant::new().await;
    let first = Image::saying("one").push(&tenant.registry, "org/app", "v1");
    let fields = |suspend: bool| json!({ "ref": { "tag": "v1" }, "suspend": suspend, "interval": "200ms" });
    tenant.apply("app", &fields(false)).await;
    let revision = format!("v1@{first}");
    tenant.ready_at("app", &revision).await;
    tenant.apply("app", &fields(true)).await;
    // A request is recorded, and nothing else is done.
    tenant.run("app", "while suspended").await;
    tenant.registry.reset();
    let second = Image::saying("two").push(&tenant.registry, "org/app", "v1");
    let object = tenant.run("app", "while suspended, again").await;
    assert_eq!(object["status"]["artifact"]["revision"], revision);
    assert_eq!(tenant.registry.requests().len(), 0);
    // What is stored is served on.
    fetch(object["status"]["artifact"]["url"].as_str().unwrap()).await.unwrap();
    tenant.apply("app", &fields(false)).await;
    tenant.ready_at("app", &format!("v1@{second}")).await;
}

#[tokio::test]
async fn controller_does_not_begin_with_a_suspended_object() {
    let tenant = Tenant::new().await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" }, "suspend": true })).await;
    let object = tenant.run("app", "now").await;
    assert!(object["status"]["artifact"].is_null(), "{object}");
    assert_eq!(tenant.registry.requests().len(), 0);
    tenant.apply("app", &json!({ "ref": { "tag": "v1" }, "suspend": false })).await;
    tenant.ready("app").await;
}
