//! `cargo xtask cluster`, from what it says to try to Ctrl-C.

use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use oci_testkit::{
    control_plane::{Ran, eventually},
    tools,
};

const LONG: Duration = Duration::from_mins(1);
/// Runs a program until standard input ends, and then does what Ctrl-C does: also when this process is killed.
const UNTIL_CTRL_C: &str = r#""$@" & program=$!; read -r _; kill -INT $program; wait $program"#;

fn started(log: &Path, folder: &Path) -> Child {
    let programs = tools::program("kubectl-oci").unwrap().parent().unwrap().to_owned();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", UNTIL_CTRL_C, "cluster", env!("CARGO_BIN_EXE_oci-cluster")]).arg(programs).arg(folder);
    let log = File::create(log).unwrap();
    shell.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

#[tokio::test]
async fn cluster_on_this_computer_does_what_it_says_and_leaves_nothing() {
    let desk = tempfile::tempdir().unwrap();
    let (log, folder) = (desk.path().join("log"), desk.path().join("cluster"));
    let mut cluster = started(&log, &folder);
    let told = eventually("the cluster", LONG, async || {
        let told = fs::read_to_string(&log).unwrap();
        if told.contains("Ctrl-C ends") { Ok(told) } else { Err(told) }
    })
    .await;
    // What is to be typed is indented.
    let example: Vec<&str> = told.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    assert!(example.len() > 10, "{told}");
    let mut shell = Command::new("/bin/sh");
    shell.args(["-ec", &example.join("\n")]).current_dir(desk.path());
    shell.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", desk.path());
    let seen = Ran::of(shell).await;
    assert_eq!(seen.code, 0, "{seen}");
    assert!(seen.stdout.contains("condition met") && seen.stdout.ends_with("service.yaml\n"), "{seen}");

    drop(cluster.stdin.take());
    let code = eventually("its end", LONG, async || {
        cluster.try_wait().unwrap().ok_or_else(|| fs::read_to_string(&log).unwrap())
    })
    .await;
    assert!(code.success(), "{}", fs::read_to_string(&log).unwrap());
    assert!(!folder.exists());
}
