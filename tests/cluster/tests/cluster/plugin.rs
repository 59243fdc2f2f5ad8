//! The plugin's verbs about a cluster, against the real API server. The test plays the controller.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use kube::{
    Api,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams},
};
use oci_testkit::{
    control_plane::{ControlPlane, Ran, eventually},
    tools,
};
use serde_json::{Value, json};

use crate::{
    objects::{apply, object, repositories},
    world::World,
};

const HEX: &str = "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789";
const URL: &str = "oci://ghcr.io/org/app";

/// The plugin with that kubeconfig.
fn plugin(kubeconfig: &Path, namespace: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(tools::program("kubectl-oci").unwrap());
    command.env_clear().env("KUBECONFIG", kubeconfig).env("PATH", "/usr/bin:/bin");
    command.args(arguments).args(["--namespace", namespace]);
    command
}

async fn run_as(kubeconfig: &Path, namespace: &str, arguments: &[&str]) -> Ran {
    Ran::of(plugin(kubeconfig, namespace, arguments)).await
}

/// A namespace, and a controller for one of its objects.
struct Stage {
    plane: &'static ControlPlane,
    namespace: String,
    api: Api<DynamicObject>,
}

impl Stage {
    async fn new() -> Self {
        let plane = &World::shared().await.plane;
        let namespace = plane.namespace().await;
        let api = repositories(plane.client(), &namespace, "v1");
        Self { plane, namespace, api }
    }

    /// With an object that is ready.
    async fn ready() -> Self {
        let stage = Self::new().await;
        stage.put("app", &json!({ "url": URL, "interval": "5m", "ref": { "tag": "v1" } })).await;
        stage.status("app", &done(1)).await;
        stage
    }

    async fn put(&self, name: &str, spec: &Value) {
        apply(&self.api, &object(name, "v1", spec)).await.unwrap();
    }

    async fn run(&self, arguments: &[&str]) -> Ran {
        run_as(&self.plane.kubeconfig(), &self.namespace, arguments).await
    }

    async fn status(&self, name: &str, status: &Value) {
        let patch = Patch::Merge(json!({ "status": status }));
        self.api.patch_status(name, &PatchParams::default(), &patch).await.unwrap();
    }

    /// The object, as soon as it is so.
    async fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        eventually(what, Duration::from_mins(1), async || {
            let found = self.api.get_opt("app").await.unwrap();
            let value = serde_json::to_value(&found).unwrap();
            if holds(&value) { Ok(value) } else { Err(value.to_string()) }
        })
        .await
    }

    async fn spec(&self) -> Value {
        self.api.get("app").await.unwrap().data["spec"].clone()
    }
}

fn condition(kind: &str, status: &str, reason: &str, message: &str, generation: i64) -> Value {
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "observedGeneration": generation, "lastTransitionTime": "2026-01-01T00:00:00Z",
    })
}

/// What the controller writes after a success.
fn done(generation: i64) -> Value {
    let message = format!("stored artifact for digest 'v1@sha256:{HEX}'");
    json!({
        "observedGeneration": generation,
        "conditions": [condition("Ready", "True", "Succeeded", &message, generation)],
        "artifact": {
            "digest": format!("sha256:{HEX}"), "lastUpdateTime": "2026-01-01T00:00:00Z", "path": "p",
            "revision": format!("v1@sha256:{HEX}"), "url": "http://here/p",
        },
    })
}

/// What the controller writes when a run failed that it will try again.
fn failed(generation: i64, message: &str) -> Value {
    json!({ "conditions": [
        condition("Reconciling", "True", "ProgressingWithRetry", "trying again", generation),
        condition("Ready", "False", "OCIArtifactPullFailed", message, generation),
    ] })
}

fn stalled(generation: i64) -> Value {
    json!({
        "observedGeneration": generation,
        "conditions": [
            condition("Stalled", "True", "URLInvalid", "no such host", generation),
            condition("Ready", "False", "URLInvalid", "no such host", generation),
        ],
    })
}

fn generation(object: &Value) -> i64 {
    object["metadata"]["generation"].as_i64().unwrap_or_default()
}

#[track_caller]
fn ended(ran: &Ran, code: i32, stdout: &str, stderr: &str, namespace: &str) {
    assert_eq!(ran.code, code, "{ran}");
    assert_eq!(ran.stdout.replace(namespace, "NS"), stdout, "{ran}");
    assert_eq!(ran.stderr.replace(namespace, "NS"), stderr, "{ran}");
}

