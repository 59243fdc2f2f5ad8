use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use oci_artifact::Classify as _;
use tempfile::TempDir;

use super::*;

/// Runs git in `folder`, apart from the computer's own configuration.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"])
        .args(["-c", "protocol.file.allow=always", "-c", "commit.gpgSign=false", "-c", "tag.gpgSign=false"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .output()
        .expect("the tests need git")
}

/// What git prints; it must succeed.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository with one commit: `app/a.yaml`, `other.yaml` and `.gitignore`.
fn a_repository() -> TempDir {
    let root = TempDir::new().unwrap();
    git(root.path(), &["init", "-q"]);
    fs::create_dir(root.path().join("app")).unwrap();
    for (file, text) in [("app/a.yaml", "a: 1\n"), ("other.yaml", "b: 1\n"), (".gitignore", "*.tmp\n/out\n")]
    {
        fs::write(root.path().join(file), text).unwrap();
    }
    commit(root.path());
    root
}

fn commit(root: &Path) {
    git(root, &["add", "-A"]);
    git(root, &["commit", "-q", "-m", "x"]);
}

fn hex(root: &Path) -> String {
    git(root, &["rev-parse", "HEAD"])
}

/// As [`of`], without the configuration of whoever runs the tests.
fn look(path: &Path) -> Result<Option<Origin>, OriginError> {
    inspect(path, &options(permissions::Config::isolated()))
}

fn revision(path: &Path) -> String {
    look(path).unwrap().unwrap().revision
}

fn is_dirty(path: &Path) -> bool {
    revision(path).ends_with("-dirty")
}

#[test]
fn origin_of_a_branch_names_it() {
    let root = a_repository();
    git(root.path(), &["checkout", "-q", "-b", "feature/x"]);
    let expected = format!("feature/x@sha1:{}", hex(root.path()));
    assert_eq!(revision(root.path()), expected);
    assert_eq!(revision(&root.path().join("app")), expected);
    assert_eq!(revision(&root.path().join("app/a.yaml")), expected);
}

#[test]
fn origin_of_a_detached_head_names_the_best_tag() {
    let root = a_repository();
    git(root.path(), &["checkout", "-q", "--detach"]);
    let hex = hex(root.path());
    assert_eq!(revision(root.path()), format!("HEAD@sha1:{hex}"));
    git(root.path(), &["tag", "zzz"]);
    assert_eq!(revision(root.path()), format!("zzz@sha1:{hex}"));
    git(root.path(), &["tag", "v1.9.0"]);
    git(root.path(), &["tag", "-a", "-m", "x", "v1.10.0"]);
    assert_eq!(revision(root.path()), format!("v1.10.0@sha1:{hex}"));
    git(root.path(), &["pack-refs", "--all"]);
    assert_eq!(revision(root.path()), format!("v1.10.0@sha1:{hex}"));
    fs::write(root.path().join("other.yaml"), "b: 2\n").unwrap();
    commit(root.path());
    assert_eq!(revision(root.path()), format!("HEAD@sha1:{}", self::hex(root.path())));
}

#[test]
fn origin_reads_packed_refs_and_packed_objects() {
    let root = a_repository();
    git(root.path(), &["pack-refs", "--all"]);
    git(root.path(), &["gc", "-q"]);
    assert!(!root.path().join(".git/refs/heads/main").exists());
    assert_eq!(revision(root.path()), format!("main@sha1:{}", hex(root.path())));
}

#[test]
fn origin_of_a_linked_worktree_is_its_own_branch() {
    let root = a_repository();
    git(root.path(), &["remote", "add", "origin", "https://example.com/app"]);
    let folder = TempDir::new().unwrap();
    let linked = folder.path().join("linked");
    git(root.path(), &["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
    let found = look(&linked.join("app")).unwrap().unwrap();
    assert_eq!(found.source.as_deref(), Some("https://example.com/app"));
    assert_eq!(found.revision, format!("side@sha1:{}", hex(root.path())));
    fs::write(linked.join("other.yaml"), "b: 2\n").unwrap();
    assert!(is_dirty(&linked));
    assert!(!is_dirty(root.path()));
}

#[test]
fn origin_outside_a_repository_is_none() {
    let root = TempDir::new().unwrap();
    assert_eq!(look(root.path()).unwrap(), None);
    let error = look(&root.path().join("absent")).unwrap_err();
    assert!(matches!(error, OriginError::Path { .. }), "{error}");
}

#[test]
fn origin_without_commits_is_none() {
    let root = TempDir::new().unwrap();
    git(root.path(), &["init", "-q"]);
    assert_eq!(look(root.path()).unwrap(), None);
}

#[test]
fn origin_passes_over_bare_repositories() {
    let root = TempDir::new().unwrap();
    git(root.path(), &["init", "-q", "--bare"]);
    assert_eq!(look(root.path()).unwrap(), None);
}

#[test]
fn origin_of_a_sha256_repository_is_an_error_with_a_hint() {
    let root = TempDir::new().unwrap();
    git(root.path(), &["init", "-q", "--object-format=sha256"]);
    git(root.path(), &["commit", "-q", "--allow-empty", "-m", "x"]);
    let error = look(root.path()).unwrap_err();
    assert!(matches!(error, OriginError::Open { .. }), "{error:?}");
    assert!(error.to_string().contains("sha256"), "{error}");
    assert_eq!(error.hint().as_deref(), Some("pass `--source` and `--revision`"));
}

#[test]
fn source_is_the_remote_origin_or_the_only_one() {
    let root = a_repository();
    let source = || look(root.path()).unwrap().unwrap().source;
    assert_eq!(source(), None);
    git(root.path(), &["remote", "add", "upstream", "https://u:hunter2@example.com/up"]);
    assert_eq!(source().as_deref(), Some("https://example.com/up"));
    git(root.path(), &["remote", "add", "fork", "git@example.com:fork"]);
    assert_eq!(source(), None);
    git(root.path(), &["remote", "add", "origin", "git@example.com:app"]);
    git(root.path(), &["remote", "set-url", "--add", "origin", "git@example.com:second"]);
    assert_eq!(source().as_deref(), Some("git@example.com:app"));
}

#[test]
fn dirty_by_an_edit_anywhere() {
    let root = a_repository();
    assert!(!is_dirty(root.path()));
    fs::write(root.path().join("other.yaml"), "b: 22\n").unwrap();
    assert!(is_dirty(&root.path().join("app")));
}

#[test]
fn dirty_by_a_deletion() {
    let root = a_repository();
    fs::remove_file(root.path().join("other.yaml")).unwrap();
    assert!(is_dirty(root.path()));
}

#[test]
fn dirty_by_a_staged_change() {
    let root = a_repository();
    fs::write(root.path().join("other.yaml"), "b: 2\n").unwrap();
    git(root.path(), &["add", "-A"]);
    assert!(is_dirty(root.path()));
    // The work tree equals HEAD again, the index does not.
    fs::write(root.path().join("other.yaml"), "b: 1\n").unwrap();
    assert!(is_dirty(root.path()));
}

#[test]
fn dirty_by_untracked_files_below_the_path_only() {
    let root = a_repository();
    fs::create_dir(root.path().join("app[x]")).unwrap();
    fs::write(root.path().join("app[x]/new.yaml"), "").unwrap();
    assert!(is_dirty(root.path()));
    assert!(is_dirty(&root.path().join("app[x]")));
    assert!(!is_dirty(&root.path().join("app")));
    fs::write(root.path().join("app/new.yaml"), "").unwrap();
    assert!(is_dirty(&root.path().join("app")));
}

#[test]
fn clean_in_spite_of_ignored_files() {
    let root = a_repository();
    fs::create_dir(root.path().join("out")).unwrap();
    for file in ["app/x.tmp", "out/rendered.yaml"] {
        fs::write(root.path().join(file), "").unwrap();
    }
    for folder in ["", "app", "out"] {
        assert!(!is_dirty(&root.path().join(folder)), "{folder}");
    }
}

#[test]
fn clean_in_spite_of_new_times() {
    let root = a_repository();
    fs::write(root.path().join("other.yaml"), "b: 1\n").unwrap();
    assert!(!is_dirty(root.path()));
}

#[test]
fn dirty_by_a_change_in_a_submodule() {
    let root = a_repository();
    let library = a_repository();
    git(root.path(), &["submodule", "add", "-q", library.path().to_str().unwrap(), "lib"]);
    commit(root.path());
    assert!(!is_dirty(root.path()));
    assert_eq!(revision(&root.path().join("lib")), format!("main@sha1:{}", hex(library.path())));
    fs::write(root.path().join("lib/other.yaml"), "b: 2\n").unwrap();
    assert!(is_dirty(root.path()));
}

/// Sets everything up that makes git itself run a program while it looks for changes.
fn set_traps(root: &Path, mark: &Path) {
    let program = format!("touch '{}'; cat", mark.display());
    fs::write(root.join(".gitattributes"), "*.yaml filter=trap diff=trap\n").unwrap();
    for (key, value) in [
        ("filter.trap.clean", program.as_str()),
        ("filter.trap.smudge", &program),
        ("filter.trap.process", &program),
        ("filter.trap.required", "true"),
        ("diff.trap.textconv", &program),
        ("diff.trap.command", &program),
        ("core.fsmonitor", &program),
        ("credential.helper", &format!("!{program}")),
    ] {
        git(root, &["config", key, value]);
    }
    let hook = root.join(".git/hooks/post-index-change");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, format!("#!/bin/sh\n{program}\n")).unwrap();
    Command::new("chmod").arg("755").arg(&hook).status().unwrap();
}

#[test]
fn origin_runs_no_program_that_a_repository_names() {
    let root = a_repository();
    fs::write(root.path().join(".gitattributes"), "*.yaml filter=trap diff=trap\n").unwrap();
    commit(root.path());
    let folder = TempDir::new().unwrap();
    let mark = folder.path().join("mark");
    set_traps(root.path(), &mark);
    // Same length, other time: only reading (and for git, filtering) can tell.
    fs::write(root.path().join("other.yaml"), "b: 2\n").unwrap();
    let _ = fs::remove_file(&mark);
    assert!(is_dirty(root.path()));
    assert!(is_dirty(&root.path().join("app")));
    assert!(!mark.exists(), "a program was started");
    run(root.path(), &["status"]);
    assert!(mark.exists(), "the trap works: git itself runs it");
}

#[test]
fn origin_runs_no_program_that_a_submodule_names() {
    let (root, library) = (a_repository(), a_repository());
    fs::write(library.path().join(".gitattributes"), "*.yaml filter=trap diff=trap\n").unwrap();
    commit(library.path());
    git(root.path(), &["submodule", "add", "-q", library.path().to_str().unwrap(), "lib"]);
    commit(root.path());
    let folder = TempDir::new().unwrap();
    let mark = folder.path().join("mark");
    let inside = root.path().join("lib");
    for key in ["filter.trap.clean", "filter.trap.process", "core.fsmonitor"] {
        git(&inside, &["config", key, &format!("touch '{}'; cat", mark.display())]);
    }
    fs::write(inside.join("other.yaml"), "b: 2\n").unwrap();
    let _ = fs::remove_file(&mark);
    assert!(is_dirty(root.path()));
    assert!(is_dirty(&inside));
    assert!(!mark.exists(), "a program was started");
}

#[cfg(unix)]
#[test]
fn origin_refuses_the_repository_of_another_user() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let root = a_repository();
    let stranger = root.path().metadata().unwrap().uid() + 1;
    if chown(root.path().join(".git"), Some(stranger), None).is_err() {
        // Only root can give files away; elsewhere the refusal is tested by nobody.
        return;
    }
    let error = look(root.path()).unwrap_err();
    assert!(matches!(error, OriginError::Untrusted { .. }), "{error}");
    assert!(error.hint().unwrap().contains("safe.directory"));
}
