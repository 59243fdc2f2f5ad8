//! The control plane with what `deploy` installs, and controllers.

use std::{path::PathBuf, time::Duration};

use oci_testkit::{
    control_plane::ControlPlane,
    controller::{Controller, Options},
};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::world::manifests_with;

/// How long anything may take. Long, because computers are busy; nothing waits that long when all is well.
pub(crate) const LONG: Duration = Duration::from_mins(1);

static INSTALLED: OnceCell<()> = OnceCell::const_new();
static SHARED: OnceCell<Controller> = OnceCell::const_new();

/// The shared control plane, with the kind and the controller's rights.
pub(crate) async fn plane() -> &'static ControlPlane {
    let plane = ControlPlane::shared().await;
    INSTALLED.get_or_init(async || install(plane).await).await;
    plane
}

/// The right to make tokens of accounts, as the component gives it.
pub(crate) const OBJECT_IDENTITY: &str = "oci-controller-object-identity";

/// Installs the kind and the controller's rights, with those of all components, without a webhook: tests need objects that nobody judged.
pub(crate) async fn install(plane: &ControlPlane) {
    let mut all = String::new();
    for document in manifests_with(plane, "overlays/single", &["object-identity"]).await.split("\n---\n") {
        let mut document: Value = oci_testkit::cases::yaml(document);
        match document["kind"].as_str() {
            Some("ValidatingWebhookConfiguration") => continue,
            Some("CustomResourceDefinition") => {
                document["spec"]["conversion"] = json!({ "strategy": "None" });
            }
            _ => {}
        }
        all.extend(["---\n", &document.to_string(), "\n"]);
    }
    plane.apply(&all).await;
    let wait = ["wait", "--for=condition=Established", "crd/ocirepositories.source.toolkit.fluxcd.io"];
    plane.run(&wait).await.succeeded();
}

/// A kubeconfig of the controller's account.
pub(crate) async fn identity(plane: &ControlPlane) -> PathBuf {
    let token = plane.service_account_token("oci-system", "oci-controller").await;
    plane.kubeconfig_with_token(&token)
}

/// The controller of all objects that belong to no shard.
pub(crate) async fn shared() -> &'static Controller {
    SHARED
        .get_or_init(async || {
            let options = Options::new(identity(plane().await).await)
                .with("--enable-leader-election")
                .with("--watch-label-selector=!sharding.fluxcd.io/key")
                .with("--concurrent=4")
                .with("--max-retry-delay=2s");
            let mut controller = Controller::start(options);
            controller.wait_ready();
            controller
        })
        .await
}

/// What a controller is started with that is for the objects of one shard of the shared control plane.
pub(crate) async fn shard(name: &str) -> Options {
    Options::new(identity(plane().await).await)
        .with(format!("--watch-label-selector=sharding.fluxcd.io/key={name}"))
        .with("--max-retry-delay=2s")
}

/// Starts a controller and waits until it is ready.
pub(crate) fn started(options: Options) -> Controller {
    let mut controller = Controller::start(options);
    controller.wait_ready();
    controller
}

/// Fails the test if the controller was denied anything, or if a part of it broke.
pub(crate) fn was_well(controller: &Controller) {
    let log = controller.log();
    let bad = ["is forbidden: User", "panicked at"];
    // Who may not look into other namespaces does not know whether Flux is at work there, and says so.
    let lines = log.lines().filter(|line| !line.contains("not known whether a source-controller"));
    let lines: Vec<&str> = lines.filter(|line| bad.iter().any(|bad| line.contains(bad))).take(5).collect();
    assert!(lines.is_empty(), "the controller said:\n{}", lines.join("\n"));
}
