//! `pull artifact`

use std::{fs, io::Write as _};

use oci_artifact::{
    manifest::{CONFIG_BYTES, Descriptor, OCI_INDEX, OCI_MANIFEST, artifact_manifest},
    name::Digest,
};
use oci_testkit::registry::{Act, Class, Fault, Match};

use crate::sandbox::{Sandbox, shows};

#[test]
fn pull_shows_what_flux_shows() {
    let sandbox = Sandbox::pushed();
    shows(
        &sandbox.run(&["pull", "artifact", "URL/app:v1", "--output", "deep/out"]),
        "exit 0
        err: ► pulling artifact from HOST/app:v1
        err: ✔ source s
        err: ✔ revision r
        err: ✔ digest HOST/app@sha256:DIGEST
        err: ✔ artifact content extracted to deep/out",
    );
    assert_eq!(fs::read_to_string(sandbox.path("deep/out/base/service.yaml")).unwrap(), "kind: Service\n");
}

#[test]
fn pull_by_digest_gets_the_same() {
    let sandbox = Sandbox::pushed();
    let url = format!("URL/app@{}", sandbox.registry.digest("app", "v1").unwrap());
    sandbox.ok(&["pull", "artifact", &url, "-o", "out"]);
    assert!(sandbox.path("out/deployment.yaml").exists());
}

#[test]
fn pull_replaces_files_of_an_existing_folder_and_keeps_the_rest() {
    let sandbox = Sandbox::pushed();
    sandbox.write("out/deployment.yaml", "old");
    sandbox.write("out/mine.txt", "mine");
    sandbox.ok(&["pull", "artifact", "URL/app:v1", "-o", "out"]);
    assert_eq!(fs::read_to_string(sandbox.path("out/deployment.yaml")).unwrap(), "kind: Deployment\n");
    assert_eq!(fs::read_to_string(sandbox.path("out/mine.txt")).unwrap(), "mine");
}

#[test]
fn pull_works_in_the_current_folder() {
    let sandbox = Sandbox::pushed();
    let here = sandbox.path("here");
    fs::create_dir(&here).unwrap();
    let mut command = sandbox.command(&["pull", "artifact", "URL/app:v1", "-o", "."]);
    let screen = sandbox.screen(command.current_dir(&here).output().unwrap());
    assert_eq!(screen.code, Some(0), "{}", screen.show());
    assert!(here.join("deployment.yaml").exists());
}

#[test]
fn pull_leaves_nothing_after_any_fault() {
    let faults = [
        Act::Corrupt(10),
        Act::Truncate(10),
        Act::ExtraBytes(5),
        Act::Endless,
        Act::status(404),
        Act::status(403),
        Act::Body((&b"not gzip"[..]).into()),
        Act::Redirect { to: "file:///etc/passwd".to_owned(), status: 302 },
    ];
    for act in faults {
        let sandbox = Sandbox::pushed();
        sandbox.temporary();
        let before = sandbox.files();
        let shown = format!("{act:?}");
        sandbox.registry.fault(Fault::always(Match::class(Class::Blob), act));
        let screen = sandbox.fails(&["pull", "artifact", "URL/app:v1", "-o", "new/out", "--timeout", "20s"]);
        assert_eq!(screen.stderr.matches('✗').count(), 1, "{shown}: {}", screen.stderr);
        assert_eq!(sandbox.files(), before, "{shown}");
    }
}

#[test]
fn pull_refuses_an_output_that_is_a_file() {
    let sandbox = Sandbox::pushed();
    sandbox.write("out", "a file");
    let screen = sandbox.fails(&["pull", "artifact", "URL/app:v1", "-o", "out"]);
    assert!(screen.stderr.contains("`out` is not a folder"), "{}", screen.stderr);
    assert!(sandbox.registry.requests().is_empty());
}

#[test]
fn pull_names_an_artifact_that_does_not_exist() {
    let sandbox = Sandbox::pushed();
    let screen = sandbox.fails(&["pull", "artifact", "URL/app:v9", "-o", "out"]);
    assert!(
        screen.show().contains("✗ pull of HOST/app:v9 failed: fetching the manifest of HOST/app:v9: 404"),
        "{}",
        screen.show()
    );
}

