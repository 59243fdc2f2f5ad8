//! What is taken from an artifact, and what becomes of it.

use std::{
    io,
    sync::{Arc, Mutex},
};

use oci_artifact::{
    Class,
    manifest::{Descriptor, FLUX_CONTENT, Index, OCI_INDEX, OCI_MANIFEST, Platform},
    name::{Algorithm, Digest},
};
use oci_decide::Step;
use oci_source::store::{Content, Folder, Owner, PublishFuture, Store, StoreError};
use oci_testkit::registry::Registry;
use serde_json::json;
use tempfile::NamedTempFile;

use crate::support::{Case, NAME, World, archive, files, manifest, seed};

fn tag() -> serde_json::Value {
    json!({ "ref": { "tag": "v1" } })
}

#[tokio::test]
async fn run_leaves_out_what_is_ignored() {
    let (registry, world) = (Registry::start(), World::new());
    seed(&registry, "v1", &[("a.yaml", "a"), ("b.txt", "b"), ("logo.png", "c"), (".github/x.yaml", "d")]);
    world.stored(&Case::new(&registry, tag())).await;
    assert_eq!(files(&world.bytes()).into_keys().collect::<Vec<_>>(), ["a.yaml", "b.txt"]);
    let spec = json!({ "ref": { "tag": "v1" }, "ignore": "/*\n!/b.txt" });
    world.stored(&Case::new(&registry, spec)).await;
    assert_eq!(files(&world.bytes()).into_keys().collect::<Vec<_>>(), ["b.txt"]);
}

#[tokio::test]
async fn run_copies_any_bytes_as_they_are() {
    let (registry, world) = (Registry::start(), World::new());
    let layer = b"neither gzip nor tar";
    let bytes = manifest(&registry, &[("text/plain", layer)], &[("a", "b"), ("c", "d")]);
    registry.put_manifest(NAME, "v1", OCI_MANIFEST, &bytes);
    let spec = json!({ "ref": { "tag": "v1" }, "layerSelector": { "operation": "copy" } });
    let artifact = world.stored(&Case::new(&registry, spec)).await;
    assert_eq!(world.bytes(), layer);
    assert_eq!((artifact.digest, artifact.size), (Digest::of(layer).to_string(), Some(20)));
    let metadata: Vec<(String, String)> = artifact.metadata.unwrap().into_iter().collect();
    assert_eq!(metadata, [("a".into(), "b".into()), ("c".into(), "d".into())]);
}

#[tokio::test]
async fn run_hashes_a_copy_anew_for_another_algorithm() {
    let (registry, world) = (Registry::start(), World::with(|options| options.algorithm = Algorithm::Sha512));
    let bytes = manifest(&registry, &[("text/plain", b"abc")], &[]);
    registry.put_manifest(NAME, "v1", OCI_MANIFEST, &bytes);
    let spec = json!({ "ref": { "tag": "v1" }, "layerSelector": { "operation": "copy" } });
    let artifact = world.stored(&Case::new(&registry, spec)).await;
    assert!(artifact.digest.starts_with("sha512:ddaf35a193617abacc417349ae204131"), "{}", artifact.digest);
    assert_eq!(artifact.metadata, None);
}

#[tokio::test]
async fn run_takes_the_layer_of_a_media_type() {
    let (registry, world) = (Registry::start(), World::new());
    let (one, two) = (archive(&[("a.yaml", "one")]), archive(&[("a.yaml", "two")]));
    let bytes = manifest(&registry, &[("x/first", &one), (FLUX_CONTENT, &two)], &[]);
    registry.put_manifest(NAME, "v1", OCI_MANIFEST, &bytes);
    let spec = json!({ "ref": { "tag": "v1" }, "layerSelector": { "mediaType": FLUX_CONTENT } });
    world.stored(&Case::new(&registry, spec)).await;
    assert_eq!(files(&world.bytes())["a.yaml"], "two");
}

#[tokio::test]
async fn run_without_its_layer_says_which_there_are() {
    let (registry, world) = (Registry::start(), World::new());
    seed(&registry, "v1", &[]);
    let spec = json!({ "ref": { "tag": "v1" }, "layerSelector": { "mediaType": "x/y" } });
    let failure = world.failed(&Case::new(&registry, spec)).await;
    assert_eq!((failure.step, failure.class), (Step::Layer, Class::Terminal));
    assert_eq!(failure.message, "failed to find layer with media type 'x/y' in artifact");
    assert!(failure.hint.unwrap().ends_with(FLUX_CONTENT));
    let bytes = manifest(&registry, &[], &[]);
    registry.put_manifest(NAME, "v1", OCI_MANIFEST, &bytes);
    let failure = world.failed(&Case::new(&registry, tag())).await;
    assert_eq!((failure.step, failure.message.as_str()), (Step::Layer, "no layers found in artifact"));
}

