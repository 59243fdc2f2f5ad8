//! `kubectl oci doctor` about installations in the real API server.

use std::{path::Path, process::Command, time::Duration};

use oci_testkit::{
    control_plane::{ControlPlane, Ran, eventually},
    tools,
};
use serde_json::{Value, json};

use crate::{
    install::overlay,
    objects::{object, repositories},
    world::World,
};

const LONG: Duration = Duration::from_mins(1);

type Found = (Ran, Vec<(String, String)>);

async fn doctor(plane: &ControlPlane) -> Found {
    doctor_as(&plane.kubeconfig()).await
}

async fn doctor_as(kubeconfig: &Path) -> Found {
    let mut command = Command::new(tools::program("kubectl-oci").unwrap());
    command.env_clear().env("KUBECONFIG", kubeconfig).env("PATH", "/usr/bin:/bin");
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
fn has((ran, all): &Found, about: &str, state: &str) {
    assert!(all.contains(&(about.to_owned(), state.to_owned())), "{about} {state}: {all:?}\n{ran}");
}

/// How many findings there are about something.
fn count((_, all): &Found, about: &str) -> usize {
    all.iter().filter(|(one, _)| one == about).count()
}

#[track_caller]
fn says((ran, _): &Found, text: &str) {
    assert!(ran.stdout.contains(text), "{text}: {ran}");
}

/// Changes a Deployment of ours.
async fn change(plane: &ControlPlane, deployment: &str, patch: &Value) {
    let patch = patch.to_string();
    let words = ["patch", "deployment", deployment, "-n", "oci-system", "--type=json", "-p", &patch];
    plane.run(&words).await.succeeded();
}

/// Flux's controller, which works on what the selector says.
async fn source_controller(plane: &ControlPlane, selector: Option<&str>) {
    let mut arguments = vec!["--storage-path=/data".to_owned()];
    arguments.extend(selector.map(|selector| format!("--watch-label-selector={selector}")));
    let pod = json!({ "containers": [{ "name": "manager", "image": "a", "args": arguments }] });
    let labels = json!({ "app": "a" });
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "source-controller", "namespace": "flux-system" },
        "spec": {
            "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": pod },
        },
    });
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "flux-system" } });
    plane.apply(&format!("{namespace}\n---\n{deployment}\n")).await;
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
    says(&found, "there is no object yet to convert");
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
    source_controller(&world.plane, None).await;
    let found = doctor(&world.plane).await;
    has(&found, "rights", "fault");
    has(&found, "Flux", "fault");

    // Apart by labels.
    let selector = "sharding.fluxcd.io/key";
    source_controller(&world.plane, Some(&format!("!{selector}"))).await;
    has(&doctor(&world.plane).await, "Flux", "fault");
    let argument = json!([{ "op": "add", "path": "/spec/template/spec/containers/0/args/-",
        "value": format!("--watch-label-selector={selector}=oci") }]);
    change(&world.plane, "oci-controller", &argument).await;
    has(&doctor(&world.plane).await, "Flux", "good");
}

