//! What is installed runs: the real programs with the arguments of the manifests, as their accounts. Only addresses and
//! folders differ, and the API server reaches the webhook by the Service's name at another place.

use std::time::Duration;

use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams},
};
use oci_testkit::{
    control_plane::{ControlPlane, Ran, eventually},
    kubelet::Pod,
    registry::Registry,
};
use serde_json::{Value, json};

use super::{CRD, api, cluster, installed, namespaced, plugin};
use crate::{
    controller::{push::Image, tenant::Tenant},
    flux::{self, Release},
    objects::repositories,
    world::asked,
};

pub(super) const LONG: Duration = Duration::from_mins(1);
/// Its Deployment, its Service and its configuration.
pub(super) const WEBHOOK: &str = "oci-webhook";

async fn patch(api: &Api<DynamicObject>, name: &str, patch: &Value) {
    let done = api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await;
    done.unwrap_or_else(|error| panic!("{name}: {error}"));
}

/// Leads the Service to a port of loopback. Nobody here has addresses of Services, so it becomes one of a host outside of the cluster,
/// and who refers to it says the port. Name, path and certificate stay what they are.
pub(super) async fn wire(plane: &ControlPlane, port: u16) {
    let outside = json!({ "spec": {
        "type": "ExternalName", "externalName": "localhost", "clusterIP": null, "clusterIPs": null,
        "ports": [{ "name": "https", "port": port, "targetPort": "https" }],
    } });
    patch(&namespaced(plane, "v1", "Service"), WEBHOOK, &outside).await;
    let configurations = api(plane, "admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration");
    let mut webhooks = configurations.get(WEBHOOK).await.unwrap().data["webhooks"].clone();
    webhooks[0]["clientConfig"]["service"]["port"] = json!(port);
    patch(&configurations, WEBHOOK, &json!({ "webhooks": webhooks })).await;
    let kinds = api(plane, "apiextensions.k8s.io/v1", "CustomResourceDefinition");
    let kind = kinds.get(oci_crds::schema::NAME).await.unwrap();
    if kind.data["spec"]["conversion"]["strategy"] == "Webhook" {
        let conversion = json!({ "webhook": { "clientConfig": { "service": { "port": port } } } });
        patch(&kinds, oci_crds::schema::NAME, &json!({ "spec": { "conversion": conversion } })).await;
    }
    asked(plane).await;
}

/// Waits until the Deployment is there.
pub(super) async fn deployed(plane: &ControlPlane, deployment: &str) {
    let deployments = namespaced(plane, "apps/v1", "Deployment");
    eventually("a Deployment", LONG, async || deployments.get(deployment).await).await;
}

/// Tells the API server how many pods are available.
pub(super) async fn available(plane: &ControlPlane, deployment: &str, count: usize) {
    let status = json!({ "status": {
        "observedGeneration": 1, "replicas": count, "updatedReplicas": count, "readyReplicas": count,
        "availableReplicas": count,
    } });
    let deployments = namespaced(plane, "apps/v1", "Deployment");
    deployments.patch_status(deployment, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
}

/// Starts the pod of a Deployment as soon as it is there, and tells the API server when it is available.
pub(super) async fn pod(plane: &ControlPlane, deployment: &str, more: &[&str]) -> Pod {
    deployed(plane, deployment).await;
    let pod = Pod::start(plane, deployment, more).await;
    pod.wait_ready().await;
    available(plane, deployment, 1).await;
    pod
}

/// An overlay that runs: the webhook, and its controllers.
pub(super) async fn started(plane: &ControlPlane, overlay: &str, controllers: &[&str]) -> (Pod, Vec<Pod>) {
    let overlay = format!("--overlay={overlay}");
    let install = ["install", &overlay, "--timeout=1m"];
    let start = async {
        let webhook = pod(plane, WEBHOOK, &["--tls-reload-interval=200ms"]).await;
        let mut started = Vec::new();
        for controller in controllers {
            started.push(pod(plane, controller, &[]).await);
        }
        (webhook, started)
    };
    let (told, pods): (Ran, _) = tokio::join!(plugin(plane, &install), start);
    assert!(told.code == 0 && told.stderr.contains("1 of 1 available"), "{told}");
    wire(plane, pods.0.port("https")).await;
    pods
}

/// Ends the pods in good order, and uninstalls.
pub(super) async fn ended(plane: &ControlPlane, (webhook, controllers): (Pod, Vec<Pod>)) {
    for mut pod in controllers.into_iter().chain([webhook]) {
        assert!(!pod.log().contains("is forbidden"), "{}", pod.log());
        assert_eq!(pod.terminate().await, 0, "{}", pod.log());
    }
    plugin(plane, &["uninstall", "--crds", "--yes"]).await.succeeded();
    assert_eq!(installed(plane).await, Vec::<String>::new());
}

/// A namespace with a registry that has `org/app:v1`.
pub(super) async fn tenant(plane: &ControlPlane) -> Tenant<'_> {
    let tenant = Tenant::over(plane, Registry::start()).await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant
}

