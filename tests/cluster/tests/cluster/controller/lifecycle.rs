//! From an object's creation to its end.

use std::time::Duration;

use kube::api::{DeleteParams, Patch, PatchParams};
use oci_testkit::{
    control_plane::eventually,
    registry::{Act, Class, Fault, Match},
};
use serde_json::json;

use super::{
    push::{FLUX, Image, archive},
    tenant::{Tenant, condition, fetch, is},
    world::LONG,
};
use crate::objects::{apply, object};

const FINALIZER: &str = "finalizers.fluxcd.io";

#[tokio::test]
async fn controller_makes_an_object_ready_with_all_that_consumers_read() {
    let tenant = Tenant::new().await;
    let digest = Image::of(&[("a/app.yaml", "a: 1\n"), ("b.yaml", "b: 2\n")])
        .annotated("org.opencontainers.image.revision", "main@sha1:b3b00fe35424a45d373bf4c7214178bc36fd7872")
        .annotated("org.opencontainers.image.source", "https://github.com/org/app")
        .push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let object = tenant.ready("app").await;

    assert_eq!(object["metadata"]["finalizers"], json!([FINALIZER]));
    let (status, artifact) = (&object["status"], &object["status"]["artifact"]);
    assert_eq!(artifact["revision"], format!("v1@{digest}"));
    let folder = format!("ocirepository/{}/app", tenant.namespace);
    assert_eq!(artifact["path"], format!("{folder}/{digest}.tar.gz"));
    let base = tenant.controller().artifacts();
    assert_eq!(artifact["url"], format!("{base}/{folder}/{digest}.tar.gz"));
    assert_eq!(status["url"], format!("{base}/{folder}/latest.tar.gz"));
    let metadata = &artifact["metadata"];
    assert_eq!(metadata["org.opencontainers.image.source"], "https://github.com/org/app");
    assert_eq!(metadata.as_object().unwrap().len(), 2);
    assert!(artifact["lastUpdateTime"].as_str().unwrap().ends_with('Z'));
    for kind in ["Ready", "ArtifactInStorage"] {
        assert_eq!(condition(&object, kind)["reason"], "Succeeded");
        assert!(condition(&object, kind)["message"].as_str().unwrap().contains(&format!("v1@{digest}")));
    }
    let files = tenant.files(&object).await;
    assert_eq!(files["a/app.yaml"], "a: 1\n");
    assert_eq!(files["b.yaml"], "b: 2\n");
    assert_eq!(files.len(), 2);
    let latest = fetch(status["url"].as_str().unwrap()).await.unwrap();
    assert_eq!(latest, tenant.download(&object).await);
}

#[tokio::test]
async fn controller_copies_a_layer_byte_for_byte() {
    let tenant = Tenant::new().await;
    let layer = archive(&[("app.yaml", "a: 1\n")]);
    Image::default().layer(FLUX, &layer).push(&tenant.registry, "org/app", "v1");
    let selector = json!({ "mediaType": FLUX, "operation": "copy" });
    tenant.apply("app", &json!({ "ref": { "tag": "v1" }, "layerSelector": selector })).await;
    let object = tenant.ready("app").await;
    assert_eq!(tenant.download(&object).await, layer);
    assert_eq!(object["status"]["observedLayerSelector"], selector);
}

#[tokio::test]
async fn controller_stores_what_tar_can_read() {
    let tenant = Tenant::new().await;
    Image::of(&[("deep/er/app.yaml", "a: 1\n")]).push(&tenant.registry, "org/app", "latest");
    tenant.apply("app", &json!({})).await;
    let object = tenant.ready("app").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("artifact.tar.gz");
    std::fs::write(&file, tenant.download(&object).await).unwrap();
    let mut tar = std::process::Command::new("tar");
    tar.arg("-xzf").arg(&file).arg("-C").arg(folder.path());
    oci_testkit::control_plane::Ran::of(tar).await.succeeded();
    assert_eq!(std::fs::read_to_string(folder.path().join("deep/er/app.yaml")).unwrap(), "a: 1\n");
}

#[tokio::test]
async fn controller_follows_a_tag_that_moves() {
    let tenant = Tenant::new().await;
    let first = Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" }, "interval": "200ms" })).await;
    let old = tenant.ready_at("app", &format!("v1@{first}")).await;
    let second = Image::saying("two").push(&tenant.registry, "org/app", "v1");
    let new = tenant.ready_at("app", &format!("v1@{second}")).await;
    assert_eq!(tenant.files(&new).await["app.yaml"], "two");
    // Who read the status a moment ago can still download what it said.
    assert_eq!(tenant.files(&old).await["app.yaml"], "one");
}

