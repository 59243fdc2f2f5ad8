//! The image that `cargo xtask dist --image` makes without a container engine: others can read it, and it starts with nothing
//! but what is in it.

use std::{fs, path::PathBuf, process::Command};

use oci_testkit::tools;
use serde_json::Value;

use crate::bench::{Bench, distribution, json, text, tree};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where the programs of this project are, without debug information: the tests' own builds are large.
fn programs(bench: &Bench) -> PathBuf {
    for name in ["kubectl-oci", "oci-controller", "oci-webhook"] {
        let program = tools::program(name).unwrap_or_else(|error| panic!("{error}"));
        fs::create_dir_all(bench.path("built")).unwrap();
        let out = bench.path("built").join(name);
        bench.system("strip", &["-o", out.to_str().unwrap(), program.to_str().unwrap()]);
    }
    bench.path("built")
}

/// Runs `cargo xtask dist --image`, which starts both programs of the image itself.
fn dist(bench: &Bench, programs: &str, out: &str) {
    let mut command = Command::new(tools::program("xtask").unwrap_or_else(|error| panic!("{error}")));
    let output = command.args(["dist", "--image", "--programs", programs, "--out", out]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(json(fs::read(bench.path("dist/image/oci-layout")).unwrap())["imageLayoutVersion"], "1.0.0");
}

/// The only file of the release whose name ends so.
fn released(bench: &Bench, ending: &str) -> PathBuf {
    let names = fs::read_dir(bench.path("dist")).unwrap().map(|entry| entry.unwrap().path());
    names.into_iter().find(|path| path.to_str().unwrap().ends_with(ending)).unwrap()
}

/// One image takes half a minute to make, so that all that is said about it is one test.
#[test]
fn image_is_small_in_contents_read_by_others_and_made_again_the_same() {
    let (bench, registry) = (Bench::new(), distribution());
    let programs = programs(&bench);
    let (programs, out) = (programs.to_str().unwrap(), bench.path("dist").display().to_string());
    dist(&bench, programs, &out);

    let digest = fs::read_to_string(released(&bench, "_image.txt")).unwrap().trim().to_owned();
    let url = registry.url(&format!("system:v{VERSION}"));
    bench.ok(&["copy", "artifact", &format!("oci-layout://./dist/image:v{VERSION}"), &url]);
    let name = format!("{}/system:v{VERSION}", registry.host());
    assert_eq!(bench.crane_text(&["digest", &name]), digest);
    bench.crane(&["validate", "--remote", &name]);

    let config = json(bench.crane(&["config", &name]));
    assert_eq!(config["os"], "linux");
    let config: &Value = &config["config"];
    assert_eq!(text(&config["User"]), "65532:65532");
    assert_eq!(config["Entrypoint"], serde_json::json!(["/oci-controller"]));
    assert_eq!(text(&config["Labels"]["org.opencontainers.image.version"]), VERSION);

    contents_are_only_what_is_needed(&bench, &name);
    documents_are_about_the_image(&bench, &name);

    let index = fs::read(bench.path("dist/image/index.json")).unwrap();
    dist(&bench, programs, &out);
    assert!(fs::read(bench.path("dist/image/index.json")).unwrap() == index, "another image");
}

fn contents_are_only_what_is_needed(bench: &Bench, name: &str) {
    bench.crane(&["export", name, "image.tar"]);
    let files = bench.untar("image.tar");
    let executable: Vec<&str> = files
        .iter()
        .filter(|(name, file)| file.as_ref().is_some_and(|(_, run)| *run) && !name.starts_with("lib"))
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(executable, ["oci-controller", "oci-webhook"], "no shell, no tools");
    let beside: Vec<&str> = files
        .iter()
        .filter(|(name, file)| file.is_some() && !name.starts_with("lib"))
        .map(|(name, _)| name.as_str())
        .collect();
    let expected = [
        "LICENSE",
        "etc/group",
        "etc/nsswitch.conf",
        "etc/passwd",
        "etc/ssl/certs/ca-certificates.crt",
        "oci-controller",
        "oci-webhook",
    ];
    assert_eq!(beside, expected);
    let authorities = &files["etc/ssl/certs/ca-certificates.crt"].as_ref().unwrap().0;
    assert!(String::from_utf8_lossy(authorities).contains("-----BEGIN CERTIFICATE-----"));
    let passwd = &files["etc/passwd"].as_ref().unwrap().0;
    assert!(String::from_utf8_lossy(passwd).contains("nonroot:x:65532:65532:"));
}

fn documents_are_about_the_image(bench: &Bench, name: &str) {
    let index = json(bench.crane(&["manifest", name]));
    let child = text(&index["manifests"][0]["digest"]);
    assert_eq!(index["manifests"][0]["platform"]["os"], "linux");
    let provenance = json(fs::read(released(bench, ".provenance.json")).unwrap());
    assert_eq!(format!("sha256:{}", text(&provenance["subject"][0]["digest"]["sha256"])), child);
    assert_eq!(provenance["predicateType"], "https://slsa.dev/provenance/v1");
    let image = tree(&bench.path("dist"));
    let parts =
        image.keys().find(|name| name.contains("_image_linux_") && name.ends_with(".cdx.json")).unwrap();
    let parts = json(fs::read(bench.path("dist").join(parts)).unwrap());
    let names: Vec<&Value> =
        parts["components"].as_array().unwrap().iter().map(|part| &part["name"]).collect();
    for name in ["oci-controller", "oci-webhook", "axum"] {
        assert!(names.contains(&&name.into()), "{name}");
    }
}
