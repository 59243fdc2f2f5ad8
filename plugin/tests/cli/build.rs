//! `build artifact`

use std::os::unix::fs::PermissionsExt as _;

use crate::sandbox::Sandbox;

#[test]
fn build_writes_the_file_that_push_sends() {
    let sandbox = Sandbox::pushed();
    let screen = sandbox.ok(&["build", "artifact", "-p", "app", "-o", "out.tgz"]);
    assert!(
        screen.show().contains("err: ✔ artifact created at out.tgz (sha256:DIGEST)"),
        "{}",
        screen.show()
    );
    let built = std::fs::read(sandbox.path("out.tgz")).unwrap();
    assert_eq!(built.get(..10).unwrap(), b"\x1f\x8b\x08\0\0\0\0\0\0\xff");
    assert!(sandbox.registry.blob("app", &oci_artifact::name::Digest::of(&built)).is_some());
    let mode = std::fs::metadata(sandbox.path("out.tgz")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn build_does_not_swallow_its_own_output() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    let build = |name: &str| {
        let mut command = sandbox.command(&["build", "artifact", "-p", "."]);
        let screen = sandbox.screen(command.current_dir(sandbox.path("app")).output().unwrap());
        assert_eq!(screen.code, Some(0), "{name}: {}", screen.show());
        std::fs::read(sandbox.path("app/artifact.tgz")).unwrap()
    };
    assert!(build("first") == build("second"));
}

#[test]
fn build_that_fails_keeps_the_old_file() {
    let sandbox = Sandbox::new();
    sandbox.write("out.tgz", "old");
    sandbox.fails(&["build", "artifact", "-p", "missing", "-o", "out.tgz"]);
    sandbox.fails(&["build", "artifact", "-p", "out.tgz", "-o", "no/such/folder.tgz"]);
    assert_eq!(std::fs::read_to_string(sandbox.path("out.tgz")).unwrap(), "old");
    sandbox.temporary();
    assert_eq!(sandbox.files(), ["out.tgz", "tmp"]);
}
