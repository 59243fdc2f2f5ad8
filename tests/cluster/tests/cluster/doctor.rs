//! `kubectl oci doctor` about installations in the real API server.

use std::process::Command;

use oci_testkit::{
    control_plane::{ControlPlane, Ran},
    tools,
};
use serde_json::Value;

use crate::world::World;

async fn doctor(plane: &ControlPlane) -> (Ran, Vec<(String, String)>) {
    let mut command = Command::new(tools::program("kubectl-oci").unwrap());
    command.env_clear().env("KUBECONFIG", plane.kubeconfig()).env("PATH", "/usr/bin:/bin");
    let ran = Ran::of({
        command.args(["doctor", "-o", "json"]);
        command
    })
    .await;
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
    let all = report["findings"].as_array().unwrap().iter();
    let all = all.map(|finding| (text(finding, "about"), text(finding, "state"))).collect();
    (ran, all)
}

#[track_caller]
fn has((ran, all): &(Ran, Vec<(String, String)>), about: &str, state: &str) {
    assert!(all.contains(&(about.to_owned(), state.to_owned())), "{about} {state}: {all:?}\n{ran}");
}

#[tokio::test]
async fn doctor_names_what_is_missing_or_broken() {
    let plane = ControlPlane::start().await;
    let found = doctor(&plane).await;
    assert_eq!(found.0.code, 1, "{}", found.0);
    has(&found, "kind", "fault");

    // Everything but pods, which nobody runs here.
    let mut world = World::over(plane, "overlays/single").await;
    let found = doctor(&world.plane).await;
    assert_eq!(found.0.code, 1, "{}", found.0);
    for about in ["kind", "webhook", "conversion", "rights", "objects"] {
        has(&found, about, "good");
    }
    for about in ["program oci-webhook", "program oci-controller"] {
        has(&found, about, "fault");
    }
    has(&found, "program oci-controller", "note");

    // The webhook is gone, and by its failure policy wrong objects are accepted.
    world.stop_webhook();
    has(&doctor(&world.plane).await, "webhook", "fault");

    // A role that lost a rule, and a source-controller that works on the same objects.
    let patch = r#"[{"op":"remove","path":"/rules/1"}]"#;
    let role = ["patch", "clusterrole", "oci-controller", "--type=json", "-p", patch];
    world.plane.run(&role).await.succeeded();
    let source_controller = r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"flux-system"}}
---
{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"source-controller","namespace":"flux-system"},
"spec":{"selector":{"matchLabels":{"app":"a"}},"template":{"metadata":{"labels":{"app":"a"}},
"spec":{"containers":[{"name":"manager","image":"a","args":["--storage-path=/data"]}]}}}}"#;
    world.plane.apply(source_controller).await;
    let found = doctor(&world.plane).await;
    has(&found, "rights", "fault");
    has(&found, "Flux", "fault");
}