#[tokio::test]
async fn run_refuses_annotations_without_end() {
    let (registry, world) = (Registry::start(), World::new());
    for (bytes, fits) in [((256 << 10) - 1, true), (256 << 10, false)] {
        let value = "x".repeat(bytes);
        let bytes = manifest(&registry, &[(FLUX_CONTENT, &archive(&[("a", "a")]))], &[("k", &value)]);
        registry.put_manifest(NAME, "v1", OCI_MANIFEST, &bytes);
        let case = Case::new(&registry, tag());
        if fits {
            world.stored(&case).await;
        } else {
            let failure = world.failed(&case).await;
            assert_eq!((failure.step, failure.class), (Step::Manifest, Class::Terminal));
            assert!(failure.message.contains("262145 bytes, more than 262144"), "{}", failure.message);
        }
    }
}

/// Puts an index of these children, and returns a descriptor of it.
fn index(registry: &Registry, target: &str, children: &[(&str, &Descriptor)]) -> Descriptor {
    let children = children.iter().map(|(platform, child)| {
        let (os, architecture) = platform.split_once('/').unwrap();
        let platform = Platform { os: os.into(), architecture: architecture.into(), variant: None };
        Descriptor { platform: Some(platform), ..(*child).clone() }
    });
    let bytes = serde_json::to_vec(&Index::new(children.collect())).unwrap();
    let digest = Digest::of(&bytes);
    let target = if target.is_empty() { digest.to_string() } else { target.to_owned() };
    registry.put_manifest(NAME, &target, OCI_INDEX, &bytes);
    Descriptor::new(OCI_INDEX, digest, bytes.len() as u64)
}

fn child(registry: &Registry, content: &str) -> Descriptor {
    let bytes = manifest(registry, &[(FLUX_CONTENT, &archive(&[("a.yaml", content)]))], &[("of", content)]);
    let digest = registry.put_manifest(NAME, &Digest::of(&bytes).to_string(), OCI_MANIFEST, &bytes);
    Descriptor::new(OCI_MANIFEST, digest, bytes.len() as u64)
}

#[tokio::test]
async fn run_of_an_index_takes_the_platform() {
    let (registry, world) = (Registry::start(), World::new());
    let (intel, arm) = (child(&registry, "intel"), child(&registry, "arm"));
    let top = index(&registry, "v1", &[("linux/arm64", &arm), ("linux/amd64", &intel)]);
    for (case, expected) in
        [(Case::new(&registry, tag()), "intel"), (Case::new(&registry, tag()).platform("linux/arm64"), "arm")]
    {
        let artifact = world.stored(&case).await;
        assert_eq!(artifact.revision, format!("v1@{}", top.digest), "the revision is that of the index");
        assert_eq!(artifact.metadata.unwrap()["of"], expected);
        assert_eq!(files(&world.bytes())["a.yaml"], expected);
    }
    let failure = world.failed(&Case::new(&registry, tag()).platform("windows/amd64")).await;
    assert_eq!((failure.step, failure.class), (Step::Manifest, Class::Terminal));
    assert!(failure.message.ends_with("it has: linux/arm64, linux/amd64"), "{}", failure.message);
    let failure = world.failed(&Case::new(&registry, tag()).platform("windows")).await;
    assert_eq!((failure.step, failure.class), (Step::Manifest, Class::Terminal));
}

#[tokio::test]
async fn run_follows_indexes_inside_of_indexes_so_far() {
    let (registry, world) = (Registry::start(), World::new());
    let inner = child(&registry, "inner");
    let one = index(&registry, "", &[("linux/amd64", &inner)]);
    let two = index(&registry, "", &[("linux/amd64", &one)]);
    let three = index(&registry, "v1", &[("linux/amd64", &two)]);
    world.stored(&Case::new(&registry, tag())).await;
    index(&registry, "v1", &[("linux/amd64", &three)]);
    let failure = world.failed(&Case::new(&registry, tag())).await;
    assert_eq!((failure.step, failure.class), (Step::Manifest, Class::Terminal));
    assert!(failure.message.contains("more than 3 indexes"), "{}", failure.message);
}

/// A store that takes nothing.
struct Full {
    folder: Folder,
    drafts: Mutex<Vec<std::path::PathBuf>>,
}

impl Store for Full {
    fn draft(&self) -> Result<NamedTempFile, StoreError> {
        let draft = self.folder.draft()?;
        self.drafts.lock().unwrap().push(draft.path().to_owned());
        Ok(draft)
    }

    fn publish<'a>(&'a self, _: &'a Owner, _: NamedTempFile, _: &'a Content) -> PublishFuture<'a> {
        let source = io::Error::from(io::ErrorKind::StorageFull);
        Box::pin(async { Err(StoreError::Io { attempted: "renaming".into(), source }) })
    }
}

#[tokio::test]
async fn run_that_cannot_publish_leaves_no_files() {
    let registry = Registry::start();
    seed(&registry, "v1", &[("a.yaml", "a")]);
    let full =
        Arc::new(Full { folder: Folder::new(None, jiff::Timestamp::UNIX_EPOCH), drafts: Mutex::default() });
    let world = World::with(|options| options.store = Arc::clone(&full) as Arc<dyn Store>);
    let failure = world.failed(&Case::new(&registry, tag())).await;
    assert_eq!((failure.step, failure.class), (Step::Store, Class::Retry { after: None }));
    assert!(failure.hint.unwrap().contains("free space"));
    let drafts = full.drafts.lock().unwrap();
    assert_eq!(drafts.len(), 2);
    assert!(drafts.iter().all(|path| !path.exists()));
}
