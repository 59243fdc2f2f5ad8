//! Faults from outside: signals, deadlines, closed outputs, full disks.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use oci_testkit::registry::{Act, Class, Fault, Match};

use crate::sandbox::Sandbox;

const PULL: [&str; 5] = ["pull", "artifact", "URL/app:v1", "-o", "new/out"];

/// Waits until a condition holds; a minute is taken for never.
fn until(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < Duration::from_mins(1), "{what} never came");
        std::thread::yield_now();
    }
}

#[test]
fn interrupt_cleans_up_and_exits_with_130() {
    for signal in ["INT", "TERM"] {
        let sandbox = Sandbox::pushed();
        sandbox.temporary();
        let before = sandbox.files();
        sandbox.registry.fault(Fault::always(Match::class(Class::Blob), Act::StallBody(20)));
        let child = Sandbox::spawn(&mut sandbox.command(&PULL));
        until("the download", || sandbox.registry.count(|r| r.class == Class::Blob) > 0);
        let kill = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let screen = sandbox.screen(child.wait_with_output().unwrap());
        assert_eq!(screen.code, Some(130), "{}", screen.show());
        assert_eq!(sandbox.files(), before);
    }
}

#[test]
fn interrupt_while_reading_standard_input_ends_at_once() {
    let sandbox = Sandbox::new();
    let args = ["push", "artifact", "URL/app:v1", "-f", "-", "--source=s", "--revision=r"];
    let mut child = Sandbox::spawn(sandbox.command(&args).stdin(Stdio::piped()));
    let open = child.stdin.take();
    until("the start", || {
        let tasks = fs::read_dir(format!("/proc/{}/task", child.id()));
        tasks.is_ok_and(|tasks| tasks.count() > 1)
    });
    assert!(Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().unwrap().success());
    let screen = sandbox.screen(child.wait_with_output().unwrap());
    drop(open);
    assert_eq!(screen.code, Some(130), "{}", screen.show());
}

#[test]
fn timeout_ends_a_silent_registry() {
    let sandbox = Sandbox::pushed();
    sandbox.temporary();
    let before = sandbox.files();
    sandbox.registry.fault(Fault::always(Match::class(Class::Blob), Act::StallBody(20)));
    let screen = sandbox.fails(&[&PULL[..], &["--timeout", "300ms"]].concat());
    assert!(screen.stderr.contains("timed out"), "{}", screen.stderr);
    assert!(screen.stderr.contains("--timeout"), "{}", screen.stderr);
    assert_eq!(sandbox.files(), before);
}

#[test]
fn rate_limit_is_waited_out_or_reported() {
    let sandbox = Sandbox::pushed();
    sandbox.registry.fault(Fault::once(Match::class(Class::Manifest), Act::too_many_requests("0")));
    sandbox.ok(&PULL);
    sandbox.registry.fault(Fault::always(Match::class(Class::Manifest), Act::too_many_requests("3600")));
    let screen = sandbox.fails(&PULL);
    assert!(screen.stderr.contains("429 TOOMANYREQUESTS"), "{}", screen.stderr);
    assert!(screen.stderr.contains("(retry after 3600 s)"), "{}", screen.stderr);
}

#[test]
fn closed_standard_output_is_no_failure() {
    let sandbox = Sandbox::pushed();
    let mut child = Sandbox::spawn(&mut sandbox.command(&["list", "artifacts", "URL/app"]));
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn full_standard_output_is_a_failure() {
    let sandbox = Sandbox::pushed();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = sandbox.command(&["list", "artifacts", "URL/app"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn missing_temporary_folder_is_named() {
    let sandbox = Sandbox::pushed();
    let screen = sandbox.screen(sandbox.command(&PULL).env("TMPDIR", "/no/such/folder").output().unwrap());
    assert_eq!(screen.code, Some(2));
    assert!(screen.stderr.contains("/no/such/folder"), "{}", screen.stderr);
}

#[test]
fn registry_that_is_not_there_is_named() {
    let mut sandbox = Sandbox::pushed();
    sandbox.registry.stop();
    let screen = sandbox.fails(&[&PULL[..], &["--timeout", "2s"]].concat());
    assert!(screen.show().contains("cannot connect to HOST"), "{}", screen.show());
}

#[cfg(target_os = "linux")]
/// Runs the binary with a disk of 64 KiB mounted at `small`, in a mount namespace of its own.
fn with_small_disk(sandbox: &Sandbox, args: &[&str], temporary: &str) -> crate::sandbox::Screen {
    fs::create_dir_all(sandbox.path("small")).unwrap();
    let plain = sandbox.command(args);
    let mut command = Command::new("unshare");
    let script = "mount -t tmpfs -o size=64k none small && mkdir small/tmp && \"$@\"; code=$?; \
                  find small -mindepth 1 | grep -v '^small/tmp$' >&2; exit $code";
    command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(plain.get_program());
    command.args(plain.get_args()).current_dir(sandbox.root()).env_clear().stdin(Stdio::null());
    command.env("PATH", crate::sandbox::search_path()).env("TMPDIR", sandbox.path(temporary));
    sandbox.screen(command.output().unwrap())
}

#[cfg(target_os = "linux")]
/// A folder whose archive does not fit on the small disk, compressed or not.
fn large(sandbox: &Sandbox) {
    let noise = oci_testkit::samples::Seeded::new(7).bytes(200_000);
    fs::create_dir_all(sandbox.path("large")).unwrap();
    fs::write(sandbox.path("large/noise.bin"), noise).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn full_disk_is_named_and_nothing_is_left() {
    let sandbox = Sandbox::new();
    sandbox.temporary();
    large(&sandbox);
    let push = ["push", "artifact", "URL/app:v1", "-f", "large", "--source=s", "--revision=r"];
    sandbox.ok(&push);
    for (what, args, temporary) in [
        ("push", &push[..], "small/tmp"),
        ("download", &["pull", "artifact", "URL/app:v1", "-o", "out"], "small/tmp"),
        ("extraction", &["pull", "artifact", "URL/app:v1", "-o", "small/out"], "tmp"),
        ("build", &["build", "artifact", "-p", "large", "-o", "small/out.tgz"], "tmp"),
    ] {
        let screen = with_small_disk(&sandbox, args, temporary);
        assert_eq!(screen.code, Some(2), "{what}: {}", screen.show());
        assert!(screen.stderr.contains("No space left on device"), "{what}: {}", screen.show());
        assert!(!screen.stderr.contains("\nsmall/"), "{what} left something: {}", screen.show());
        assert!(!sandbox.path("out").exists(), "{what}");
    }
}
