//! `diff artifact`

use serde_json::Value;

use crate::sandbox::{Sandbox, shows};

fn changed() -> Sandbox {
    let sandbox = Sandbox::pushed();
    sandbox.write("app/deployment.yaml", "kind: StatefulSet\n");
    sandbox.write("app/new.yaml", "kind: Secret\n");
    std::fs::remove_file(sandbox.path("app/base/service.yaml")).unwrap();
    sandbox
}

#[test]
fn diff_of_the_same_content_is_zero_and_downloads_nothing() {
    let sandbox = Sandbox::pushed();
    shows(
        &sandbox.run(&["diff", "artifact", "URL/app:v1", "--path", "app"]),
        "exit 0\nerr: ✔ no changes detected",
    );
    assert_eq!(sandbox.registry.requests().len(), 1);
}

#[test]
fn diff_names_what_differs_and_exits_with_one() {
    shows(
        &changed().run(&["diff", "artifact", "URL/app:v1", "--path", "app"]),
        "exit 1
        out: added    new.yaml
        out: removed  base/service.yaml
        out: changed  deployment.yaml
        err: ► the contents differ: 1 added, 1 removed, 1 changed",
    );
}

#[test]
fn diff_shows_changed_lines() {
    shows(
        &changed().run(&["diff", "artifact", "URL/app:v1", "--path", "app", "--show"]),
        "exit 1
        out: --- a/base/service.yaml
        out: +++ /dev/null
        out: @@ -1 +0,0 @@
        out: -kind: Service
        out: --- a/deployment.yaml
        out: +++ b/deployment.yaml
        out: @@ -1 +1 @@
        out: -kind: Deployment
        out: +kind: StatefulSet
        out: --- /dev/null
        out: +++ b/new.yaml
        out: @@ -0,0 +1 @@
        out: +kind: Secret
        err: ► the contents differ: 1 added, 1 removed, 1 changed",
    );
}

#[test]
fn diff_prints_data() {
    let sandbox = changed();
    let screen = sandbox.run(&["diff", "artifact", "URL/app:v1", "--path", "app", "-o", "json"]);
    let json: Value = serde_json::from_str(&screen.stdout).unwrap();
    assert_eq!(json["added"], serde_json::json!(["new.yaml"]));
    assert_eq!(json["changed"], serde_json::json!(["deployment.yaml"]));
    assert_eq!(screen.code, Some(1));
}

#[test]
fn diff_notices_the_executable_bit() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = Sandbox::pushed();
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(sandbox.path("app/deployment.yaml"), mode).unwrap();
    let screen = sandbox.run(&["diff", "artifact", "URL/app:v1", "--path", "app", "--show"]);
    assert_eq!(screen.stdout, "deployment.yaml: the executable bit changed\n");
}

#[test]
fn diff_compares_two_artifacts() {
    let sandbox = changed();
    sandbox.ok(&["push", "artifact", "URL/app:v2", "-f", "app", "--source=s", "--revision=r"]);
    assert_eq!(sandbox.run(&["diff", "artifact", "URL/app:v1", "URL/app:v2"]).code, Some(1));
    assert_eq!(sandbox.run(&["diff", "artifact", "URL/app:v2", "URL/app:v2"]).code, Some(0));
}

#[test]
fn diff_that_fails_exits_with_two() {
    let sandbox = Sandbox::pushed();
    sandbox.fails(&["diff", "artifact", "URL/app:v9", "--path", "app"]);
    sandbox.fails(&["diff", "artifact", "URL/app:v1", "--path", "missing"]);
    sandbox.fails(&["diff", "artifact", "URL/app:v1"]);
}

#[test]
fn diff_after_pull_finds_no_changes() {
    let sandbox = Sandbox::pushed();
    sandbox.ok(&["pull", "artifact", "URL/app:v1", "-o", "out"]);
    sandbox.ok(&["diff", "artifact", "URL/app:v1", "--path", "out"]);
}
