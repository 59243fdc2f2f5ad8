//! `inspect artifact`

use serde_json::Value;

use crate::sandbox::{Sandbox, shows};

#[test]
fn inspect_describes_the_artifact() {
    let sandbox = Sandbox::pushed();
    let screen = sandbox.ok(&["inspect", "artifact", "URL/app:v1"]);
    let text = screen.show();
    for part in [
        "out: Artifact:      HOST/app:v1",
        "out: Digest:        sha256:DIGEST",
        "out: Config:        application/vnd.cncf.flux.config.v1+json",
        "out:   org.opencontainers.image.source: s",
        "out:   application/vnd.cncf.flux.content.v1.tar+gzip   sha256:DIGEST",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn inspect_prints_data_names_and_raw_bytes() {
    let sandbox = Sandbox::pushed();
    let json: Value =
        serde_json::from_str(&sandbox.ok(&["inspect", "artifact", "URL/app:v1", "-o", "json"]).stdout)
            .unwrap();
    assert_eq!(json["annotations"]["org.opencontainers.image.revision"], "r");
    assert_eq!(json["layers"][0]["mediaType"], "application/vnd.cncf.flux.content.v1.tar+gzip");
    assert_eq!(json["referrers"], serde_json::json!([]));
    let raw = sandbox.ok(&["inspect", "artifact", "URL/app:v1", "--raw"]).stdout;
    assert_eq!(raw.as_bytes(), sandbox.registry.manifest("app", "v1").unwrap());
    shows(
        &sandbox.run(&["inspect", "artifact", "URL/app:v1", "-o", "name"]),
        "exit 0\nout: HOST/app@sha256:DIGEST",
    );
}
