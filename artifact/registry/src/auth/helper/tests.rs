use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::*;
use crate::auth::Secret;

const DEADLINE: Duration = Duration::from_secs(20);

/// Puts `docker-credential-<name>`, a shell script, into `directory`.
///
/// The file is written by another process: were it open for writing here, a process that another test forks at that
/// moment would hold it open, and starting it would fail with "text file busy".
pub(in crate::auth) fn a_helper(directory: &Path, name: &str, script: &str) -> PathBuf {
    let file = directory.join(format!("docker-credential-{name}"));
    let source = directory.join(format!("{name}.source"));
    fs::write(&source, format!("#!/bin/sh\n{script}\n")).unwrap();
    let copied = Command::new("install").args(["-m", "755"]).args([&source, &file]).status().unwrap();
    assert!(copied.success());
    file
}

async fn ask(script: &str) -> Result<Option<Credential>, HelperError> {
    let directory = TempDir::new().unwrap();
    a_helper(directory.path(), "fake", script);
    get("fake", "r.example", DEADLINE, directory.path().as_os_str()).await
}

fn basic(username: &str, password: &str) -> Credential {
    Credential::Basic { username: username.into(), password: Secret::new(password.into()) }
}

#[tokio::test]
async fn helper_answers_for_the_server_on_its_stdin() {
    let script = r#"[ "$1" = get ] || exit 9
read -r server || true
printf '{"ServerURL":"%s","Username":"u","Secret":"for %s"}' "$server" "$server""#;
    assert_eq!(ask(script).await.unwrap(), Some(basic("u", "for r.example")));
}

#[tokio::test]
async fn helper_that_reads_nothing_is_understood() {
    assert_eq!(ask(r#"echo '{"Username":"u","Secret":"p"}'"#).await.unwrap(), Some(basic("u", "p")));
}

#[tokio::test]
async fn helper_gives_identity_tokens() {
    let found = ask(r#"echo '{"Username":"<token>","Secret":"t"}'"#).await.unwrap();
    assert_eq!(found, Some(Credential::Identity(Secret::new("t".into()))));
}

#[tokio::test]
async fn helper_without_the_credential_means_none() {
    assert_eq!(ask("echo credentials not found in native keychain; exit 1").await.unwrap(), None);
    assert_eq!(ask(r#"echo '{"ServerURL":"","Username":"","Secret":""}'"#).await.unwrap(), None);
}

#[tokio::test]
async fn helper_that_fails_is_quoted_without_control_characters() {
    let error = ask(r"printf 'the \033[31mvault\nis sealed'; exit 3").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "credential helper `docker-credential-fake` for r.example failed (exit status: 3): \
         the \\u{1b}[31mvault\\nis sealed"
    );
    let error = ask("echo from stderr >&2; exit 1").await.unwrap_err();
    assert!(error.to_string().ends_with("failed (exit status: 1): from stderr"), "{error}");
}

#[tokio::test]
async fn helper_that_fails_is_cut() {
    let error = ask("head -c 5000 /dev/zero | tr '\\0' x; exit 1").await.unwrap_err();
    let HelperError::Failed { text, .. } = error else { panic!("{error}") };
    assert_eq!(text.chars().count(), 1025);
}

#[tokio::test]
async fn helper_secret_is_never_in_an_error() {
    for script in [
        r#"echo '{"Username":"u","Secret":"hunter2"}'; exit 1"#,
        r#"echo '{"Username":"u","Secret":"hunter2"'"#,
        r#"printf '%s' '{"Username":"u","Secret":"hunter2\u0000"}'"#,
        r#"printf '%s' '{"Username":"u\n","Secret":"hunter2"}'"#,
        r#"echo '{"Username":"<token>","Secret":"hunter2 x"}'"#,
        "echo hunter2",
    ] {
        let error = ask(script).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{script}: {error:?}");
    }
}

#[tokio::test]
async fn helper_that_hangs_is_given_up() {
    let directory = TempDir::new().unwrap();
    a_helper(directory.path(), "fake", "exec sleep 600");
    let error = get("fake", "r.example", Duration::from_millis(200), directory.path().as_os_str()).await;
    let error = error.unwrap_err();
    assert!(matches!(error, HelperError::Timeout { .. }), "{error}");
    assert!(error.to_string().ends_with("gave no answer within 0.2 s"), "{error}");
}

#[tokio::test]
async fn helper_that_writes_without_end_is_stopped() {
    let error = ask("exec cat /dev/zero").await.unwrap_err();
    assert!(matches!(error, HelperError::Endless { limit: 65_536, .. }), "{error}");
}

#[tokio::test]
async fn helper_may_write_much_to_stderr() {
    let found = ask(r#"head -c 1000000 /dev/zero >&2; echo '{"Username":"u","Secret":"p"}'"#).await.unwrap();
    assert_eq!(found, Some(basic("u", "p")));
}

#[tokio::test]
async fn helper_name_is_no_path() {
    for name in ["", "../x", "a/b", "a b", "a;b", "ä", "a\0"] {
        let error = get(name, "r.example", DEADLINE, OsStr::new("/bin")).await.unwrap_err();
        assert!(matches!(error, HelperError::Name { .. }), "{name:?}: {error}");
    }
}

#[tokio::test]
async fn helper_is_looked_for_in_absolute_directories_only() {
    let directory = TempDir::new().unwrap();
    a_helper(directory.path(), "fake", r#"echo '{"Username":"u","Secret":"p"}'"#);
    fs::write(directory.path().join("docker-credential-plain"), "no program").unwrap();
    for (name, path) in [
        ("fake", OsStr::new("")),
        ("fake", OsStr::new(".:relative")),
        ("plain", directory.path().as_os_str()),
    ] {
        let error = get(name, "r.example", DEADLINE, path).await.unwrap_err();
        assert!(matches!(error, HelperError::Missing { .. }), "{path:?}: {error}");
    }
    let path = std::env::join_paths([Path::new("/nonexistent"), directory.path()]).unwrap();
    assert!(get("fake", "r.example", DEADLINE, &path).await.unwrap().is_some());
}

#[tokio::test]
async fn helpers_start_a_program_once_per_server() {
    let directory = TempDir::new().unwrap();
    let log = directory.path().join("log");
    let script = format!(r#"echo run >> '{}'; echo '{{"Username":"u","Secret":"p"}}'"#, log.display());
    a_helper(directory.path(), "fake", &script);
    let helpers = Helpers::new(directory.path().into(), DEADLINE);
    let (one, two) = futures_util::future::join(helpers.get("fake", "a"), helpers.get("fake", "a")).await;
    assert_eq!(one.unwrap(), two.unwrap());
    assert!(helpers.get("fake", "b").await.unwrap().is_some());
    assert_eq!(fs::read_to_string(log).unwrap(), "run\nrun\n");
}
