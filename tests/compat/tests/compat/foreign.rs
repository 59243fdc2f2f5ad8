//! What others push, as we read it.

use std::fs;

use crate::bench::{Bench, FLUX_CONFIG, FLUX_CONTENT, ORIGIN, distribution, json, text, tree};

/// `oras push` of `app/` as system's tar packs it, with Flux's media types and annotations.
fn oras_push(bench: &Bench, name: &str) {
    bench.tar("layer.tgz");
    bench.write("config.json", "{}");
    let (config, layer) = (format!("config.json:{FLUX_CONFIG}"), format!("layer.tgz:{FLUX_CONTENT}"));
    let (source, revision) = (
        format!("org.opencontainers.image.source={}", ORIGIN[1]),
        format!("org.opencontainers.image.revision={}", ORIGIN[3]),
    );
    let flags = ["push", "--plain-http", "-a", &source, "-a", &revision, "--config", &config, name, &layer];
    bench.oras(&flags);
}

/// Pull, diff and change `app/`: the same, then one line different.
fn reads_like_app(bench: &Bench, url: &str) {
    assert_eq!(bench.pull(url), tree(&bench.path("app")), "{url}");
    let same = bench.run(&["diff", "artifact", url, "--path", "app"]);
    assert_eq!(same.code, Some(0), "{url}: {same:#?}");
    let before = fs::read(bench.path("app/service.yaml")).unwrap();
    bench.write("app/service.yaml", "kind: Other\n");
    let changed = bench.run(&["diff", "artifact", url, "--path", "app"]);
    assert_eq!(
        (changed.code, changed.stdout.as_str()),
        (Some(1), "changed  service.yaml\n"),
        "{url}: {changed:#?}"
    );
    fs::write(bench.path("app/service.yaml"), before).unwrap();
}

#[test]
fn artifact_of_oras_with_flux_media_types_reads_like_ours() {
    let (bench, registry) = (Bench::new(), distribution());
    oras_push(&bench, &format!("{}/app:v1", registry.host()));
    let url = registry.url("app:v1");
    reads_like_app(&bench, &url);
    let digest = bench.crane_text(&["digest", &format!("{}/app:v1", registry.host())]);
    let shown = bench.inspect(&url);
    assert_eq!(shown["digest"], digest);
    assert_eq!(shown["config"]["mediaType"], FLUX_CONFIG);
    assert_eq!(shown["layers"][0]["mediaType"], FLUX_CONTENT);
    assert_eq!(shown["layers"][0]["annotations"]["org.opencontainers.image.title"], "layer.tgz");
    let list = json(bench.ok(&["list", "artifacts", &registry.url("app"), "-o", "json"]).stdout);
    assert_eq!((text(&list[0]["tag"]), text(&list[0]["digest"])), ("v1".to_owned(), digest));
    assert_eq!(
        (text(&list[0]["source"]), text(&list[0]["revision"])),
        (ORIGIN[1].to_owned(), ORIGIN[3].to_owned())
    );
}

#[test]
fn artifact_of_oras_equals_ours_in_diff_of_two_artifacts() {
    let (bench, registry) = (Bench::new(), distribution());
    oras_push(&bench, &format!("{}/app:theirs", registry.host()));
    bench.push(&registry.url("app:ours"), &[]);
    let digest = |tag: &str| text(&bench.inspect(&registry.url(tag))["layers"][0]["digest"]);
    assert_ne!(digest("app:ours"), digest("app:theirs"));
    bench.ok(&["diff", "artifact", &registry.url("app:theirs"), &registry.url("app:ours")]);
}

#[test]
fn layer_without_compression_is_read() {
    let (bench, registry) = (Bench::new(), distribution());
    bench.tar("layer.tar");
    let name = format!("{}/app:v1", registry.host());
    bench.oras(&["push", "--plain-http", &name, "layer.tar:application/vnd.oci.image.layer.v1.tar"]);
    reads_like_app(&bench, &registry.url("app:v1"));
}

