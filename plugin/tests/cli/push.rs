//! `push artifact`

use oci_artifact::manifest::{FLUX_CONFIG, FLUX_CONTENT};
use serde_json::Value;

use crate::sandbox::{Sandbox, shows};

const SOURCE: [&str; 4] = ["--source", "https://git.example/app?x=<1>&y", "--revision", "main@sha1:abc"];

fn push<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["push", "artifact", "URL/app:v1", "--path", "app"][..], &SOURCE, more].concat()
}

fn manifest(sandbox: &Sandbox, tag: &str) -> Value {
    serde_json::from_slice(&sandbox.registry.manifest("app", tag).unwrap()).unwrap()
}

#[test]
fn push_shows_what_flux_shows() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    shows(
        &sandbox.run(&push(&[])),
        "exit 0
        err: ► pushing artifact to HOST/app:v1
        err: ✔ artifact successfully pushed to HOST/app@sha256:DIGEST",
    );
}

#[test]
fn push_writes_a_flux_manifest() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    sandbox.ok(&push(&["-a", "team=a=b"]));
    let manifest = manifest(&sandbox, "v1");
    assert_eq!(manifest["config"]["mediaType"], FLUX_CONFIG);
    assert_eq!(manifest["layers"][0]["mediaType"], FLUX_CONTENT);
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    assert!(manifest.get("artifactType").is_none() && manifest.get("subject").is_none());
    let annotations = manifest["annotations"].as_object().unwrap();
    assert_eq!(annotations["org.opencontainers.image.source"], SOURCE[1]);
    assert_eq!(annotations["org.opencontainers.image.revision"], SOURCE[3]);
    assert_eq!(annotations["team"], "a=b");
    let created = annotations["org.opencontainers.image.created"].as_str().unwrap();
    assert!(created.len() == 20 && created.ends_with('Z'), "{created}");
}

#[test]
fn push_prints_four_members_as_json_and_yaml() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    let json: Value =
        serde_json::from_str(&sandbox.ok(&push(&["-o", "json", "--reproducible"])).stdout).unwrap();
    let members: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(members, ["digest", "repository", "tag", "url"]);
    let repository = format!("{}/app", sandbox.registry.host());
    assert_eq!(json["repository"], repository);
    assert_eq!(json["tag"], "v1");
    assert_eq!(json["url"], format!("oci://{repository}@{}", json["digest"].as_str().unwrap()));
    shows(
        &sandbox.run(&push(&["-o", "yaml", "--reproducible"])),
        "exit 0
        out: digest: sha256:DIGEST
        out: repository: HOST/app
        out: tag: v1
        out: url: oci://HOST/app@sha256:DIGEST",
    );
    shows(&sandbox.run(&push(&["-o", "name", "--reproducible"])), "exit 0\nout: HOST/app@sha256:DIGEST");
}

#[test]
fn push_refuses_an_unknown_output() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    let screen = sandbox.fails(&push(&["-o", "xml"]));
    assert!(screen.stderr.contains("invalid value 'xml' for '--output"), "{}", screen.stderr);
    assert!(sandbox.registry.requests().is_empty());
}

#[test]
fn push_stores_several_tags() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    shows(
        &sandbox.run(&push(&["--tag", "latest,stable", "--tag", "v1"])),
        "exit 0
        err: ► pushing artifact to HOST/app:v1
        err: ✔ artifact successfully pushed to HOST/app@sha256:DIGEST
        err: ✔ artifact tagged as HOST/app:latest
        err: ✔ artifact tagged as HOST/app:stable",
    );
    assert_eq!(sandbox.registry.tags("app"), ["latest", "stable", "v1"]);
}

#[test]
fn push_without_a_tag_is_latest() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    sandbox.ok(&["push", "artifact", "URL/app", "-f", "app", "--source=s", "--revision=r"]);
    assert_eq!(sandbox.registry.tags("app"), ["latest"]);
}

