//! `copy artifact`

use crate::sandbox::{Sandbox, shows};

#[test]
fn copy_mounts_in_one_registry() {
    let sandbox = Sandbox::pushed();
    shows(
        &sandbox.run(&["copy", "artifact", "URL/app:v1", "URL/prod/app:v1", "--tag", "stable"]),
        "exit 0
        err: ► copying oci://HOST/app:v1 to oci://HOST/prod/app:v1
        err: ✔ blobs: 2 mounted
        err: ✔ artifact copied, digest sha256:DIGEST",
    );
    assert_eq!(sandbox.registry.tags("prod/app"), ["stable", "v1"]);
    assert_eq!(sandbox.registry.digest("prod/app", "v1"), sandbox.registry.digest("app", "v1"));
}

#[test]
fn copy_carries_an_artifact_through_a_layout_folder() {
    let sandbox = Sandbox::pushed();
    sandbox.ok(&["copy", "artifact", "URL/app:v1", "oci-layout://airgap/app"]);
    assert!(sandbox.path("airgap/app/index.json").exists());
    let screen =
        sandbox.ok(&["copy", "artifact", "oci-layout://airgap/app:v1", "URL/inside/app", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&screen.stdout).unwrap();
    assert_eq!(json["blobsSent"], 2);
    assert_eq!(sandbox.registry.digest("inside/app", "v1"), sandbox.registry.digest("app", "v1"));
}

#[test]
fn copy_takes_the_only_artifact_of_a_layout_and_names_what_there_is() {
    let sandbox = Sandbox::pushed();
    sandbox.ok(&["copy", "artifact", "URL/app:v1", "oci-layout://lay"]);
    sandbox.ok(&["copy", "artifact", "oci-layout://lay", "URL/b:x"]);
    assert_eq!(sandbox.registry.digest("b", "x"), sandbox.registry.digest("app", "v1"));
    let screen = sandbox.fails(&["copy", "artifact", "oci-layout://lay:v9", "URL/b:y"]);
    assert!(
        screen.show().contains("there is no `v9` in the OCI layout; it has: v1 (sha256:DIGEST)"),
        "{}",
        screen.show()
    );
}

#[test]
fn copy_refuses_bad_ends() {
    let sandbox = Sandbox::pushed();
    let digest = sandbox.registry.digest("app", "v1").unwrap();
    for (from, to) in [
        ("URL/app:v9".to_owned(), "URL/x:v1".to_owned()),
        ("oci-layout://none:v1".to_owned(), "URL/x:v1".to_owned()),
        ("oci-layout://:v1".to_owned(), "URL/x:v1".to_owned()),
        ("URL/app:v1".to_owned(), format!("URL/x@{digest}")),
        ("app:v1".to_owned(), "URL/x:v1".to_owned()),
    ] {
        sandbox.fails(&["copy", "artifact", &from, &to]);
    }
}

#[test]
fn copy_shows_each_login_to_its_own_side_only() {
    use oci_testkit::registry::{Auth, Registry};
    let guarded = || Registry::builder().auth(Auth::basic("tester", "s3cret-pass")).start();
    let sandbox = Sandbox::with(guarded());
    let other = Registry::builder().auth(Auth::basic("other", "other-pass")).start();
    sandbox.sample();
    let push = ["push", "artifact", "URL/app:v1", "-f", "app", "--source=s", "--revision=r"];
    sandbox.ok(&[&push[..], &["--creds", "tester:s3cret-pass"]].concat());
    let to = other.url("app");
    let args =
        ["copy", "artifact", "URL/app:v1", &to, "--from-creds", "tester:s3cret-pass", "--to-creds", "other"];
    let screen = sandbox.run_with_input(&[&args[..], &["--to-password-stdin"]].concat(), "other-pass\n");
    assert_eq!(screen.code, Some(0), "{}", screen.show());
    // base64 of tester:s3cret-pass and of other:other-pass
    let (ours, theirs) = ("dGVzdGVyOnMzY3JldC1wYXNz", "b3RoZXI6b3RoZXItcGFzcw==");
    let saw = |registry: &Registry, secret: &str| {
        registry.count(|request| request.authorization().is_some_and(|value| value.contains(secret)))
    };
    assert!(saw(&sandbox.registry, ours) > 0 && saw(&other, theirs) > 0);
    assert_eq!((saw(&sandbox.registry, theirs), saw(&other, ours)), (0, 0));
}
