//! What a run asks the registry for.

use oci_artifact::Class;
use oci_decide::{Choice, Outcome, Step};
use oci_testkit::registry::{Act, Class as Endpoint, Fault, Match, Registry};
use serde_json::json;

use crate::support::{Case, NAME, World, asked, files, seed};

fn tag(tag: &str) -> serde_json::Value {
    json!({ "ref": { "tag": tag } })
}

#[tokio::test]
async fn run_stores_what_a_tag_names() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let case = Case::new(&registry, tag("v1"));
    let artifact = world.stored(&case).await;
    assert_eq!(artifact.revision, format!("v1@{digest}"));
    assert_eq!(artifact.path, format!("ocirepository/team/app/{digest}.tar.gz"));
    assert_eq!(artifact.digest, oci_artifact::name::Digest::of(&world.bytes()).to_string());
    assert_eq!(artifact.size, i64::try_from(world.bytes().len()).ok());
    assert_eq!(artifact.url, "");
    assert!(artifact.last_update_time.is_some());
    assert_eq!(case.told.all(), [format!("v1@{digest}")]);
    assert_eq!(asked(&registry), ["HEAD Manifest", "GET Manifest", "GET Blob"]);
}

#[tokio::test]
async fn poll_of_an_unchanged_tag_is_one_request() {
    let (registry, world) = (Registry::start(), World::new());
    seed(&registry, "v1", &[("a.yaml", "a")]);
    let artifact = world.stored(&Case::new(&registry, tag("v1"))).await;
    registry.reset();
    let case = Case::new(&registry, tag("v1")).storing(&artifact);
    let Outcome::Kept(resolved) = world.run(&case).await else { panic!() };
    assert_eq!(resolved.revision.to_string(), artifact.revision);
    assert_eq!(asked(&registry), ["HEAD Manifest"]);
    assert_eq!(registry.accepts(), 0, "the connection of the last run is used");
    assert!(case.told.all().is_empty());
}

#[tokio::test]
async fn run_of_a_pinned_and_stored_artifact_touches_nothing() {
    let (mut registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let spec = json!({ "ref": { "digest": digest.to_string() } });
    let first = Case::new(&registry, spec.clone());
    let artifact = world.stored(&first).await;
    assert_eq!(artifact.revision, digest.to_string());
    assert_eq!(
        (asked(&registry), first.materials.reads()),
        (vec!["GET Manifest".into(), "GET Blob".into()], 1)
    );
    registry.reset();
    registry.stop();
    let case = Case::new(&registry, spec).storing(&artifact);
    let Outcome::Kept(resolved) = world.run(&case).await else { panic!() };
    assert_eq!(resolved.choice, Choice::Digest);
    assert_eq!((asked(&registry).len(), case.materials.reads()), (0, 0));
}

#[tokio::test]
async fn run_of_a_moved_tag_downloads_once() {
    let (registry, world) = (Registry::start(), World::new());
    seed(&registry, "v1", &[("a.yaml", "a")]);
    let old = world.stored(&Case::new(&registry, tag("v1"))).await;
    let digest = seed(&registry, "v1", &[("a.yaml", "b")]);
    registry.reset();
    let case = Case::new(&registry, tag("v1")).storing(&old);
    let new = world.stored(&case).await;
    assert_eq!(new.revision, format!("v1@{digest}"));
    assert_eq!(asked(&registry), ["HEAD Manifest", "GET Manifest", "GET Blob"]);
    assert_eq!(case.materials.reads(), 1);
}

#[tokio::test]
async fn run_takes_what_was_resolved_also_if_the_tag_moves_meanwhile() {
    let (registry, world) = (Registry::start(), World::new());
    let first = seed(&registry, "v1", &[("a.yaml", "first")]);
    seed(&registry, "v1", &[("a.yaml", "second")]);
    let head = Match::class(Endpoint::Manifest).method("HEAD");
    registry.fault(Fault::once(head, Act::digest_header(&first.to_string())));
    let artifact = world.stored(&Case::new(&registry, tag("v1"))).await;
    assert_eq!(artifact.revision, format!("v1@{first}"));
    assert_eq!(files(&world.bytes())["a.yaml"], "first");
}

#[tokio::test]
async fn run_of_a_range_takes_the_highest_version() {
    let (registry, world) = (Registry::start(), World::new());
    for tag in ["1.0.0", "1.1.0", "1.2.0-rc.1", "2.0.0", "latest"] {
        seed(&registry, tag, &[("a.yaml", tag)]);
    }
    let case = Case::new(&registry, json!({ "ref": { "semver": "1.x" } }));
    let Outcome::Stored { resolved, artifact } = world.run(&case).await else { panic!() };
    let expected = registry.digest(NAME, "1.1.0").unwrap();
    assert_eq!(artifact.revision, format!("1.1.0@{expected}"));
    let Choice::Range { tags, matching, runners_up } = resolved.choice else { panic!() };
    assert_eq!((tags, matching, runners_up[0].as_str()), (5, 2, "1.0.0"));
    assert_eq!(asked(&registry), ["GET Tags", "HEAD Manifest", "GET Manifest", "GET Blob"]);
    registry.reset();
    let case = Case::new(&registry, json!({ "ref": { "semver": "1.x" } })).storing(&artifact);
    assert!(matches!(world.run(&case).await, Outcome::Kept(_)));
    assert_eq!(asked(&registry), ["GET Tags", "HEAD Manifest"]);
}

#[tokio::test]
async fn run_of_a_range_without_a_version_waits_for_one() {
    let (registry, world) = (Registry::start(), World::new());
    seed(&registry, "1.0.0", &[]);
    let failure = world.failed(&Case::new(&registry, json!({ "ref": { "semver": ">=2" } }))).await;
    assert_eq!((failure.step, failure.class), (Step::Tag, Class::Retry { after: None }));
    assert!(
        failure.message.contains("is in the range '>=2': of 1 tags, 1 are versions"),
        "{}",
        failure.message
    );
    assert_eq!(failure.hint.as_deref(), Some("the highest versions are 1.0.0"));
}

#[tokio::test]
async fn run_reads_material_only_if_the_registry_is_needed() {
    let (registry, world) = (Registry::start(), World::new());
    let mut case = Case::new(&registry, tag("v1"));
    case.observed.spec.suspend = Some(true);
    assert!(matches!(world.run(&case).await, Outcome::Suspended));
    assert_eq!((case.materials.reads(), registry.accepts()), (0, 0));
}