#[test]
fn push_is_reproducible_when_asked() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    let name = |args: &[&str]| sandbox.ok(&push(&[&["-o", "name"], args].concat())).stdout;
    assert_eq!(name(&["--reproducible"]), name(&["--reproducible"]));
    let created = &manifest(&sandbox, "v1")["annotations"]["org.opencontainers.image.created"];
    assert_eq!(created, "1970-01-01T00:00:00Z");
}

#[test]
fn push_obeys_source_date_epoch() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    let mut command = sandbox.command(&push(&[]));
    let screen = sandbox.screen(command.env("SOURCE_DATE_EPOCH", "1700000000").output().unwrap());
    assert_eq!(screen.code, Some(0), "{}", screen.show());
    let created = &manifest(&sandbox, "v1")["annotations"]["org.opencontainers.image.created"];
    assert_eq!(created, "2023-11-14T22:13:20Z");
    let screen = sandbox.screen(command.env("SOURCE_DATE_EPOCH", "yesterday").output().unwrap());
    assert_eq!(screen.code, Some(2));
    assert!(screen.stderr.contains("SOURCE_DATE_EPOCH `yesterday`"), "{}", screen.stderr);
}

#[test]
fn push_if_changed_pushes_changed_content_only() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    sandbox.ok(&push(&["--if-changed"]));
    let before = sandbox.registry.digest("app", "v1");
    sandbox.registry.reset();
    shows(
        &sandbox.run(&push(&["--if-changed", "--revision", "main@sha1:def"])[..9]),
        "exit 0
        err: ► pushing artifact to HOST/app:v1
        err: ✔ artifact successfully pushed to HOST/app@sha256:DIGEST",
    );
    sandbox.registry.reset();
    shows(
        &sandbox.run(&push(&["--if-changed", "-a", "other=1"])),
        "exit 0
        err: ► pushing artifact to HOST/app:v1
        err: ✔ content unchanged, nothing pushed: HOST/app@sha256:DIGEST",
    );
    assert_eq!(sandbox.registry.requests().len(), 1, "one GET of the manifest");
    sandbox.write("app/deployment.yaml", "kind: Changed\n");
    sandbox.ok(&push(&["--if-changed"]));
    assert_ne!(sandbox.registry.digest("app", "v1"), before);
}

#[test]
fn push_if_changed_wants_every_tag_to_have_the_content() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    sandbox.ok(&push(&[]));
    sandbox.ok(&push(&["--if-changed", "--tag", "latest"]));
    assert_eq!(sandbox.registry.tags("app"), ["latest", "v1"]);
}

#[test]
fn push_dry_run_contacts_nothing() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    let screen = sandbox.ok(&push(&["--dry-run", "--tag", "latest"]));
    assert_eq!(sandbox.registry.accepts(), 0);
    let manifest: Value = serde_json::from_str(&screen.stdout).unwrap();
    assert_eq!(manifest["layers"][0]["mediaType"], FLUX_CONTENT);
    assert!(screen.stderr.contains("would push"), "{}", screen.stderr);
}

#[test]
fn push_takes_standard_input_under_a_stable_name() {
    let sandbox = Sandbox::new();
    let args = [
        "push",
        "artifact",
        "URL/app:v1",
        "-f",
        "-",
        "--source=s",
        "--revision=r",
        "-o",
        "name",
        "--reproducible",
    ];
    let first = sandbox.run_with_input(&args, "kind: ConfigMap\n");
    let second = sandbox.run_with_input(&args, "kind: ConfigMap\n");
    assert_eq!(first.code, Some(0), "{}", first.show());
    assert_eq!(first.stdout, second.stdout);
    sandbox.ok(&["pull", "artifact", "URL/app:v1", "-o", "out"]);
    assert_eq!(std::fs::read_to_string(sandbox.path("out/stdin.yaml")).unwrap(), "kind: ConfigMap\n");
}

