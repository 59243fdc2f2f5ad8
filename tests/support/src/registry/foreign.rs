//! The registry driven by clients that somebody else wrote: what proves that it is one.

use std::{fs, path::Path, process::Command};

use super::{Act, Auth, Class, Fault, Match, Registry};
use crate::{samples::Seeded, tools};

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// A tool that sees no logins but those of `folder`.
fn tool(name: &str, folder: &Path) -> Command {
    let mut command = tools::command(name).unwrap();
    command.current_dir(folder).env("HOME", folder).env("DOCKER_CONFIG", folder);
    command
}

fn push(folder: &Path, name: &str, more: &[&str]) {
    fs::write(folder.join("file.bin"), Seeded::new(7).bytes(3 << 20)).unwrap();
    run(tool("oras", folder).args(["push", "--plain-http", "--no-tty"]).args(more).args([name, "file.bin"]));
}

#[test]
fn oras_pushes_and_pulls_a_large_file() {
    let (registry, folder) = (Registry::start(), tempfile::tempdir().unwrap());
    let name = format!("{}/org/app:v1", registry.host());
    push(folder.path(), &name, &[]);
    run(tool("oras", folder.path()).args(["pull", "--plain-http", "--no-tty", "-o", "out", &name]));
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(read("out/file.bin") == read("file.bin"));
}

#[test]
fn oras_logs_in_by_bearer_token_and_attaches_a_referrer() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::builder().auth(Auth::bearer("tester", "s3cret-pass")).start();
    let name = format!("{}/org/app:v1", registry.host());
    let login = ["--username=tester", "--password=s3cret-pass"];
    push(folder.path(), &name, &login);
    let attach = ["attach", "--plain-http", "--no-tty", "--artifact-type=test/note", &name, "file.bin"];
    run(tool("oras", folder.path()).args(attach).args(login));
    let found = run(tool("oras", folder.path())
        .args(["discover", "--plain-http", "--format=json", &name])
        .args(login));
    assert!(found.contains("test/note"), "{found}");
    assert!(registry.count(|request| request.class == Class::Token) > 0);
    assert!(registry.count(|request| request.class == Class::Referrers) > 0);
}

#[test]
fn oras_falls_back_to_the_referrers_tag() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::builder().referrers(false).start();
    let name = format!("{}/org/app:v1", registry.host());
    push(folder.path(), &name, &[]);
    let attach = ["attach", "--plain-http", "--no-tty", "--artifact-type=test/note", &name, "file.bin"];
    run(tool("oras", folder.path()).args(attach));
    assert!(registry.tags("org/app").iter().any(|tag| tag.starts_with("sha256-")));
}

#[test]
fn crane_lists_copies_and_deletes() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::builder().page_size(2).start();
    let repository = format!("{}/org/app", registry.host());
    push(folder.path(), &format!("{repository}:v1"), &[]);
    for tag in ["v2", "v3", "v4"] {
        run(tool("crane", folder.path()).args(["tag", &format!("{repository}:v1"), tag, "--insecure"]));
    }
    assert_eq!(run(tool("crane", folder.path()).args(["ls", &repository])), "v1\nv2\nv3\nv4\n");
    let other = format!("{}/org/other:v1", registry.host());
    run(tool("crane", folder.path()).args(["copy", &format!("{repository}:v1"), &other]));
    let digest = run(tool("crane", folder.path()).args(["digest", &other]));
    assert_eq!(registry.digest("org/other", "v1").unwrap().to_string(), digest.trim());
    run(tool("crane", folder.path()).args(["delete", &format!("{repository}:v4")]));
    assert_eq!(registry.tags("org/app"), ["v1", "v2", "v3"]);
}

#[test]
fn crane_sees_a_corrupt_layer() {
    let (registry, folder) = (Registry::start(), tempfile::tempdir().unwrap());
    let repository = format!("{}/org/app", registry.host());
    push(folder.path(), &format!("{repository}:v1"), &[]);
    let digest =
        registry.blobs("org/app").into_iter().find(|blob| registry.blob("org/app", blob).unwrap().len() > 9);
    let blob = format!("{repository}@{}", digest.unwrap());
    run(tool("crane", folder.path()).args(["blob", &blob]).stdout(std::process::Stdio::null()));
    registry.fault(Fault::always(Match::class(Class::Blob).method("GET"), Act::Corrupt(2_000_000)));
    let output = tool("crane", folder.path()).args(["blob", &blob]).output().unwrap();
    assert!(!output.status.success(), "crane took a corrupt blob");
}
