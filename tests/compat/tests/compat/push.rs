//! What we push, as others read it.

use std::fs;

use oci_testkit::samples;

use crate::bench::{Bench, FLUX_CONTENT, distribution, json, text, tree};

#[test]
fn pushed_manifest_is_the_same_bytes_for_everyone() {
    let (bench, registry) = (Bench::new(), distribution());
    let digest = bench.push(&registry.url("org/app:v1"), &[]);
    let name = format!("{}/org/app:v1", registry.host());
    let manifest = bench.oras(&["manifest", "fetch", "--plain-http", &name]);
    assert_eq!(manifest, bench.crane(&["manifest", &name]));
    assert_eq!(
        manifest,
        bench.ok(&["inspect", "artifact", &registry.url("org/app:v1"), "--raw"]).stdout.as_bytes()
    );
    assert_eq!(bench.sha256(&manifest), digest);
    assert_eq!(bench.crane_text(&["digest", &name]), digest);
    let descriptor = json(bench.oras(&["manifest", "fetch", "--plain-http", "--descriptor", &name]));
    assert_eq!(descriptor["digest"], digest);
    assert_eq!(descriptor["size"], manifest.len());
}

#[test]
fn pushed_blobs_are_the_same_bytes_for_everyone() {
    let (bench, registry) = (Bench::new(), distribution());
    bench.push(&registry.url("app:v1"), &[]);
    let shown = bench.inspect(&registry.url("app:v1"));
    assert_eq!(shown["layers"].as_array().unwrap().len(), 1);
    for descriptor in [&shown["layers"][0], &shown["config"]] {
        let name = format!("{}/app@{}", registry.host(), text(&descriptor["digest"]));
        let blob = bench.crane(&["blob", &name]);
        assert_eq!(bench.oras(&["blob", "fetch", "--plain-http", "--output", "-", &name]), blob);
        assert_eq!(descriptor["size"], blob.len());
        assert_eq!(bench.sha256(&blob), text(&descriptor["digest"]));
    }
}

#[test]
fn pushed_layer_unpacks_to_the_same_files_with_every_tool() {
    let (bench, registry) = (Bench::new(), distribution());
    bench.push(&registry.url("app:v1"), &[]);
    let name = format!("{}/app", registry.host());
    let layer = text(&bench.inspect(&registry.url("app:v1"))["layers"][0]["digest"]);
    let blob = format!("{name}@{layer}");
    bench.oras(&["blob", "fetch", "--plain-http", "--output", "layer.tgz", &blob]);
    bench.crane(&["export", &format!("{name}:v1"), "export.tar"]);
    let expected = tree(&bench.path("app"));
    assert_eq!(bench.untar("layer.tgz"), expected, "tar");
    assert_eq!(bench.untar("export.tar"), expected, "crane export");
    assert_eq!(bench.pull(&registry.url("app:v1")), expected, "pull");
}

#[test]
fn pulled_by_oras_the_artifact_is_complete() {
    let (bench, registry) = (Bench::new(), distribution());
    let digest = bench.push(&registry.url("app:v1"), &[]);
    let name = format!("{}/app:v1", registry.host());
    // Flux's layers have no title, so oras checks the manifest and leaves the layer to `oras copy`.
    let pulled = json(bench.oras(&["pull", "--plain-http", "--format", "json", "-o", "got", &name]));
    assert!(text(&pulled["reference"]).ends_with(&digest), "{pulled}");
    bench.oras(&["copy", "--from-plain-http", &name, "--to-oci-layout", "layout:v1"]);
    let blobs = fs::read_dir(bench.path("layout/blobs/sha256")).unwrap().count();
    assert_eq!(blobs, 3);
}

#[test]
fn pushed_tags_are_listed_by_crane() {
    let (bench, registry) = (Bench::new(), distribution());
    let digest = bench.push(&registry.url("app:v1"), &["--tag", "a,b"]);
    let name = format!("{}/app", registry.host());
    assert_eq!(bench.crane_text(&["ls", &name]).lines().collect::<Vec<_>>(), ["a", "b", "v1"]);
    for tag in ["a", "b", "v1"] {
        assert_eq!(bench.crane_text(&["digest", &format!("{name}:{tag}")]), digest);
    }
}

#[test]
fn tag_keeps_the_digest_that_crane_sees() {
    let (bench, registry) = (Bench::new(), distribution());
    let name = format!("{}/app", registry.host());
    let first = bench.push(&registry.url("app:v1"), &[]);
    bench.write("app/service.yaml", "kind: Service\n");
    let second = bench.push(&registry.url("app:v2"), &[]);
    assert_ne!(first, second);
    bench.ok(&["tag", "artifact", &registry.url("app:v1"), "--tag", "stable,prod"]);
    assert_eq!(bench.crane_text(&["digest", &format!("{name}:stable")]), first);
    bench.ok(&["tag", "artifact", &registry.url(&format!("app@{second}")), "--tag", "stable"]);
    assert_eq!(bench.crane_text(&["digest", &format!("{name}:stable")]), second);
    assert_eq!(bench.crane_text(&["digest", &format!("{name}:prod")]), first);
}

#[test]
fn pushed_megabytes_arrive_whole() {
    let (bench, registry) = (Bench::new(), distribution());
    samples::incompressible(&bench.path("app/large.bin"), 12 << 20).unwrap();
    bench.push(&registry.url("app:v1"), &[]);
    let layer = &bench.inspect(&registry.url("app:v1"))["layers"][0];
    assert_eq!(layer["mediaType"], FLUX_CONTENT);
    assert!(layer["size"].as_u64().unwrap() > 12 << 20);
    let blob = bench.crane(&["blob", &format!("{}/app@{}", registry.host(), text(&layer["digest"]))]);
    assert_eq!(bench.sha256(&blob), text(&layer["digest"]));
    assert_eq!(bench.pull(&registry.url("app:v1")), tree(&bench.path("app")));
}
