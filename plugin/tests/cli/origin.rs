//! Source and revision from Git.

use std::process::Command;

use serde_json::Value;

use crate::sandbox::Sandbox;

fn git(sandbox: &Sandbox, args: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(args);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    let output = command.current_dir(sandbox.root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn revision(sandbox: &Sandbox, more: &[&str]) -> (Value, Value) {
    sandbox.ok(&[&["push", "artifact", "URL/app:v1", "-f", "app"], more].concat());
    let manifest: Value = serde_json::from_slice(&sandbox.registry.manifest("app", "v1").unwrap()).unwrap();
    let annotations = &manifest["annotations"];
    (
        annotations["org.opencontainers.image.source"].clone(),
        annotations["org.opencontainers.image.revision"].clone(),
    )
}

#[test]
fn push_reads_source_and_revision_from_git() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    git(&sandbox, &["init", "-q", "-b", "main"]);
    git(&sandbox, &["remote", "add", "origin", "https://user:token@git.example/org/app.git"]);
    git(&sandbox, &["add", "app"]);
    git(&sandbox, &["commit", "-q", "-m", "one"]);
    let (source, clean) = revision(&sandbox, &[]);
    assert_eq!(source, "https://git.example/org/app.git");
    let clean = clean.as_str().unwrap();
    assert!(clean.starts_with("main@sha1:") && clean.len() == "main@sha1:".len() + 40, "{clean}");
    sandbox.write("app/deployment.yaml", "kind: Changed\n");
    let (_, dirty) = revision(&sandbox, &[]);
    assert_eq!(dirty, format!("{clean}-dirty"));
    let (source, given) = revision(&sandbox, &["--revision", "mine"]);
    assert_eq!((source, given), ("https://git.example/org/app.git".into(), "mine".into()));
}