#[tokio::test]
async fn controller_concludes_anew_when_an_object_changes_during_its_run() {
    let tenant = Tenant::new().await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    let digest = Image::saying("two").push(&tenant.registry, "org/app", "v2");
    let slow = || Fault::once(Match::class(Class::Manifest), Act::Delay(Duration::from_millis(700)));
    let asked =
        async || {
            eventually("a run", LONG, async || {
                if tenant.registry.requests().is_empty() { Err("none") } else { Ok(()) }
            })
            .await;
        };
    // Something that does not matter.
    tenant.registry.fault(slow());
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    asked().await;
    tenant.patch("app", &json!({ "metadata": { "labels": { "changed": "meanwhile" } } })).await;
    tenant.ready("app").await;
    // Something that does: what was found out is not about this spec any more.
    tenant.registry.fault(slow());
    tenant.registry.reset();
    let annotation = json!({ "reconcile.fluxcd.io/requestedAt": "now" });
    tenant.patch("app", &json!({ "metadata": { "annotations": annotation } })).await;
    asked().await;
    tenant.apply("app", &json!({ "ref": { "tag": "v2" } })).await;
    let object = tenant.ready("app").await;
    assert_eq!(object["status"]["artifact"]["revision"], format!("v2@{digest}"));
    assert_eq!(object["metadata"]["labels"]["changed"], "meanwhile");
}

#[tokio::test]
async fn controller_records_requests_also_of_runs_that_fail() {
    let tenant = Tenant::new().await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("good", &json!({ "ref": { "tag": "v1" } })).await;
    tenant.ready("good").await;
    tenant.run("good", "first").await;
    tenant.run("good", "").await;
    tenant.apply("bad", &json!({ "ref": { "tag": "missing" } })).await;
    tenant.failed("bad", "FetchFailed", "OCIArtifactPullFailed").await;
    tenant.run("bad", "second").await;
}

#[tokio::test]
async fn controller_removes_what_it_stored_when_an_object_is_deleted() {
    let tenant = Tenant::new().await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    let folder = tenant.controller().storage().join("ocirepository").join(&tenant.namespace);
    for (name, suspend) in [("working", false), ("suspended", true)] {
        tenant.apply(name, &json!({ "ref": { "tag": "v1" } })).await;
        let object = tenant.ready(name).await;
        tenant.apply(name, &json!({ "ref": { "tag": "v1" }, "suspend": suspend })).await;
        assert!(folder.join(name).is_dir());
        tenant.delete(name).await;
        tenant.gone(name).await;
        assert!(!folder.join(name).exists());
        let url = object["status"]["artifact"]["url"].as_str().unwrap();
        assert!(fetch(url).await.unwrap_err().contains("404"));
    }
}

#[tokio::test]
async fn controller_adds_no_finalizer_to_an_object_that_goes() {
    let tenant = Tenant::new().await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    // Nobody looks after this shard until the label goes.
    let mut going = object("app", "v1", &tenant.spec(&json!({ "ref": { "tag": "v1" } })));
    going["metadata"]["labels"] = json!({ "sharding.fluxcd.io/key": "nobody" });
    going["metadata"]["finalizers"] = json!(["example.com/foreign"]);
    apply(&tenant.api, &going).await.unwrap();
    tenant.delete("app").await;
    let label = json!({ "metadata": { "labels": { "sharding.fluxcd.io/key": null } } });
    tenant.patch("app", &label).await;
    // Something that comes later is done: so is this.
    tenant.apply("later", &json!({ "ref": { "tag": "v1" } })).await;
    tenant.ready("later").await;
    let object = tenant.get("app").await;
    assert_eq!(object["metadata"]["finalizers"], json!(["example.com/foreign"]));
    assert!(!is(&object, "Ready", "True"));
    let none = json!({ "metadata": { "finalizers": null } });
    tenant.patch("app", &none).await;
    tenant.gone("app").await;
}

#[tokio::test]
async fn controller_puts_a_lost_finalizer_back() {
    let tenant = Tenant::new().await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    tenant.ready("app").await;
    let none = json!({ "metadata": { "finalizers": null } });
    tenant.api.patch("app", &PatchParams::default(), &Patch::Merge(none)).await.unwrap();
    tenant.run("app", "now").await;
    tenant
        .until("app", "the finalizer", |object| object["metadata"]["finalizers"] == json!([FINALIZER]))
        .await;
    // With another one beside it, ours alone goes.
    let both = json!({ "metadata": { "finalizers": [FINALIZER, "example.com/foreign"] } });
    tenant.patch("app", &both).await;
    tenant.api.delete("app", &DeleteParams::default()).await.unwrap();
    eventually("our finalizer to go", LONG, async || {
        let left = tenant.get("app").await["metadata"]["finalizers"].clone();
        if left == json!(["example.com/foreign"]) { Ok(()) } else { Err(left.to_string()) }
    })
    .await;
    tenant.patch("app", &json!({ "metadata": { "finalizers": null } })).await;
    tenant.gone("app").await;
}
