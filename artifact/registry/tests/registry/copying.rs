//! Copies between registries and layout folders.

use std::fs;

use oci_artifact::{
    Classify as _,
    archive::Control,
    manifest::{CONFIG_BYTES, OCI_INDEX},
    name::{Repository, Tag, Target},
};
use oci_registry::{Access, Client, Place, copy, layout::Layout};
use oci_testkit::registry::{Class, Registry};

use crate::support::{NAME, layer, quick, seed, tag};

fn place(registry: &Registry, name: &str, access: Access) -> Place {
    let repository = Repository::parse(&format!("{}/{name}", registry.host())).unwrap();
    Place::Registry(Client::new(quick()).repository(&repository, access))
}

fn named(text: &str) -> Vec<Tag> {
    vec![Tag::parse(text).unwrap()]
}

async fn run(from: &Place, what: &str, to: &Place, tags: &[Tag]) -> oci_registry::Copied {
    copy(from, &tag(what), to, tags, 4, &Control::new()).await.unwrap()
}

#[tokio::test]
async fn copy_streams_between_registries_and_keeps_the_digest() {
    let (from, to) = (Registry::start(), Registry::start());
    let layer = seed(&from, "v1", b"content");
    let copied =
        run(&place(&from, NAME, Access::Pull), "v1", &place(&to, "x/y", Access::Push), &named("stable"))
            .await;
    assert_eq!(from.manifest(NAME, "v1"), to.manifest("x/y", "stable"));
    assert_eq!(to.blob("x/y", &layer.digest).unwrap(), b"content");
    assert_eq!((copied.sent, copied.mounted, copied.present), (2, 0, 0));
}

#[tokio::test]
async fn copy_mounts_in_one_registry() {
    let registry = Registry::builder().mounts(true).start();
    seed(&registry, "v1", b"content");
    let from = place(&registry, NAME, Access::Pull);
    let copied = run(&from, "v1", &place(&registry, "x/y", Access::Push), &named("v1")).await;
    assert_eq!((copied.sent, copied.mounted), (0, 2));
    assert_eq!(registry.count(|r| r.class == Class::Blob && r.method == "GET"), 0);
}

#[tokio::test]
async fn copy_streams_where_mounting_is_refused() {
    let registry = Registry::builder().mounts(false).start();
    seed(&registry, "v1", b"content");
    let from = place(&registry, NAME, Access::Pull);
    let copied = run(&from, "v1", &place(&registry, "x/y", Access::Push), &named("v1")).await;
    assert_eq!((copied.sent, copied.mounted), (2, 0));
}

#[tokio::test]
async fn copy_sends_nothing_twice() {
    let (from, to) = (Registry::start(), Registry::start());
    seed(&from, "v1", b"content");
    let (source, sink) = (place(&from, NAME, Access::Pull), place(&to, NAME, Access::Push));
    run(&source, "v1", &sink, &named("v1")).await;
    let again = run(&source, "v1", &sink, &named("v1")).await;
    assert_eq!((again.sent, again.present), (0, 2));
}

#[tokio::test]
async fn copy_takes_an_index_with_its_children() {
    let (from, to) = (Registry::start(), Registry::start());
    seed(&from, "amd64", b"one");
    seed(&from, "arm64", b"two");
    let entry = |name: &str| {
        let bytes = from.manifest(NAME, name).unwrap();
        serde_json::json!({"mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": from.digest(NAME, name).unwrap(), "size": bytes.len(),
            "platform": {"os": "linux", "architecture": name}})
    };
    let index = serde_json::json!({"schemaVersion": 2, "mediaType": OCI_INDEX,
        "manifests": [entry("amd64"), entry("arm64")]});
    from.put_manifest(NAME, "multi", OCI_INDEX, &serde_json::to_vec(&index).unwrap());
    let copied =
        run(&place(&from, NAME, Access::Pull), "multi", &place(&to, NAME, Access::Push), &named("multi"))
            .await;
    assert_eq!(copied.manifests, 3);
    assert_eq!(to.manifest(NAME, "multi"), from.manifest(NAME, "multi"));
    assert_eq!(to.tags(NAME), ["multi"]);
}