#[test]
fn folder_that_oras_packed_itself_is_read() {
    let (bench, registry) = (Bench::new(), distribution());
    bench.oras(&["push", "--plain-http", &format!("{}/app:v1", registry.host()), "app"]);
    let pulled = bench.pull(&registry.url("app:v1"));
    let expected = tree(&bench.path("app"));
    assert_eq!(pulled.len(), expected.len() + 1);
    for (name, file) in expected {
        assert_eq!(pulled[&format!("app/{name}")], file, "{name}");
    }
}

#[test]
fn image_of_crane_is_read_with_docker_and_oci_layers() {
    let (bench, registry) = (Bench::new(), distribution());
    bench.tar("layer.tgz");
    for (tag, more, media_type) in [
        ("docker", &[][..], "application/vnd.docker.image.rootfs.diff.tar.gzip"),
        ("oci", &["--oci-empty-base"][..], "application/vnd.oci.image.layer.v1.tar+gzip"),
    ] {
        let name = format!("{}/app:{tag}", registry.host());
        bench.crane(&[&["append", "-f", "layer.tgz", "-t", &name], more].concat());
        let url = registry.url(&format!("app:{tag}"));
        let shown = bench.inspect(&url);
        assert_eq!(shown["layers"][0]["mediaType"], media_type);
        assert_eq!(shown["digest"], bench.crane_text(&["digest", &name]));
        reads_like_app(&bench, &url);
    }
    assert_eq!(bench.tags(&registry.url("app")), ["oci", "docker"]);
}

#[test]
fn index_of_crane_and_of_oras_leads_to_the_child_for_linux_amd64() {
    let (bench, registry) = (Bench::new(), distribution());
    let name = |tag: &str| format!("{}/app:{tag}", registry.host());
    bench.write("other/README", "for another machine\n");
    bench.system("tar", &["-czf", "other.tgz", "-C", "other", "."]);
    bench.tar("layer.tgz");
    for (tag, layer, platform) in [("arm", "other.tgz", "linux/arm64"), ("amd", "layer.tgz", "linux/amd64")] {
        bench.crane(&["append", "--oci-empty-base", "-f", layer, "-t", &name("base")]);
        bench.crane(&["mutate", "--set-platform", platform, "-t", &name(tag), &name("base")]);
    }
    bench.crane(&["index", "append", "-m", &name("arm"), "-m", &name("amd"), "-t", &name("crane")]);
    bench.oras(&["manifest", "index", "create", "--plain-http", &name("oras"), "arm", "amd"]);
    for tag in ["crane", "oras"] {
        let url = registry.url(&format!("app:{tag}"));
        reads_like_app(&bench, &url);
        let shown = bench.inspect(&url);
        assert_eq!(shown["digest"], bench.crane_text(&["digest", &name(tag)]));
        assert_eq!(shown["manifests"].as_array().unwrap().len(), 2);
        assert_eq!(shown["manifests"][1]["platform"]["architecture"], "amd64");
    }
    assert_eq!(bench.tags(&registry.url("app")).len(), 5);
}

#[test]
fn index_without_our_platform_is_an_error_that_names_the_others() {
    let (bench, registry) = (Bench::new(), distribution());
    let name = |tag: &str| format!("{}/app:{tag}", registry.host());
    bench.tar("layer.tgz");
    bench.crane(&["append", "-f", "layer.tgz", "-t", &name("base")]);
    bench.crane(&["mutate", "--set-platform", "windows/arm64", "-t", &name("win"), &name("base")]);
    bench.crane(&["index", "append", "-m", &name("win"), "-t", &name("index")]);
    let errors = bench.fails(&["pull", "artifact", &registry.url("app:index"), "-o", "out"]);
    assert!(errors.contains("linux/amd64") && errors.contains("windows/arm64"), "{errors}");
}

#[test]
fn index_whose_child_names_no_platform_leads_to_it() {
    let (bench, registry) = (Bench::new(), distribution());
    let name = |tag: &str| format!("{}/app:{tag}", registry.host());
    bench.push(&registry.url("app:flux"), &[]);
    bench.oras(&["manifest", "index", "create", "--plain-http", &name("oras"), "flux"]);
    reads_like_app(&bench, &registry.url("app:oras"));
}