#[tokio::test]
async fn doctor_tells_what_works_but_is_worth_knowing() {
    let plane = ControlPlane::start().await;
    // One that is read without a webhook.
    let name = oci_crds::schema::NAME;
    plane.apply(&overlay("policy").await[&format!("CustomResourceDefinition /{name}")].to_string()).await;
    plane.run(&["wait", "--for=condition=Established", &format!("crd/{name}")]).await.succeeded();
    let found = doctor(&plane).await;
    assert_eq!(found.0.code, 1, "{}", found.0);
    has(&found, "kind", "good");
    has(&found, "programs", "fault");
    has(&found, "webhook", "note");
    assert_eq!((count(&found, "conversion"), count(&found, "rights"), count(&found, "Flux")), (0, 0, 0));

    let namespace = plane.namespace().await;
    let api = repositories(plane.client(), &namespace, "v1");
    let spec = json!({ "url": "oci://ghcr.io/org/app", "interval": "5m" });
    crate::objects::apply(&api, &object("app", "v1", &spec)).await.unwrap();
    let found = doctor(&plane).await;
    has(&found, "objects", "note");
    says(&found, "0 of 1 OCIRepository are ready, 0 suspended");
    let suspended = json!({ "url": "oci://ghcr.io/org/app", "interval": "5m", "suspend": true });
    crate::objects::apply(&api, &object("app", "v1", &suspended)).await.unwrap();
    has(&doctor(&plane).await, "objects", "good");

    let world = World::over(plane, "overlays/single").await;
    let plane = &world.plane;
    assert_eq!(count(&doctor(plane).await, "program oci-webhook"), 1);
    let container = "/spec/template/spec/containers/0";
    let older = json!([{ "op": "replace", "path": format!("{container}/image"),
        "value": "mirror.example/kubectl-oci:v0.0.9" }]);
    change(plane, "oci-webhook", &older).await;
    let found = doctor(plane).await;
    has(&found, "program oci-webhook", "note");
    says(&found, "runs mirror.example/kubectl-oci:v0.0.9");

    // Artifacts in a bucket, said by a variable or by an argument, or on a volume that stays are not lost with the pod.
    assert_eq!(count(&found, "program oci-controller"), 2);
    let variable = json!({ "name": "STORAGE_BUCKET", "value": "s3://artifacts" });
    for (list, value) in [("env", variable), ("args", json!("--storage-bucket=s3://artifacts"))] {
        let path = format!("{container}/{list}/0");
        change(plane, "oci-controller", &json!([{ "op": "add", "path": path, "value": value }])).await;
        assert_eq!(count(&doctor(plane).await, "program oci-controller"), 1, "{list}");
        change(plane, "oci-controller", &json!([{ "op": "remove", "path": path }])).await;
    }
    let claim = json!([{ "op": "replace", "path": "/spec/template/spec/volumes/0",
        "value": { "name": "data", "persistentVolumeClaim": { "claimName": "artifacts" } } }]);
    change(plane, "oci-controller", &claim).await;
    assert_eq!(count(&doctor(plane).await, "program oci-controller"), 1);
}

#[tokio::test]
async fn doctor_quotes_the_api_server_when_the_webhook_is_away() {
    let mut world = World::start("overlays/single").await;
    let namespace = world.plane.namespace().await;
    let api = repositories(world.plane.client(), &namespace, "v1");
    let spec = json!({ "url": "oci://ghcr.io/org/app", "interval": "5m" });
    crate::objects::apply(&api, &object("app", "v1", &spec)).await.unwrap();
    let found = doctor(&world.plane).await;
    has(&found, "conversion", "good");
    says(&found, "objects are read in either version");

    world.stop_webhook();
    let found = doctor(&world.plane).await;
    says(&found, "the API server does not reach it");
    has(&found, "conversion", "fault");
    says(&found, "conversion webhook");
    let configuration = async |patch: Value| {
        let patch = patch.to_string();
        let words = ["patch", "validatingwebhookconfiguration", "oci-webhook", "--type=json", "-p", &patch];
        world.plane.run(&words).await.succeeded();
    };
    configuration(json!([{ "op": "remove", "path": "/webhooks/0/clientConfig/caBundle" }])).await;
    let found = doctor(&world.plane).await;
    has(&found, "webhook", "fault");
    says(&found, "the webhook has not published its certificate");
    configuration(json!([{ "op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Fail" }])).await;
    // The API server takes a moment to know of it.
    eventually("the webhook to be asked", LONG, async || {
        let found = doctor(&world.plane).await;
        has(&found, "webhook", "fault");
        let refused = found.0.stdout.contains("failed calling webhook");
        if refused { Ok(()) } else { Err(found.0.stdout) }
    })
    .await;

    // Who may look and not write cannot try.
    let role = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"look"},
"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["get","list"]}]}"#;
    world.plane.apply(role).await;
    let bind = ["create", "clusterrolebinding", "look", "--clusterrole=look", "--user=looker"];
    world.plane.run(&bind).await.succeeded();
    let found = doctor_as(&world.plane.user_kubeconfig("looker", &[])).await;
    has(&found, "webhook", "note");
    has(&found, "rights", "note");

    // As Flux leaves it that applies its CRD over ours.
    let one = json!([{ "op": "remove", "path": "/spec/versions/1" }]).to_string();
    let kind = format!("crd/{}", oci_crds::schema::NAME);
    world.plane.run(&["patch", &kind, "--type=json", "-p", &one]).await.succeeded();
    eventually("one version", LONG, async || {
        let found = doctor(&world.plane).await;
        if found.0.stdout.contains("there is one version") { Ok(()) } else { Err(found.0.stdout) }
    })
    .await;
}
