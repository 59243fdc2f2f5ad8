//! Which layer is taken, and what is left out of it.

use serde_json::{Value, json};

use super::{
    push::{DOCKER, FLUX, Image, archive, push_index},
    tenant::{Tenant, condition, is},
};

#[tokio::test]
async fn controller_takes_the_first_layer_or_the_first_of_the_type() {
    let tenant = Tenant::new().await;
    Image::default()
        .layer(FLUX, &archive(&[("flux", "1")]))
        .layer(DOCKER, &archive(&[("docker", "1")]))
        .layer(DOCKER, &archive(&[("docker-second", "1")]))
        .push(&tenant.registry, "org/app", "v1");
    let cases = [
        ("any", Value::Null, "flux"),
        ("empty", json!({}), "flux"),
        ("docker", json!({ "mediaType": DOCKER }), "docker"),
        ("extract", json!({ "mediaType": DOCKER, "operation": "extract" }), "docker"),
    ];
    for (name, selector, _) in &cases {
        tenant.apply(name, &json!({ "ref": { "tag": "v1" }, "layerSelector": selector })).await;
    }
    for (name, _, file) in cases {
        let object = tenant.ready(name).await;
        assert_eq!(tenant.files(&object).await.into_keys().collect::<Vec<_>>(), [file], "{name}");
    }
    let selector = json!({ "mediaType": "application/x-unknown" });
    tenant.apply("unknown", &json!({ "ref": { "tag": "v1" }, "layerSelector": selector })).await;
    let message = tenant.failed("unknown", "FetchFailed", "OCIArtifactLayerOperationFailed").await;
    assert!(message.contains("application/x-unknown"), "{message}");
}

#[tokio::test]
async fn controller_copies_a_layer_that_is_no_archive() {
    let tenant = Tenant::new().await;
    let text = br#"{"any":"thing"}"#;
    Image::default().layer("application/json", text).push(&tenant.registry, "org/app", "v1");
    tenant.apply("extract", &json!({ "ref": { "tag": "v1" } })).await;
    let copy = json!({ "ref": { "tag": "v1" }, "layerSelector": { "operation": "copy" } });
    tenant.apply("copy", &copy).await;
    let object = tenant.ready("copy").await;
    assert_eq!(tenant.download(&object).await, text);
    tenant.failed("extract", "FetchFailed", "OCIArtifactLayerOperationFailed").await;
}

#[tokio::test]
async fn controller_leaves_out_what_is_ignored_and_builds_anew_when_that_changes() {
    let tenant = Tenant::new().await;
    let files = [
        ("app.yaml", "a"),
        ("doc.md", "d"),
        ("image.jpg", "j"),
        ("sub/.sourceignore", "*.txt\n"),
        ("sub/x.txt", "x"),
    ];
    Image::of(&files).push(&tenant.registry, "org/app", "v1");
    Image::of(&files[..3]).push(&tenant.registry, "org/app", "v2");

    // Without any rule, the usual ones.
    tenant.apply("usual", &json!({ "ref": { "tag": "v2" } })).await;
    let usual = tenant.ready("usual").await;
    assert_eq!(tenant.files(&usual).await.into_keys().collect::<Vec<_>>(), ["app.yaml", "doc.md"]);

    // Any rule takes their place.
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let plain = tenant.ready("app").await;
    assert!(tenant.files(&plain).await.contains_key("image.jpg"));
    assert!(!tenant.files(&plain).await.contains_key("sub/x.txt"));
    assert!(plain["status"]["observedIgnore"].is_null());

    tenant.apply("app", &json!({ "ref": { "tag": "v1" }, "ignore": "*.md\n" })).await;
    let ignored = tenant.ready("app").await;
    assert_eq!(ignored["status"]["observedIgnore"], "*.md\n");
    let (old, new) = (&plain["status"]["artifact"], &ignored["status"]["artifact"]);
    assert_eq!(old["revision"], new["revision"]);
    assert_ne!(old["digest"], new["digest"]);
    assert_ne!(old["url"], new["url"], "a name that was published keeps its content");
    assert!(!tenant.files(&ignored).await.contains_key("doc.md"));
    assert!(tenant.files(&plain).await.contains_key("doc.md"), "the old one can still be downloaded");

    let copy = json!({ "operation": "copy" });
    tenant.apply("app", &json!({ "ref": { "tag": "v1" }, "layerSelector": copy })).await;
    let copied = tenant.ready("app").await;
    assert_eq!(copied["status"]["observedLayerSelector"], copy);
    assert_eq!(tenant.download(&copied).await, archive(&files));
}

#[tokio::test]
async fn controller_takes_linux_amd64_from_an_index_or_what_the_annotation_says() {
    let tenant = Tenant::new().await;
    let image = |text: &str| Image::saying(text).annotated("child", text);
    let amd = image("amd64").push(&tenant.registry, "org/app", "amd64");
    let arm = image("arm64").push(&tenant.registry, "org/app", "arm64");
    let both = [("linux", "arm64", &arm), ("linux", "amd64", &amd)];
    let index = push_index(&tenant.registry, "org/app", "v1", &both);
    push_index(&tenant.registry, "org/app", "arm-only", &both[..1]);

    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let object = tenant.ready("app").await;
    assert_eq!(object["status"]["artifact"]["revision"], format!("v1@{index}"));
    assert_eq!(object["status"]["artifact"]["metadata"], json!({ "child": "amd64" }));
    assert_eq!(tenant.files(&object).await["app.yaml"], "amd64");

    tenant.apply("arm", &json!({ "ref": { "tag": "arm-only" } })).await;
    let failed = tenant.until("arm", "to fail", |object| is(object, "FetchFailed", "True")).await;
    let message = condition(&failed, "FetchFailed")["message"].as_str().unwrap().to_owned();
    assert!(message.contains("linux/amd64"), "{message}");
    let annotation = json!({ "source.kubectl-oci.io/platform": "linux/arm64" });
    tenant.patch("arm", &json!({ "metadata": { "annotations": annotation } })).await;
    let object = tenant.run("arm", "now").await;
    assert!(object["status"]["artifact"].is_object() || is(&object, "Ready", "True"), "{object}");
    let object = tenant.ready("arm").await;
    assert_eq!(tenant.files(&object).await["app.yaml"], "arm64");
}
