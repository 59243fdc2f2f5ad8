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