/// Puts the object into a shard.
pub(super) async fn label(tenant: &Tenant<'_>, shard: &Value) {
    tenant.patch("app", &json!({ "metadata": { "labels": { "sharding.fluxcd.io/key": shard } } })).await;
}

fn is_of(object: &Value, pod: &Pod) -> bool {
    let url = object["status"]["artifact"]["url"].as_str().unwrap_or_default();
    url.starts_with(&format!("http://127.0.0.1:{}/ocirepository/", pod.port("http")))
}

#[tokio::test]
async fn single_runs_as_its_manifests_say() {
    let plane = cluster().await;
    let pods = started(&plane, "single", &["oci-controller"]).await;
    let tenant = tenant(&plane).await;
    let bad = json!({ "ref": { "tag": "v1", "semver": ">=1.0.0" } });
    let mut bad = crate::objects::object("bad", "v1", &tenant.spec(&bad));
    bad["metadata"]["namespace"] = json!(tenant.namespace);
    let refused = plane.try_apply(&bad.to_string()).await.failed();
    assert!(refused.contains("spec.ref"), "{refused}");

    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let object = tenant.ready("app").await;
    assert!(is_of(&object, &pods.1[0]), "{object}");
    assert_eq!(tenant.files(&object).await["app.yaml"], "one");
    tenant.event("app", "NewArtifact").await;
    let older = repositories(plane.client(), &tenant.namespace, "v1beta2").get("app").await.unwrap();
    assert_eq!(older.data["status"]["artifact"], object["status"]["artifact"]);
    tenant.delete("app").await;
    tenant.gone("app").await;
    ended(&plane, pods).await;
}

#[tokio::test]
async fn sharded_shares_the_objects_out_by_their_label() {
    let plane = cluster().await;
    let pods = started(&plane, "sharded", &["oci-controller", "oci-controller-shard1"]).await;
    let (one, other) = (tenant(&plane).await, tenant(&plane).await);
    for tenant in [&one, &other] {
        tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    }
    let (rest, shard) = (&pods.1[0], &pods.1[1]);
    for tenant in [&one, &other] {
        let object = tenant.ready("app").await;
        assert!(is_of(&object, rest), "{object}");
    }
    label(&one, &json!("shard1")).await;
    let moved = one.until("app", "to be of the shard", |object| is_of(object, shard)).await;
    assert_eq!(one.files(&moved).await["app.yaml"], "one");
    // Nobody else's, and the one that has moved is not written by the first any more.
    label(&other, &json!("shard2")).await;
    label(&one, &json!(null)).await;
    one.until("app", "to be of the rest again", |object| is_of(object, rest)).await;
    assert!(is_of(&other.get("app").await, rest), "as it was left");
    ended(&plane, pods).await;
}

#[tokio::test]
async fn beside_flux_has_the_labelled_objects_and_judges_all() {
    let plane = cluster().await;
    flux::install(&plane, Release::V1_10).await;
    let version = ["get", CRD, "-o", "jsonpath={.metadata.resourceVersion}"];
    let before = plane.run(&version).await.succeeded();
    let pods = started(&plane, "beside-flux", &["oci-controller"]).await;
    let (ours, flux) = (tenant(&plane).await, tenant(&plane).await);
    for tenant in [&flux, &ours] {
        tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    }
    let theirs = flux.get("app").await;
    label(&ours, &json!("oci")).await;
    let object = ours.ready("app").await;
    assert!(is_of(&object, &pods.1[0]) && ours.files(&object).await["app.yaml"] == "one", "{object}");
    assert_eq!(flux.get("app").await, theirs, "what is Flux's is never written");
    assert!(flux.registry.requests().is_empty());
    ended(&plane, pods).await;
    assert_eq!(plane.run(&version).await.succeeded(), before, "the CRD is never written");
    assert_eq!(flux.get("app").await, theirs);
    assert_eq!(ours.get("app").await["metadata"]["finalizers"], Value::Null);
}
