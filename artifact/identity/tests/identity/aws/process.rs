//! Programs that hand out keys: `credential_process`.

use std::{fs, path::Path, process::Command};

use oci_artifact::name::Cloud;
use oci_identity::{Environment, Plan};
use oci_testkit::planted::{AWS_SESSION_TOKEN, OTHER_AWS_SECRET_KEY};

use super::{
    desk::{a_home, desk},
    world::{HOST, World, a_file, identities, log_in, said},
};

/// A program, written by another process: were it open for writing here, a test that forks now would hold it open.
fn a_program(folder: &Path, script: &str) -> String {
    let (source, file) =
        (a_file(folder, "source", &format!("#!/bin/sh\n{script}\n")), folder.join("keys of mine"));
    let copied = Command::new("install").args(["-m", "755"]).arg(source).arg(&file).status().unwrap();
    assert!(copied.success());
    file.display().to_string()
}

/// Logs in by a program that does this.
async fn by_program(script: &str) -> Result<String, String> {
    let (world, home) = (World::start(), a_home("", ""));
    let program = a_program(home.path(), script);
    a_file(
        &home.path().join(".aws"),
        "config",
        &format!("[default]\ncredential_process = \"{program}\" 'a b' $HOME\n"),
    );
    let source = identities(desk(home.path(), &[])).source(Plan::Process(Cloud::Aws), world.web(), None);
    let found = log_in(&source, HOST).await;
    match found {
        Ok(lookup) => Ok(lookup.to_string().replace(&program, "PROGRAM")),
        failed @ Err(_) => Err(said(failed).replace(&program, "PROGRAM")),
    }
}

fn printed(more: &str) -> String {
    format!(
        r#"{{"Version":1,"AccessKeyId":"ASIAPROGRAM","SecretAccessKey":"{OTHER_AWS_SECRET_KEY}","SessionToken":"{AWS_SESSION_TOKEN}"{more}}}"#
    )
}

#[tokio::test]
async fn program_of_a_profile_hands_out_keys_without_a_shell() {
    let script = format!("[ \"$1|$2|$#\" = 'a b|$HOME|2' ] || exit 9\necho '{}'", printed(""));
    let found = by_program(&script).await.unwrap();
    let origin = "credential_process of profile `default` (`PROGRAM`)";
    assert_eq!(found, format!("basic(AWS), ECR in eu-west-1, {origin}"));
}

#[tokio::test]
async fn programs_that_hand_out_nothing_are_told() {
    let place = "credential_process of profile `default`: ";
    let unusable = |detail: &str| format!("the output of `PROGRAM` is unusable: {detail}");
    for (script, wanted) in [
        (
            "echo no session >&2; exit 3".to_owned(),
            "`PROGRAM` failed (exit status: 3): no session".to_owned(),
        ),
        ("kill -9 $$".to_owned(), "`PROGRAM` failed (signal: 9".to_owned()),
        ("head -c 1073741824 /dev/zero".to_owned(), "`PROGRAM`: more than 65536 bytes of output".to_owned()),
        (format!("echo {OTHER_AWS_SECRET_KEY}"), unusable("it is not the JSON expected")),
        (String::new(), unusable("it is not the JSON expected")),
        (
            format!("echo '{}'", printed("").replace("\"Version\":1", "\"Version\":2")),
            unusable("its Version is not 1"),
        ),
        ("echo '{\"Version\":1}'".to_owned(), unusable("it has no AccessKeyId")),
        (format!("echo '{}'", printed(",\"Expiration\":\"soon\"")), unusable("the expiration is no time")),
    ] {
        let text = by_program(&script).await.unwrap_err();
        assert!(text.starts_with(&format!("{place}{wanted}")), "{text}");
    }
    let text = by_program(&format!("echo '{}'", printed(",\"Expiration\":\"2026-01-01T11:00:00Z\""))).await;
    assert!(text.unwrap_err().contains("it is over already"));
}

/// The clock stands still, and jumps when nothing else happens.
#[tokio::test(start_paused = true)]
async fn program_that_hangs_is_given_up() {
    let text = by_program("exec sleep 1000").await.unwrap_err();
    assert!(text.contains("`PROGRAM`: no answer within 60 s"), "{text}");
}

#[tokio::test]
async fn program_is_looked_for_on_the_path_and_never_here() {
    let (world, home) = (World::start(), a_home("", ""));
    let program = a_program(home.path(), &format!("echo '{}'", printed("")));
    fs::rename(&program, home.path().join("mykeys")).unwrap();
    for (line, found) in
        [("mykeys", true), ("~/mykeys", true), ("./mykeys", false), ("other", false), ("a/mykeys", false)]
    {
        a_file(&home.path().join(".aws"), "config", &format!("[default]\ncredential_process = {line}\n"));
        let environment = Environment { path: Some(home.path().into()), ..desk(home.path(), &[]) };
        let result = world.log_in(environment, HOST).await;
        if found {
            assert!(result.is_ok(), "{line}");
        } else {
            let text = said(result);
            assert!(text.contains(&format!("there is no program `{line}`")), "{text}");
        }
    }
}