#[test]
fn push_takes_a_single_file() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    sandbox.ok(&[
        "push",
        "artifact",
        "URL/app:v1",
        "-f",
        "app/deployment.yaml",
        "--source=s",
        "--revision=r",
    ]);
    sandbox.ok(&["pull", "artifact", "URL/app:v1", "-o", "out"]);
    assert_eq!(std::fs::read_to_string(sandbox.path("out/deployment.yaml")).unwrap(), "kind: Deployment\n");
}

#[test]
fn push_leaves_out_what_flux_leaves_out() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    for path in ["app/.git/HEAD", "app/logo.png", "app/x.tar.gz", "app/keep.txt", "app/secret.txt"] {
        sandbox.write(path, "x");
    }
    sandbox.ok(&push(&["--add-ignore-paths", "secret.txt"]));
    sandbox.ok(&["pull", "artifact", "URL/app:v1", "-o", "out"]);
    let files: Vec<String> = sandbox.files().into_iter().filter(|path| path.starts_with("out/")).collect();
    assert_eq!(files, ["out/base", "out/base/service.yaml", "out/deployment.yaml", "out/keep.txt"]);
}

#[test]
fn push_takes_ignore_paths_more_than_once_and_none_at_all() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    sandbox.write("app/logo.png", "x");
    let files = |args: &[&str]| {
        sandbox.ok(&push(args));
        let _ = std::fs::remove_dir_all(sandbox.path("out"));
        sandbox.ok(&["pull", "artifact", "URL/app:v1", "-o", "out"]);
        sandbox.files().into_iter().filter(|path| path.starts_with("out/")).collect::<Vec<_>>()
    };
    assert_eq!(files(&["--ignore-paths=base", "--ignore-paths", "*.png,x"]), ["out/deployment.yaml"]);
    let all = ["out/base", "out/base/service.yaml", "out/deployment.yaml", "out/logo.png"];
    assert_eq!(files(&["--ignore-paths="]), all);
}

#[test]
fn push_packs_sourceignore_and_obeys_it_only_when_asked() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    sandbox.write("app/.sourceignore", "base/\n");
    sandbox.ok(&push(&[]));
    sandbox.ok(&["pull", "artifact", "URL/app:v1", "-o", "all"]);
    assert!(sandbox.path("all/base/service.yaml").exists() && sandbox.path("all/.sourceignore").exists());
    sandbox.ok(&push(&["--sourceignore"]));
    sandbox.ok(&["pull", "artifact", "URL/app:v1", "-o", "less"]);
    assert!(!sandbox.path("less/base").exists() && sandbox.path("less/.sourceignore").exists());
}

#[test]
fn push_names_what_is_wrong_with_the_path() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("empty")).unwrap();
    for (path, part) in [("missing", "missing"), ("empty", "empty")] {
        let screen =
            sandbox.fails(&["push", "artifact", "URL/app:v1", "-f", path, "--source=s", "--revision=r"]);
        assert!(screen.stderr.contains(part), "{path}: {}", screen.stderr);
        assert_eq!(screen.stderr.matches('✗').count(), 1, "{}", screen.stderr);
    }
    sandbox.fails(&["push", "artifact", "URL/app:v1", "--path=", "--source=s", "--revision=r"]);
    assert!(sandbox.registry.requests().is_empty());
}

#[test]
fn push_refuses_bad_annotations() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    for annotation in ["novalue", "=x", "org.opencontainers.image.created=yesterday"] {
        sandbox.fails(&push(&["-a", annotation]));
    }
    assert!(sandbox.registry.requests().is_empty());
}

#[test]
fn push_warns_without_git_and_goes_on() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    let screen = sandbox.ok(&["push", "artifact", "URL/app:v1", "-f", "app"]);
    assert!(screen.stderr.contains("pass --source and --revision"), "{}", screen.stderr);
}
