//! What is on disk, and what is served.

use std::{collections::BTreeSet, fs, path::PathBuf};

use oci_testkit::{
    control_plane::eventually,
    registry::{Act, Class, Fault, Match},
};
use serde_json::{Value, json};

use super::{
    push::Image,
    tenant::{Tenant, condition, fetch, is},
    world::{LONG, shard, started, was_well},
};

fn blobs(tenant: &Tenant<'_>) -> usize {
    tenant.registry.count(|request| request.class == Class::Blob)
}

/// The file behind the artifact.
fn file(tenant: &Tenant<'_>, object: &Value) -> PathBuf {
    tenant.controller().storage().join(object["status"]["artifact"]["path"].as_str().unwrap())
}

#[tokio::test]
async fn controller_starts_again_without_a_download_and_without_a_word() {
    let name = "restart";
    let tenant = Tenant::of_shard(name).await;
    let mut controller = started(shard(name).await);
    for app in ["one", "two"] {
        Image::saying(app).push(&tenant.registry, "org/app", app);
        tenant.apply(app, &json!({ "ref": { "tag": app } })).await;
        tenant.ready(app).await;
    }
    let state = async |name: &str| {
        tenant.event(name, "NewArtifact").await;
        let object = tenant.get(name).await;
        (object["metadata"]["resourceVersion"].clone(), tenant.events(name).await.len())
    };
    let before = [state("one").await, state("two").await];
    for gently in [true, false] {
        tenant.registry.reset();
        if gently {
            assert_eq!(controller.terminate(), 0, "{}", controller.log());
        }
        controller.kill();
        controller.restart();
        controller.wait_ready();
        eventually("a poll of each", LONG, async || {
            let polls = tenant.registry.count(|request| request.method == "HEAD");
            if polls >= 2 { Ok(()) } else { Err(format!("{polls}")) }
        })
        .await;
        for name in ["one", "two"] {
            tenant.download(&tenant.ready(name).await).await;
        }
        assert_eq!(blobs(&tenant), 0);
        assert_eq!([state("one").await, state("two").await], before);
    }
    was_well(&controller);
}

#[tokio::test]
async fn controller_fetches_a_missing_file_again() {
    let tenant = Tenant::new().await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let object = tenant.ready("app").await;
    fs::remove_file(file(&tenant, &object)).unwrap();
    tenant.run("app", "now").await;
    let again = tenant.ready("app").await;
    assert_eq!(object["status"]["artifact"]["digest"], again["status"]["artifact"]["digest"]);
    tenant.download(&again).await;
    assert_eq!(blobs(&tenant), 2);
}

#[tokio::test]
async fn controller_fetches_again_what_a_reader_did_not_find() {
    let tenant = Tenant::new().await;
    // Nobody else's: equal contents are one file, which could be in memory since somebody else's download.
    Image::saying("what a reader did not find").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let object = tenant.ready("app").await;
    let (file, url) = (file(&tenant, &object), object["status"]["artifact"]["url"].as_str().unwrap());
    // A run that happens to be on its way may bring it back first.
    eventually("a reader that finds nothing", LONG, async || {
        let _ = fs::remove_file(&file);
        if fetch(url).await.is_err() { Ok(()) } else { Err("it was served".to_owned()) }
    })
    .await;
    // The next poll is an hour away, and nobody asks for a run.
    eventually("the file", LONG, async || fetch(url).await.map(drop)).await;
    tenant.download(&object).await;
    assert_eq!(blobs(&tenant), 2);
}

#[tokio::test]
async fn controller_replaces_a_file_that_was_tampered_with_and_says_so() {
    let tenant = Tenant::new().await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let object = tenant.ready("app").await;
    let file = file(&tenant, &object);
    let size = usize::try_from(fs::metadata(&file).unwrap().len()).unwrap();
    // As long as it was, and in place.
    fs::write(&file, vec![0; size]).unwrap();
    tenant.run("app", "now").await;
    let again = tenant.ready("app").await;
    tenant.download(&again).await;
    assert_eq!(blobs(&tenant), 2);
    let event = tenant.event("app", "ArtifactVerificationFailed").await;
    assert_eq!(event.type_.as_deref(), Some("Warning"));
}