/// Puts an artifact with these layers into the registry.
fn seed(sandbox: &Sandbox, tag: &str, layers: &[(&str, &[u8])]) {
    let descriptor = |(media_type, content): &(&str, &[u8])| {
        Descriptor::new(*media_type, sandbox.registry.put_blob("app", content), content.len() as u64)
    };
    sandbox.registry.put_blob("app", CONFIG_BYTES);
    let mut layers: Vec<Descriptor> = layers.iter().map(descriptor).collect();
    let (mut manifest, _) = artifact_manifest(layers.remove(0), std::collections::BTreeMap::new());
    manifest.layers.extend(layers);
    sandbox.registry.put_manifest("app", tag, OCI_MANIFEST, &serde_json::to_vec(&manifest).unwrap());
}

/// A tar with one file of that name.
fn tar(name: &str) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_size(1);
    header.set_mode(0o644);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    let mut out = header.as_bytes().to_vec();
    out.write_all(b"x").unwrap();
    out.resize(512 * 4, 0);
    out
}

#[test]
fn pull_refuses_a_hostile_archive_and_names_the_member() {
    let sandbox = Sandbox::new();
    seed(&sandbox, "evil", &[("application/x-tar", &tar("../../escaped.txt"))]);
    sandbox.temporary();
    let before = sandbox.files();
    let screen = sandbox.fails(&["pull", "artifact", "URL/app:evil", "-o", "out"]);
    assert!(screen.stderr.contains("../../escaped.txt"), "{}", screen.stderr);
    assert_eq!(sandbox.files(), before);
}

#[test]
fn pull_chooses_the_layer() {
    let sandbox = Sandbox::new();
    seed(&sandbox, "v1", &[("a/one", &tar("one.txt")), ("a/two", &tar("two.txt"))]);
    sandbox.ok(&["pull", "artifact", "URL/app:v1", "-o", "first"]);
    sandbox.ok(&["pull", "artifact", "URL/app:v1", "-o", "index", "--layer-index", "1"]);
    sandbox.ok(&["pull", "artifact", "URL/app:v1", "-o", "type", "--layer-media-type", "a/two"]);
    assert!(sandbox.path("first/one.txt").exists());
    assert!(sandbox.path("index/two.txt").exists());
    assert!(sandbox.path("type/two.txt").exists());
    let screen =
        sandbox.fails(&["pull", "artifact", "URL/app:v1", "-o", "x", "--layer-media-type", "a/three"]);
    assert!(
        screen.stderr.contains("no layer has media type `a/three`; the layers are: a/one, a/two"),
        "{}",
        screen.stderr
    );
    sandbox.fails(&["pull", "artifact", "URL/app:v1", "-o", "x", "--layer-index", "2"]);
}

#[test]
fn pull_takes_the_linux_amd64_child_of_an_index() {
    let sandbox = Sandbox::new();
    seed(&sandbox, "child", &[("a/one", &tar("one.txt"))]);
    let bytes = sandbox.registry.manifest("app", "child").unwrap();
    let entry = |architecture: &str| {
        serde_json::json!({"mediaType": OCI_MANIFEST, "digest": Digest::of(&bytes), "size": bytes.len(),
            "platform": {"os": "linux", "architecture": architecture}})
    };
    let index = |entries: Vec<serde_json::Value>| {
        serde_json::to_vec(
            &serde_json::json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}),
        )
        .unwrap()
    };
    sandbox.registry.put_manifest("app", "multi", OCI_INDEX, &index(vec![entry("arm64"), entry("amd64")]));
    sandbox.registry.put_manifest("app", "arm", OCI_INDEX, &index(vec![entry("arm64")]));
    sandbox.ok(&["pull", "artifact", "URL/app:multi", "-o", "out"]);
    let screen = sandbox.fails(&["pull", "artifact", "URL/app:arm", "-o", "none"]);
    assert!(
        screen.stderr.contains("no manifest for platform `linux/amd64`; it has: linux/arm64"),
        "{}",
        screen.stderr
    );
}