#[tokio::test]
async fn layout_carries_an_artifact_between_registries() {
    let (from, to) = (Registry::start(), Registry::start());
    seed(&from, "v1", b"content");
    let folder = tempfile::tempdir().unwrap();
    let layout = Place::Layout(Layout::new(folder.path().join("layout")));
    run(&place(&from, NAME, Access::Pull), "v1", &layout, &named("v1")).await;
    run(&layout, "v1", &place(&to, NAME, Access::Push), &named("v1")).await;
    assert_eq!(from.manifest(NAME, "v1"), to.manifest(NAME, "v1"));
    let marker = fs::read_to_string(folder.path().join("layout/oci-layout")).unwrap();
    assert_eq!(marker, r#"{"imageLayoutVersion":"1.0.0"}"#);
}

#[tokio::test]
async fn layout_keeps_other_tags_and_replaces_its_own() {
    let from = Registry::start();
    seed(&from, "v1", b"one");
    seed(&from, "v2", b"two");
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path());
    let sink = Place::Layout(layout.clone());
    let source = place(&from, NAME, Access::Pull);
    run(&source, "v1", &sink, &[Tag::parse("v1").unwrap(), Tag::parse("latest").unwrap()]).await;
    run(&source, "v2", &sink, &[Tag::parse("v2").unwrap(), Tag::parse("latest").unwrap()]).await;
    let tags: Vec<String> = layout.tags().unwrap().iter().map(Tag::to_string).collect();
    assert_eq!(tags, ["v1", "v2", "latest"]);
    let latest = layout.manifest(&tag("latest")).unwrap();
    assert_eq!(latest.digest, from.digest(NAME, "v2").unwrap());
}

#[tokio::test]
async fn layout_with_manipulated_content_is_refused() {
    let from = Registry::start();
    let layer = seed(&from, "v1", b"content");
    let folder = tempfile::tempdir().unwrap();
    let layout = Place::Layout(Layout::new(folder.path()));
    run(&place(&from, NAME, Access::Pull), "v1", &layout, &named("v1")).await;
    let blob = folder.path().join("blobs/sha256").join(layer.digest.hex());
    fs::write(&blob, b"CONTENT").unwrap();
    let to = Registry::start();
    let sink = place(&to, NAME, Access::Push);
    let error = copy(&layout, &tag("v1"), &sink, &named("v1"), 4, &Control::new()).await.unwrap_err();
    assert_eq!(error.reason(), "DigestMismatch", "{error}");
    fs::remove_file(&blob).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", &blob).unwrap();
    let error = copy(&layout, &tag("v1"), &sink, &named("v1"), 4, &Control::new()).await.unwrap_err();
    assert_eq!(error.reason(), "FileFailed", "{error}");
    assert!(to.tags(NAME).is_empty());
}

#[tokio::test]
async fn layout_says_what_it_does_not_have() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path());
    assert_eq!(layout.manifest(&tag("v1")).unwrap_err().reason(), "FileFailed");
    let from = Registry::start();
    seed(&from, "v1", b"content");
    run(&place(&from, NAME, Access::Pull), "v1", &Place::Layout(layout.clone()), &named("v1")).await;
    assert!(layout.manifest(&tag("v2")).unwrap_err().is_not_found());
    let config = Target::Digest(oci_artifact::name::Digest::of(CONFIG_BYTES));
    assert_eq!(layout.manifest(&config).unwrap_err().reason(), "ManifestInvalid");
}

/// An index of the manifest that was stored as `child`.
fn wrap(registry: &Registry, child: &str, media_type: &str, name: &str) {
    let bytes = registry.manifest(NAME, child).unwrap();
    let index = serde_json::json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
        {"mediaType": media_type, "digest": registry.digest(NAME, child).unwrap(), "size": bytes.len()}]});
    registry.put_manifest(NAME, name, OCI_INDEX, &serde_json::to_vec(&index).unwrap());
}

#[tokio::test]
async fn copy_follows_nested_indexes_only_so_deep() {
    let (from, to) = (Registry::start(), Registry::start());
    seed(&from, "n0", b"content");
    wrap(&from, "n0", "application/vnd.oci.image.manifest.v1+json", "n1");
    for depth in 2..=9 {
        wrap(&from, &format!("n{}", depth - 1), OCI_INDEX, &format!("n{depth}"));
    }
    let (source, sink) = (place(&from, NAME, Access::Pull), place(&to, NAME, Access::Push));
    let copied = run(&source, "n8", &sink, &named("deep")).await;
    assert_eq!(copied.manifests, 9);
    let error = copy(&source, &tag("n9"), &sink, &named("deeper"), 4, &Control::new()).await.unwrap_err();
    assert_eq!(error.reason(), "ProtocolError", "{error}");
    assert_eq!(to.tags(NAME), ["deep"]);
}

#[tokio::test]
async fn layout_stores_no_blob_under_a_name_that_is_not_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path());
    let wrong = layer(b"announced");
    for (bytes, reason) in [(&b"something"[..], "DigestMismatch"), (b"short", "SizeMismatch")] {
        let error = layout.put_blob(&wrong, &bytes::Bytes::copy_from_slice(bytes)).await.unwrap_err();
        assert_eq!(error.reason(), reason, "{error}");
    }
    assert!(!layout.has_blob(&wrong));
    assert_eq!(fs::read_dir(folder.path().join("blobs/sha256")).unwrap().count(), 0, "no temporary file");
}