#[tokio::test]
async fn controller_serves_the_last_good_artifact_while_a_newer_one_fails() {
    let tenant = Tenant::new().await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let good = tenant.ready("app").await;
    tenant.registry.fault(Fault::once(Match::class(Class::Blob), Act::Corrupt(20)));
    tenant.registry.fault(Fault::always(Match::class(Class::Blob), Act::status(503)));
    let digest = Image::saying("two").push(&tenant.registry, "org/app", "v1");
    tenant.run("app", "now").await;
    tenant.failed("app", "FetchFailed", "OCIArtifactLayerOperationFailed").await;
    let bad = tenant.get("app").await;
    assert!(is(&bad, "ArtifactOutdated", "True"), "{bad}");
    assert_eq!(condition(&bad, "ArtifactOutdated")["reason"], "NewRevision");
    assert_eq!(bad["status"]["artifact"], good["status"]["artifact"]);
    assert_eq!(tenant.files(&bad).await["app.yaml"], "one");
    tenant.registry.clear_faults();
    // It is tried again although nobody asks.
    let new = tenant.ready_at("app", &format!("v1@{digest}")).await;
    assert_eq!(tenant.files(&new).await["app.yaml"], "two");
}

/// The names of the artifacts of an object on disk.
fn stored(controller: &oci_testkit::controller::Controller, tenant: &Tenant<'_>) -> BTreeSet<String> {
    let folder = controller.storage().join("ocirepository").join(&tenant.namespace).join("app");
    let entries = fs::read_dir(folder).unwrap().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("sha256:"))
        .collect()
}

#[tokio::test]
async fn controller_keeps_no_more_superseded_files_than_it_may() {
    let name = "retention";
    let tenant = Tenant::of_shard(name).await;
    let options = shard(name).await;
    let controller =
        started(options.with("--artifact-retention-records=2").with("--artifact-retention-ttl=2s"));
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let mut digests = Vec::new();
    for text in ["one", "two", "three", "four"] {
        let digest = Image::saying(text).push(&tenant.registry, "org/app", "v1");
        tenant.run("app", text).await;
        tenant.ready_at("app", &format!("v1@{digest}")).await;
        digests.push(format!("{digest}.tar.gz"));
        assert!(stored(&controller, &tenant).contains(&digests[digests.len() - 1]));
    }
    // Two at once, and only one after a while, although nothing happens any more.
    eventually("the superseded files to go", LONG, async || {
        let found = stored(&controller, &tenant);
        if found.iter().eq(digests.last()) { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
    was_well(&controller);
}

#[tokio::test]
async fn controller_advertises_its_new_address() {
    let name = "address";
    let tenant = Tenant::of_shard(name).await;
    let mut controller = started(shard(name).await);
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let before = tenant.ready("app").await;
    let selector = format!("--watch-label-selector=sharding.fluxcd.io/key={name}");
    controller.restart_with(&[&selector, "--storage-adv-addr=source.example.com."]);
    controller.wait_ready();
    let base = "http://source.example.com./ocirepository/";
    let after = tenant
        .until("app", "the new address", |object| {
            object["status"]["artifact"]["url"].as_str().is_some_and(|url| url.starts_with(base))
        })
        .await;
    assert!(after["status"]["url"].as_str().unwrap().starts_with(base), "{after}");
    for field in ["digest", "path", "revision", "lastUpdateTime"] {
        assert_eq!(before["status"]["artifact"][field], after["status"]["artifact"][field]);
    }
    assert_eq!(blobs(&tenant), 1);
}

#[tokio::test]
async fn controller_serves_nothing_but_artifacts() {
    let tenant = Tenant::new().await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let object = tenant.ready("app").await;
    let base = tenant.controller().artifacts();
    let folder = format!("{base}/ocirepository/{}", tenant.namespace);
    for url in [
        format!("{base}/"),
        format!("{folder}/"),
        format!("{folder}/app/"),
        format!("{folder}/app/nothing.tar.gz"),
        format!("{folder}/app/%2e%2e/app/latest.tar.gz/../../../../etc/passwd"),
        format!("{base}/..%2f..%2fetc/passwd"),
    ] {
        assert!(fetch(&url).await.is_err(), "{url}");
    }
    let url = object["status"]["artifact"]["url"].as_str().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let whole = client.get(url).send().await.unwrap();
    let tag = whole.headers()["etag"].clone();
    let bytes = whole.bytes().await.unwrap();
    let part = client.get(url).header("range", "bytes=2-5").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.bytes().await.unwrap(), bytes[2..6]);
    let known = client.get(url).header("if-none-match", tag).send().await.unwrap();
    assert_eq!(known.status(), 304);
}