#[tokio::test]
async fn create_waits_until_ready_and_tells_each_change() {
    let stage = Stage::new().await;
    let create = ["create", "app", "--url", URL, "--tag", "v1", "--label", "team=web"];
    let controller = async {
        stage.until("the object", |object| object["spec"]["ref"]["tag"] == "v1").await;
        let running = condition("Reconciling", "True", "Progressing", "building artifact", 1);
        let unknown = condition("Ready", "Unknown", "Progressing", "building artifact", 1);
        stage.status("app", &json!({ "conditions": [running, unknown] })).await;
        stage.status("app", &failed(1, "no such tag")).await;
        stage.status("app", &done(1)).await;
    };
    let (ran, ()) = tokio::join!(stage.run(&create), controller);
    let stderr = format!(
        "⚠️ spec.ref: a tag can be moved to another artifact and no signature is asked for; add `spec.verify`, or select a digest
► applying OCIRepository NS/app
✔ OCIRepository NS/app created
◎ Reconciling=True: Progressing: building artifact
◎ Ready=Unknown: Progressing: building artifact
◎ Reconciling=True: ProgressingWithRetry: trying again
◎ Ready=False: OCIArtifactPullFailed: no such tag
◎ Ready=True: Succeeded: stored artifact for digest 'v1@sha256:{HEX}'
✔ OCIRepository NS/app is ready: v1@sha256:{HEX}
"
    );
    ended(&ran, 0, "", &stderr, &stage.namespace);

    let again = stage.run(&create).await;
    assert!(again.stderr.contains("/app unchanged\n"), "{again}");
    assert!(again.stderr.contains("/app is ready: v1@sha256:"), "{again}");

    // What was set before and is not any more goes.
    let other = ["create", "app", "--url", URL, "--tag-semver", "1.x", "--no-wait", "-q"];
    ended(&stage.run(&other).await, 0, "", "", &stage.namespace);
    assert_eq!(stage.spec().await["ref"], json!({ "semver": "1.x" }));
    assert!(stage.api.get("app").await.unwrap().metadata.labels.is_none());
}

#[tokio::test]
async fn create_without_waiting_can_be_a_rehearsal() {
    let stage = Stage::new().await;
    let create = ["create", "app", "--url", URL, "--digest", &format!("sha256:{HEX}"), "--dry-run"];
    let stderr = "► applying OCIRepository NS/app\n✔ OCIRepository NS/app created (dry run)\n";
    ended(&stage.run(&create).await, 0, "", stderr, &stage.namespace);
    assert!(stage.api.get_opt("app").await.unwrap().is_none());
}

#[tokio::test]
async fn create_ends_with_a_stalled_object() {
    let stage = Stage::new().await;
    let create = ["create", "app", "--url", URL, "--tag", "v1", "-q"];
    let controller = async {
        stage.until("the object", Value::is_object).await;
        stage.status("app", &stalled(1)).await;
    };
    let (ran, ()) = tokio::join!(stage.run(&create), controller);
    let stderr = "✗ OCIRepository NS/app is not ready: URLInvalid: no such host
  hint: it is not tried again until the object is changed\n";
    ended(&ran, 1, "", stderr, &stage.namespace);
}

#[tokio::test]
async fn create_does_not_mix_its_fields_with_those_of_others() {
    let stage = Stage::ready().await;
    let create = ["create", "app", "--url", URL, "--interval", "5m", "--tag-semver", "1.x", "-q"];
    let ran = stage.run(&create).await;
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("denied the request"), "{ran}");
    assert!(ran.stderr.contains("spec.ref: more than one is set"), "{ran}");
    assert_eq!(stage.spec().await["ref"], json!({ "tag": "v1" }));

    let create = ["create", "app", "--url", URL, "--tag", "v2", "-q", "--interval", "5m", "--no-wait"];
    let ran = stage.run(&create).await;
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("conflict") && ran.stderr.contains("hint: `--force-conflicts`"), "{ran}");
    assert_eq!(stage.spec().await["ref"], json!({ "tag": "v1" }));
    ended(&stage.run(&[&create[..], &["--force-conflicts"]].concat()).await, 0, "", "", &stage.namespace);
    assert_eq!(stage.spec().await["ref"], json!({ "tag": "v2" }));
}

