//! Changed Secrets and accounts are used at once. Each object here is polled every hour.

use oci_testkit::registry::{Auth, Registry};
use serde_json::{Value, json};

use super::{
    auth::{account, docker_config},
    push::Image,
    tenant::{Tenant, is_ready},
    world::{shard, started, was_well},
};

async fn closed() -> Tenant<'static> {
    let tenant = Tenant::with(Registry::builder().auth(Auth::basic("tester", "s3cret-pass")).start()).await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant
}

/// The tag of the registry under another name, which needs another run.
fn moved(tenant: &Tenant<'_>, text: &str) -> String {
    format!("v1@{}", Image::saying(text).push(&tenant.registry, "org/app", "v1"))
}

/// Whether a run was successful since.
fn since(revision: &str) -> impl Fn(&Value) -> bool {
    move |object| is_ready(object) && object["status"]["artifact"]["revision"] == revision
}

#[tokio::test]
async fn controller_runs_the_objects_of_a_changed_secret() {
    let tenant = closed().await;
    let login = |password: &str| docker_config("login", &tenant.registry.host(), "tester", password);
    tenant.install(&login("guessed")).await;
    tenant.apply("app", &json!({ "ref": { "tag": "v1" }, "secretRef": { "name": "login" } })).await;
    tenant.failed("app", "FetchFailed", "OCIArtifactPullFailed").await;
    tenant.install(&login("s3cret-pass")).await;
    tenant.ready("app").await;
    // An object that is well, and that nobody would look at for an hour.
    let revision = moved(&tenant, "two");
    let mut relabelled = login("s3cret-pass");
    relabelled["metadata"]["labels"] = json!({ "rotated": "yes" });
    relabelled["stringData"]["unrelated"] = json!("x");
    tenant.install(&relabelled).await;
    tenant.until("app", "the new revision", since(&revision)).await;
}

#[tokio::test]
async fn controller_runs_the_objects_of_a_secret_that_appears() {
    let tenant = closed().await;
    tenant.apply("app", &json!({ "ref": { "tag": "v1" }, "secretRef": { "name": "login" } })).await;
    tenant.failed("app", "FetchFailed", "AuthenticationFailed").await;
    tenant.install(&docker_config("login", &tenant.registry.host(), "tester", "s3cret-pass")).await;
    tenant.ready("app").await;
}

#[tokio::test]
async fn controller_runs_the_objects_of_a_changed_account_and_of_its_secrets() {
    let tenant = closed().await;
    let host = tenant.registry.host();
    tenant.install(&account("puller", &[])).await;
    tenant.apply("app", &json!({ "ref": { "tag": "v1" }, "serviceAccountName": "puller" })).await;
    tenant.failed("app", "FetchFailed", "OCIArtifactPullFailed").await;
    tenant.install(&docker_config("pull", &host, "tester", "guessed")).await;
    tenant.install(&account("puller", &["pull"])).await;
    tenant.install(&docker_config("pull", &host, "tester", "s3cret-pass")).await;
    tenant.ready("app").await;
    let revision = moved(&tenant, "two");
    let mut changed = docker_config("pull", &host, "tester", "s3cret-pass");
    changed["stringData"]["unrelated"] = json!("x");
    tenant.install(&changed).await;
    tenant.until("app", "the new revision", since(&revision)).await;
}

#[tokio::test]
async fn controller_works_without_the_right_to_watch_secrets() {
    let name = "no-watch";
    let mut tenant = Tenant::of_shard(name).await;
    tenant.registry = Registry::builder().auth(Auth::basic("tester", "s3cret-pass")).start();
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    let plane = tenant.plane;
    // The role without its second half, for another account.
    let role = "oci-controller";
    let subject = format!("{}:{name}", tenant.namespace);
    plane.run(&["create", "serviceaccount", name, "-n", &tenant.namespace]).await.succeeded();
    let binding = format!("{name}-{}", tenant.namespace);
    let bind =
        ["create", "clusterrolebinding", &binding, "--clusterrole", role, "--serviceaccount", &subject];
    plane.run(&bind).await.succeeded();
    let token = plane.service_account_token(&tenant.namespace, name).await;
    let mut options = shard(name).await.with("--watch-credentials=false");
    options.kubeconfig = plane.kubeconfig_with_token(&token);
    let controller = started(options);
    tenant.install(&docker_config("login", &tenant.registry.host(), "tester", "s3cret-pass")).await;
    tenant.apply("app", &json!({ "ref": { "tag": "v1" }, "secretRef": { "name": "login" } })).await;
    tenant.ready("app").await;
    was_well(&controller);
}
