//! The image that `cargo xtask dist --image` makes without a container engine: others can read it, and it starts with nothing
//! but what is in it.

use std::{
    fs,
    os::unix::fs::symlink,
    path::PathBuf,
    process::{Command, Output},
};

use oci_testkit::tools;
use serde_json::{Value, json};

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

/// `cargo xtask dist --image`.
fn xtask(programs: &str, out: &str, more: &[&str]) -> Output {
    let mut command = Command::new(tools::program("xtask").unwrap_or_else(|error| panic!("{error}")));
    command.args(["dist", "--image", "--programs", programs, "--out", out]).args(more).output().unwrap()
}

/// Makes the image, which starts both programs of it.
fn dist(bench: &Bench, programs: &str, out: &str) {
    let output = xtask(programs, out, &[]);
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
    let mut config: Value = config["config"].clone();
    let labels = config.as_object_mut().unwrap().remove("Labels").unwrap();
    let expected = json!({
        "User": "65532:65532",
        "Entrypoint": ["/oci-controller"],
        "Env": ["PATH=/", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],
        "WorkingDir": "/",
    });
    assert_eq!(config, expected);
    assert_eq!(labels["org.opencontainers.image.version"], VERSION);

    contents_are_only_what_is_needed(&bench, &name);
    documents_are_about_the_image(&bench, &name, &labels);
    checksums_are_of_everything(&bench);

    let index = fs::read(bench.path("dist/image/index.json")).unwrap();
    dist(&bench, programs, &out);
    assert!(fs::read(bench.path("dist/image/index.json")).unwrap() == index, "another image");
}

#[test]
fn image_is_made_of_what_starts_and_for_what_its_links_are_known_of() {
    let bench = Bench::new();
    let (programs, out) = (bench.path("built"), bench.path("dist"));
    fs::create_dir_all(&programs).unwrap();
    for (name, program) in [("kubectl-oci", "true"), ("oci-controller", "true"), ("oci-webhook", "false")] {
        symlink(format!("/usr/bin/{program}"), programs.join(name)).unwrap();
    }
    let refused = |more: &[&str], said: &str| {
        let output = xtask(programs.to_str().unwrap(), out.to_str().unwrap(), more);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && told.contains(said), "{more:?}: {told}");
    };
    refused(&[], "/oci-webhook --version");
    let here = std::env::consts::ARCH;
    let other = if here == "x86_64" { "aarch64" } else { "x86_64" };
    for target in [format!("{here}-apple-darwin"), format!("{other}-unknown-linux-gnu")] {
        refused(&["--target", &target], "no image can be made for");
    }
    assert!(!out.join("image/index.json").exists());
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

/// Beside the archive of the plugin, its list of parts and krew's manifest: two documents, and the digest.
fn checksums_are_of_everything(bench: &Bench) {
    let sums = released(bench, "_checksums.txt");
    let listed = fs::read_to_string(&sums).unwrap();
    assert_eq!(listed.lines().count(), 6, "{listed}");
    let mut check = Command::new("sha256sum");
    let check =
        check.args(["--check", "--strict"]).arg(&sums).current_dir(bench.path("dist")).output().unwrap();
    assert!(check.status.success(), "{check:?}");
}

/// What the image was built from, as far as this tree knows it.
fn sources() -> Vec<Value> {
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(tools::workspace()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.success(), text.split_whitespace().next().unwrap_or_default().to_owned())
    };
    let mut sources = vec![json!({ "sha256": run("sha256sum", &["Cargo.lock"]).1 })];
    if let (true, commit) = run("git", &["rev-parse", "HEAD"]) {
        sources.push(json!({ "gitCommit": commit }));
    }
    sources
}

fn documents_are_about_the_image(bench: &Bench, name: &str, labels: &Value) {
    let index = json(bench.crane(&["manifest", name]));
    assert_eq!(&index["annotations"], labels);
    let child = text(&index["manifests"][0]["digest"]);
    let platform = &index["manifests"][0]["platform"];
    assert_eq!(platform["os"], "linux");
    assert_eq!(json(bench.crane(&["config", name]))["architecture"], platform["architecture"]);
    let provenance = json(fs::read(released(bench, ".provenance.json")).unwrap());
    assert_eq!(format!("sha256:{}", text(&provenance["subject"][0]["digest"]["sha256"])), child);
    assert_eq!(provenance["predicateType"], "https://slsa.dev/provenance/v1");
    let definition = &provenance["predicate"]["buildDefinition"];
    assert_eq!(definition["externalParameters"]["version"], VERSION);
    assert!(text(&definition["externalParameters"]["target"]).contains("-linux-"), "{definition}");
    assert!(text(&definition["internalParameters"]["compiler"]).starts_with("rustc "), "{definition}");
    let used = definition["resolvedDependencies"].as_array().unwrap();
    assert_eq!(used.iter().map(|one| one["digest"].clone()).collect::<Vec<_>>(), sources());
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