#[tokio::test]
async fn get_shows_objects_as_flux_does() {
    let stage = Stage::ready().await;
    stage.put("new", &json!({ "url": URL, "interval": "1m", "suspend": true })).await;
    let table = "NAME   REVISION             SUSPENDED   READY     MESSAGE
app    v1@sha256:abcdef01   False       True      stored artifact for digest 'v1@sha256:abcdef01'
new                         True        Unknown   waiting to be reconciled\n";
    ended(&stage.run(&["get"]).await, 0, table, "", &stage.namespace);
    let all = stage.run(&["get", "-A"]).await.succeeded();
    assert!(all.starts_with("NAMESPACE "), "{all}");
    assert!(all.lines().any(|line| line.starts_with(&format!("{}   app ", stage.namespace))), "{all}");
    let wide = stage.run(&["get", "app", "-o", "wide"]).await.succeeded();
    assert!(wide.contains("oci://ghcr.io/org/app   v1    5m "), "{wide}");
    let name = "ocirepository.source.toolkit.fluxcd.io/new\n";
    let names = stage.run(&["get", "--status-selector", "ready!=true", "-o", "name"]).await;
    ended(&names, 0, name, "", &stage.namespace);
    let none = format!("► no ocirepositories found in namespace {}\n", stage.namespace);
    assert_eq!(stage.run(&["get", "-l", "team=web"]).await.stderr, none);
    let missing = stage.run(&["get", "none"]).await;
    let stderr = "✗ OCIRepository NS/none does not exist\n  hint: `kubectl oci get -A` lists what there is\n";
    ended(&missing, 2, "", stderr, &stage.namespace);
}

#[tokio::test]
async fn get_prints_what_kubectl_prints() {
    let stage = Stage::ready().await;
    for arguments in [&["get", "app"][..], &["get"]] {
        let ours = stage.run(&[arguments, &["-o", "json"]].concat()).await.succeeded();
        let mut words = arguments.to_vec();
        words.insert(1, "ocirepositories");
        words.extend(["-o", "json", "-n", &stage.namespace]);
        let theirs = stage.plane.run(&words).await.succeeded();
        let read = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
        let mut theirs = read(&theirs);
        if theirs["kind"] == "List" {
            theirs.as_object_mut().unwrap().remove("metadata");
        }
        assert_eq!(read(&ours), theirs);
    }
    let yaml = stage.run(&["get", "app", "-o", "yaml"]).await.succeeded();
    assert!(yaml.starts_with("apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\n"), "{yaml}");
}

#[tokio::test]
async fn export_prints_what_can_be_applied_elsewhere() {
    let stage = Stage::ready().await;
    stage.put("other", &json!({ "url": URL, "interval": "1m" })).await;
    let one = "---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata:
  name: app
  namespace: NS
spec:
  interval: 5m
  ref:
    tag: v1
  url: oci://ghcr.io/org/app
";
    ended(&stage.run(&["export", "app"]).await, 0, one, "", &stage.namespace);
    let all = stage.run(&["export", "--all"]).await.succeeded();
    assert_eq!(all.matches("---\n").count(), 2, "{all}");
    stage.plane.apply(&all).await;
    assert_eq!(stage.run(&["export", "app", "none"]).await.code, 2);
}

#[tokio::test]
async fn reconcile_prints_the_revision_of_its_own_run() {
    let stage = Stage::ready().await;
    let controller = async {
        let asked = stage.until("the request", |object| !requested(object).is_null()).await;
        let token = requested(&asked).clone();
        // A success that is not yet that of the request.
        stage.status("app", &done(1)).await;
        let mut status = done(1);
        status["lastHandledReconcileAt"] = token.clone();
        status["artifact"]["revision"] = json!(format!("v2@sha256:{HEX}"));
        stage.status("app", &status).await;
        token
    };
    let (ran, token) = tokio::join!(stage.run(&["reconcile", "app"]), controller);
    let stderr = format!(
        "► annotating OCIRepository NS/app\n✔ OCIRepository NS/app annotated\n✔ OCIRepository NS/app is ready: v2@sha256:{HEX}\n"
    );
    ended(&ran, 0, &format!("v2@sha256:{HEX}\n"), &stderr, &stage.namespace);
    let token = token.as_str().unwrap().to_owned();
    assert!(token.len() > 20 && token.ends_with('Z') && token.as_bytes()[10] == b'T', "{token}");
}

fn requested(object: &Value) -> &Value {
    &object["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"]
}

