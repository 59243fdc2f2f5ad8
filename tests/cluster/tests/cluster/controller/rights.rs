//! A right that is missing is told with what it is for and what to do, and the controller goes on when it is given.

use oci_testkit::{
    control_plane::eventually,
    controller::{Controller, Options},
    planted,
    registry::{Auth, Registry},
};
use serde_json::{Value, json};

use super::{
    auth::docker_config,
    push::Image,
    tenant::{Tenant, condition},
    world::{LONG, plane},
};

const ACCOUNT: &str = "poor";

/// A rule about resources of a group.
fn rule(group: &str, resource: &str, verbs: &[&str]) -> Value {
    json!({ "apiGroups": [group], "resources": [resource], "verbs": verbs })
}

/// Gives the account these rights, and no others.
async fn allow(tenant: &Tenant<'_>, rules: &[Value]) {
    let name = format!("{ACCOUNT}-{}", tenant.namespace);
    let subject = json!({ "kind": "ServiceAccount", "name": ACCOUNT, "namespace": tenant.namespace });
    let group = "rbac.authorization.k8s.io";
    for object in [
        json!({ "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": { "name": ACCOUNT, "namespace": tenant.namespace } }),
        json!({ "apiVersion": format!("{group}/v1"), "kind": "ClusterRole",
            "metadata": { "name": name }, "rules": rules }),
        json!({ "apiVersion": format!("{group}/v1"), "kind": "ClusterRoleBinding", "metadata": { "name": name },
            "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": name }, "subjects": [subject] }),
    ] {
        tenant.plane.apply(&object.to_string()).await;
    }
}

/// Waits for one line of the log that says what was attempted, which right it needs, and what to do.
async fn told(controller: &Controller, attempted: &str, right: &str) {
    eventually(&format!("{attempted}: {right}"), LONG, async || {
        let log = controller.log();
        let parts = [attempted, right, "`kubectl oci install` sets its roles again"];
        let found = log.lines().any(|line| parts.iter().all(|part| line.contains(part)));
        if found { Ok(()) } else { Err(log) }
    })
    .await;
}

#[tokio::test]
async fn controller_tells_each_right_that_it_lacks_and_goes_on_when_it_is_given() {
    let plane = plane().await;
    let mut tenant =
        Tenant::over(plane, Registry::builder().auth(Auth::basic("tester", planted::PASSWORD)).start()).await;
    tenant.set_shard("poor");
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    let flux = "source.toolkit.fluxcd.io";
    let mut rules = Vec::new();
    allow(&tenant, &rules).await;
    let token = plane.service_account_token(&tenant.namespace, ACCOUNT).await;
    let mut options = Options::new(plane.kubeconfig_with_token(&token))
        .with("--watch-label-selector=sharding.fluxcd.io/key=poor")
        .with("--enable-leader-election")
        .with("--max-retry-delay=2s");
    options.namespace.clone_from(&tenant.namespace);
    let mut controller = Controller::start(options);

    told(&controller, "taking or renewing Lease", r#"cannot get resource \"leases\""#).await;
    rules.push(rule("coordination.k8s.io", "leases", &["get", "create", "update"]));
    allow(&tenant, &rules).await;
    told(&controller, "watching every OCIRepository", r#"cannot list resource \"ocirepositories\""#).await;
    told(&controller, "watching every Secret", "or start with --watch-credentials=false").await;
    told(&controller, "watching every ServiceAccount", r#"cannot list resource \"serviceaccounts\""#).await;
    assert!(!controller.is_ready());
    rules.push(rule(flux, "ocirepositories", &["list"]));
    allow(&tenant, &rules).await;
    told(&controller, "watching every OCIRepository", r#"cannot watch resource \"ocirepositories\""#).await;
    rules.push(rule(flux, "ocirepositories", &["watch"]));
    allow(&tenant, &rules).await;
    tenant.install(&docker_config("login", &tenant.registry.host(), "tester", planted::PASSWORD)).await;
    tenant.apply("app", &json!({ "ref": { "tag": "v1" }, "secretRef": { "name": "login" } })).await;
    told(
        &controller,
        "writing the finalizers of OCIRepository",
        r#"cannot patch resource \"ocirepositories\""#,
    )
    .await;
    rules.push(rule(flux, "ocirepositories", &["get", "patch"]));
    allow(&tenant, &rules).await;
    told(
        &controller,
        "writing the status of OCIRepository",
        r#"cannot patch resource \"ocirepositories/status\""#,
    )
    .await;
    rules.push(rule(flux, "ocirepositories/status", &["patch"]));
    allow(&tenant, &rules).await;
    let message = tenant.failed("app", "FetchFailed", "AuthenticationFailed").await;
    let right = r#"cannot get resource "secrets" in API group "" in the namespace"#;
    assert!(message.contains(right) && message.contains("`kubectl oci install`"), "{message}");
    told(&controller, "writing an Event in namespace", r#"cannot create resource \"events\""#).await;
    rules.push(rule("", "secrets", &["get"]));
    rules.push(rule("", "events", &["create"]));
    allow(&tenant, &rules).await;
    let object = tenant.ready("app").await;
    assert_eq!(condition(&object, "FetchFailed"), Value::Null);
    tenant.event("app", "NewArtifact").await;
    assert!(controller.runs(), "it is the process that was started: {}", controller.log());
}
