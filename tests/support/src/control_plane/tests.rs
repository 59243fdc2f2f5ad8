//! The keeper kills, cleans up and reports; waiting shows the last reason. No server is needed for these.

use std::{fs, path::Path, time::Duration};

use super::{eventually, identity::Authority};
use crate::kept::{Kept, Start};

fn shell(folder: &Path, script: &str, remove: Option<&Path>) -> Kept {
    let arguments = ["-c".to_owned(), script.to_owned()];
    let (program, arguments) = (Path::new("/bin/sh"), &arguments);
    Kept::start(&Start { program, arguments, environment: &[], folder, log: "log", remove }).unwrap()
}

/// Waits for a sign of life of the child.
async fn written(path: &Path) -> String {
    eventually("a file", Duration::from_secs(20), async || {
        let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
        if text.ends_with('\n') { Ok(text.trim().to_owned()) } else { Err("it is not complete".to_owned()) }
    })
    .await
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn dropping_kills_the_server_and_removes_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let id = folder.path().join("id");
    let server = shell(&inner, &format!("echo $$ > '{}'; exec sleep 600", id.display()), Some(&inner));
    let process = format!("/proc/{}", written(&id).await);
    assert!(Path::new(&process).exists());
    drop(server);
    assert!(!Path::new(&process).exists());
    assert!(!inner.exists());
}

#[tokio::test]
async fn server_that_ends_is_seen_with_what_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = shell(folder.path(), "echo first; echo the reason >&2; exit 3", None);
    eventually(
        "the end",
        Duration::from_secs(20),
        async || {
            if server.runs() { Err("it runs") } else { Ok(()) }
        },
    )
    .await;
    assert_eq!(server.said(), "first\nthe reason");
}

#[tokio::test]
#[should_panic(expected = "waited 0.2 s for a wonder: not yet")]
async fn eventually_fails_with_the_last_reason() {
    let never = async || Err::<(), _>("not yet");
    eventually("a wonder", Duration::from_millis(200), never).await;
}

#[tokio::test]
#[should_panic(expected = "it never answered")]
async fn eventually_does_not_wait_for_an_attempt_that_hangs() {
    let hangs = async || std::future::pending::<Result<(), &str>>().await;
    eventually("a wonder", Duration::from_millis(200), hangs).await;
}

#[test]
#[should_panic(expected = "at most two groups")]
fn user_with_three_groups_is_refused() {
    Authority::new().user("jane", &["a", "b", "c"]);
}