#[tokio::test]
async fn reconcile_ends_with_its_run() {
    let stage = Stage::ready().await;
    let controller = async {
        let asked = stage.until("the request", |object| !requested(object).is_null()).await;
        let mut status = failed(1, "401 UNAUTHORIZED");
        status["lastHandledReconcileAt"] = requested(&asked).clone();
        stage.status("app", &status).await;
    };
    let (ran, ()) = tokio::join!(stage.run(&["reconcile", "app"]), controller);
    let stderr = "► annotating OCIRepository NS/app
✔ OCIRepository NS/app annotated
◎ Reconciling=True: ProgressingWithRetry: trying again
◎ Ready=False: OCIArtifactPullFailed: 401 UNAUTHORIZED
✗ OCIRepository NS/app is not ready: OCIArtifactPullFailed: 401 UNAUTHORIZED
  hint: the controller goes on trying\n";
    ended(&ran, 1, "", stderr, &stage.namespace);
    // Nobody answers this one.
    let ran = stage.run(&["reconcile", "app", "--timeout", "3s"]).await;
    assert_eq!(ran.code, 2, "{ran}");
    let last = "/app was not ready in time; last: Ready=False: OCIArtifactPullFailed: 401 UNAUTHORIZED\n";
    assert!(ran.stderr.contains(last), "{ran}");
}

#[tokio::test]
async fn suspend_and_resume_steer_the_controller() {
    let stage = Stage::ready().await;
    let name = "OCIRepository NS/app";
    let suspended = stage.run(&["suspend", "app"]).await;
    ended(&suspended, 0, "", &format!("✔ {name} suspended\n"), &stage.namespace);
    assert_eq!(stage.spec().await["suspend"], true);
    let stderr = format!("✗ {name} is suspended\n  hint: `kubectl oci resume` lets the controller go on\n");
    ended(&stage.run(&["reconcile", "app"]).await, 1, "", &stderr, &stage.namespace);
    let controller = async {
        let resumed = stage.until("the end", |object| object["spec"]["suspend"].is_null()).await;
        stage.status("app", &done(generation(&resumed))).await;
    };
    let (ran, ()) = tokio::join!(stage.run(&["resume", "app"]), controller);
    let stderr = format!("✔ {name} resumed\n✔ {name} is ready: v1@sha256:{HEX}\n");
    ended(&ran, 0, "", &stderr, &stage.namespace);
    // All, and what is missing does not stop what is there.
    stage.put("other", &json!({ "url": URL, "interval": "1m" })).await;
    let all = stage.run(&["suspend", "--all"]).await;
    assert_eq!(all.stderr.lines().count(), 2, "{all}");
    let some = stage.run(&["resume", "app", "none", "other", "--no-wait"]).await;
    assert_eq!(some.code, 2, "{some}");
    assert!(some.stderr.contains("/none does not exist") && some.stderr.contains("/other resumed"), "{some}");
    assert!(stage.spec().await["suspend"].is_null());
}

#[tokio::test]
async fn wait_ends_with_the_object() {
    let stage = Stage::ready().await;
    let controller = async {
        stage.until("the request", |object| !requested(object).is_null()).await;
        stage.api.delete("app", &DeleteParams::default()).await.unwrap();
    };
    let (ran, ()) = tokio::join!(stage.run(&["reconcile", "app", "-q"]), controller);
    let stderr = "✗ OCIRepository NS/app was deleted while waiting for it\n";
    ended(&ran, 1, "", stderr, &stage.namespace);
}

#[tokio::test]
async fn rights_that_lack_are_named() {
    let stage = Stage::ready().await;
    let jane = stage.plane.user_kubeconfig("jane", &["developers"]);
    let hint = "hint: ask for a Role with that verb on `ocirepositories.source.toolkit.fluxcd.io`";
    for arguments in [
        &["get"][..],
        &["get", "app"],
        &["export", "--all"],
        &["reconcile", "app"],
        &["suspend", "app"],
        &["create", "app", "--url", URL, "--tag", "v1"],
    ] {
        let ran = run_as(&jane, &stage.namespace, arguments).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran}");
        assert!(ran.stderr.contains("User \"jane\" cannot") && ran.stderr.contains(hint), "{ran}");
    }
    let ran = stage.run(&["get", "--as", "bob", "--as-group", "readers"]).await;
    assert!(ran.stderr.contains("User \"bob\" cannot list"), "{ran}");
}

