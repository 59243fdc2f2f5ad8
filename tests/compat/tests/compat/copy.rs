//! `copy artifact` between real registries, and OCI layouts in exchange with oras and crane.

use serde_json::Value;

use crate::bench::{Bench, distribution, json, olareg, text, tree};

fn copy(bench: &Bench, from: &str, to: &str) -> Value {
    json(bench.ok(&["copy", "artifact", from, to, "-o", "json"]).stdout)
}

#[test]
fn copy_keeps_the_digest_from_registry_to_registry_and_back() {
    let (bench, one, two) = (Bench::new(), distribution(), olareg());
    let digest = bench.push(&one.url("org/app:v1"), &[]);
    let there = copy(&bench, &one.url("org/app:v1"), &two.url("mirror/app:v1"));
    let back = copy(&bench, &two.url("mirror/app:v1"), &one.url("back/app:v2"));
    assert_eq!((&there["digest"], &back["digest"]), (&Value::from(digest.as_str()), &there["digest"]));
    assert_eq!(there["blobsSent"], 2);
    for name in [format!("{}/mirror/app:v1", two.host()), format!("{}/back/app:v2", one.host())] {
        assert_eq!(bench.crane_text(&["digest", &name]), digest);
    }
    assert_eq!(bench.pull(&one.url("back/app:v2")), tree(&bench.path("app")));
}

#[test]
fn copy_mounts_in_one_real_registry() {
    let (bench, registry) = (Bench::new(), distribution());
    let digest = bench.push(&registry.url("app:v1"), &[]);
    let seen = bench.ok(&["copy", "artifact", &registry.url("app:v1"), &registry.url("prod/app:v1")]);
    assert!(seen.stderr.contains("blobs: 2 mounted"), "{}", seen.stderr);
    assert_eq!(bench.crane_text(&["digest", &format!("{}/prod/app:v1", registry.host())]), digest);
    let again = copy(&bench, &registry.url("app:v1"), &registry.url("prod/app:v2"));
    assert_eq!((&again["blobsPresent"], &again["blobsMounted"]), (&Value::from(2), &Value::from(0)));
}

#[test]
fn copy_goes_through_a_layout_folder() {
    let (bench, one, two) = (Bench::new(), distribution(), olareg());
    let digest = bench.push(&one.url("app:v1"), &[]);
    copy(&bench, &one.url("app:v1"), "oci-layout://air/gap:v1");
    let sent = copy(&bench, "oci-layout://air/gap:v1", &two.url("app:v1"));
    assert_eq!(sent["digest"], digest);
    copy(&bench, &two.url("app:v1"), "oci-layout://home:v9");
    copy(&bench, "oci-layout://home:v9", &one.url("home:v9"));
    assert_eq!(bench.crane_text(&["digest", &format!("{}/home:v9", one.host())]), digest);
}

#[test]
fn layout_that_we_wrote_is_read_by_oras_and_crane() {
    let (bench, registry) = (Bench::new(), distribution());
    let digest = bench.push(&registry.url("app:v1"), &[]);
    copy(&bench, &registry.url("app:v1"), "oci-layout://layout:v1");
    let manifest = bench.oras(&["manifest", "fetch", "--oci-layout", "layout:v1"]);
    assert_eq!(bench.sha256(&manifest), digest);
    let pulled = json(bench.oras(&["pull", "--oci-layout", "--format", "json", "-o", "got", "layout:v1"]));
    assert!(text(&pulled["reference"]).ends_with(&digest), "{pulled}");
    let target = |tag: &str| format!("{}/copied:{tag}", registry.host());
    bench.oras(&["copy", "--from-oci-layout", "layout:v1", "--to-plain-http", &target("oras")]);
    bench.crane(&["push", "layout", &target("crane")]);
    for tag in ["oras", "crane"] {
        assert_eq!(bench.crane_text(&["digest", &target(tag)]), digest, "{tag}");
    }
}

#[test]
fn layout_that_oras_wrote_is_read() {
    let (bench, registry) = (Bench::new(), distribution());
    let digest = bench.push(&registry.url("app:v1"), &[]);
    let name = format!("{}/app:v1", registry.host());
    for tag in ["v1", "v2"] {
        bench.oras(&["copy", "--from-plain-http", &name, "--to-oci-layout", &format!("theirs:{tag}")]);
        let copied =
            copy(&bench, &format!("oci-layout://theirs:{tag}"), &registry.url(&format!("from:{tag}")));
        assert_eq!(copied["digest"], digest);
    }
    assert_eq!(bench.tags(&registry.url("from")), ["v2", "v1"]);
}

#[test]
fn layout_that_crane_wrote_is_read_by_digest() {
    let (bench, one, two) = (Bench::new(), distribution(), olareg());
    let digest = bench.push(&one.url("app:v1"), &[]);
    bench.crane(&["pull", "--format=oci", &format!("{}/app:v1", one.host()), "theirs"]);
    // crane gives the manifest no name in the layout.
    let copied = copy(&bench, &format!("oci-layout://theirs@{digest}"), &two.url("app:v1"));
    assert_eq!(copied["digest"], digest);
    assert_eq!(bench.pull(&two.url("app:v1")), tree(&bench.path("app")));
}

#[test]
fn layout_is_shared_with_oras() {
    let (bench, registry) = (Bench::new(), distribution());
    let name = format!("{}/app", registry.host());
    let first = bench.push(&registry.url("app:v1"), &[]);
    bench.write("app/service.yaml", "kind: Service\n");
    let second = bench.push(&registry.url("app:v2"), &[]);
    bench.oras(&["copy", "--from-plain-http", &format!("{name}:v1"), "--to-oci-layout", "both:v1"]);
    copy(&bench, &registry.url("app:v2"), "oci-layout://both:v2");
    for (tag, digest) in [("v1", first), ("v2", second)] {
        let manifest = bench.oras(&["manifest", "fetch", "--oci-layout", &format!("both:{tag}")]);
        assert_eq!(bench.sha256(&manifest), digest);
    }
}

#[test]
fn copy_carries_an_index_with_all_children() {
    let (bench, one, two) = (Bench::new(), distribution(), olareg());
    let name = |tag: &str| format!("{}/app:{tag}", one.host());
    bench.tar("layer.tgz");
    bench.crane(&["append", "--oci-empty-base", "-f", "layer.tgz", "-t", &name("base")]);
    for (tag, platform) in [("arm", "linux/arm64"), ("amd", "linux/amd64")] {
        bench.crane(&["mutate", "--set-platform", platform, "-t", &name(tag), &name("base")]);
    }
    bench.crane(&["index", "append", "-m", &name("arm"), "-m", &name("amd"), "-t", &name("all")]);
    copy(&bench, &one.url("app:all"), "oci-layout://layout:all");
    let copied = copy(&bench, "oci-layout://layout:all", &two.url("app:all"));
    assert_eq!(copied["manifests"], 3);
    let there = format!("{}/app:all", two.host());
    assert_eq!(copied["digest"], bench.crane_text(&["digest", &name("all")]));
    assert_eq!(copied["digest"], bench.crane_text(&["digest", &there]));
    bench.crane(&["validate", "--remote", &there]);
    assert_eq!(bench.pull(&two.url("app:all")), tree(&bench.path("app")));
}