#[tokio::test]
async fn credential_plugin_logs_in() {
    let stage = Stage::ready().await;
    let account = format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: robot, namespace: {}}}\n",
        stage.namespace
    );
    stage.plane.apply(&account).await;
    let token = stage.plane.service_account_token(&stage.namespace, "robot").await;
    let folder = tempfile::tempdir().unwrap();
    let version = "client.authentication.k8s.io/v1";
    let credential = json!({ "apiVersion": version, "kind": "ExecCredential", "status": { "token": token } });
    let program = folder.path().join("login.sh");
    fs::write(&program, format!("#!/bin/sh\ncat <<END\n{credential}\nEND\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let text = fs::read_to_string(stage.plane.kubeconfig()).unwrap();
    let mut config: Value = serde_json::from_str(&text).unwrap();
    let exec = json!({ "apiVersion": version, "command": "./login.sh", "interactiveMode": "IfAvailable" });
    config["users"][0]["user"] = json!({ "exec": exec });
    let kubeconfig = folder.path().join("kubeconfig");
    fs::write(&kubeconfig, config.to_string()).unwrap();
    let ran = run_as(&kubeconfig, &stage.namespace, &["get"]).await;
    let user = format!("User \"system:serviceaccount:{}:robot\" cannot list", stage.namespace);
    assert!(ran.stderr.contains(&user), "{ran}");
}

#[tokio::test]
async fn missing_crd_is_told_with_what_to_install() {
    let plane = ControlPlane::start().await;
    let stderr = "does not serve OCIRepository (source.toolkit.fluxcd.io/v1)\n  hint: install it: `kubectl oci install`, or Flux 2.6 or newer\n";
    for arguments in [
        &["get"][..],
        &["export", "app"],
        &["reconcile", "app"],
        &["resume", "--all"],
        &["create", "app", "--url", URL, "--tag", "v1", "-q"],
    ] {
        let ran = run_as(&plane.kubeconfig(), "default", arguments).await;
        assert_eq!(ran.code, 2, "{ran}");
        assert!(ran.stderr.ends_with(&stderr), "{ran}");
    }
    install(&plane).await;
    let ran = run_as(&plane.kubeconfig(), "none", &["create", "app", "--url", URL, "--tag=v1", "-q"]).await;
    assert!(ran.code == 2 && ran.stderr.contains("namespaces \"none\" not found"), "{ran}");
    let create = ["create", "app", "--url", URL, "--tag", "v1", "-q", "--no-wait"];
    run_as(&plane.kubeconfig(), "default", &create).await.succeeded();
    run_as(&plane.kubeconfig(), "default", &["get", "app"]).await.succeeded();
    // Where no webhook judges what becomes of it, the plugin does.
    let api = repositories(plane.client(), "default", "v1");
    apply(&api, &object("foreign", "v1", &json!({ "url": URL, "interval": "1m", "ref": { "tag": "v1" } })))
        .await
        .unwrap();
    let mixed = ["create", "foreign", "--url", URL, "--tag-semver", "1.x", "-q", "--no-wait"];
    let ran = run_as(&plane.kubeconfig(), "default", &mixed).await;
    assert!(ran.code == 1 && ran.stderr.starts_with("✗ spec.ref: more than one is set"), "{ran}");
    assert!(api.get("foreign").await.unwrap().data["spec"]["ref"]["semver"].is_null());
}

/// The CRD as it is shipped, without a webhook: v1 needs none.
async fn install(plane: &ControlPlane) {
    let crd = fs::read_to_string(tools::workspace().join("crds/ocirepositories.yaml")).unwrap();
    plane.apply(&crd).await;
    let api = repositories(plane.client(), "default", "v1");
    eventually("the API", Duration::from_mins(1), async || {
        api.list(&ListParams::default()).await.map_err(|error| error.to_string())
    })
    .await;
}

#[tokio::test]
async fn wait_survives_a_restart_of_the_api_server() {
    let mut plane = ControlPlane::start().await;
    install(&plane).await;
    let spec = json!({ "url": URL, "interval": "1m", "suspend": true });
    apply(&repositories(plane.client(), "default", "v1"), &object("app", "v1", &spec)).await.unwrap();
    let mut command = plugin(&plane.kubeconfig(), "default", &["resume", "app"]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "✔ OCIRepository default/app resumed");
    plane.stop_api_server();
    plane.start_api_server().await;
    let api = repositories(plane.client(), "default", "v1");
    let generation = api.get("app").await.unwrap().metadata.generation.unwrap();
    let patch = Patch::Merge(json!({ "status": done(generation) }));
    api.patch_status("app", &PatchParams::default(), &patch).await.unwrap();
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest:?}");
    assert_eq!(rest.last().unwrap(), &format!("✔ OCIRepository default/app is ready: v1@sha256:{HEX}"));
}
