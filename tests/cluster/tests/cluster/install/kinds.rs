//! The CRD is Flux's, of another release, or not there: what is installed works with it, and says what it lacks.

use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use oci_testkit::{
    control_plane::{ControlPlane, eventually},
    kubelet::Pod,
    sigstore::{Kind, Owner, attach, bundle},
};
use serde_json::{Value, json};

use super::{
    CRD, cluster, installed, plugin,
    running::{LONG, ended, label, pod, started, tenant, wire},
};
use crate::{
    controller::{
        push::Image,
        tenant::{Tenant, condition, is_ready, value},
        verify::secret,
    },
    flux::{self, NEW, Release},
    objects::repositories,
    world::manifests,
};

const REPOSITORY: &str = "org/app";
const CONTROLLER: &str = "system:serviceaccount:oci-system:oci-controller";
const FINGERPRINT: &str = "sourceVerificationFingerprint";

/// An object that is signed, and ready.
async fn signed(plane: &ControlPlane) -> Tenant<'_> {
    let (tenant, owner) = (tenant(plane).await, Owner::new(Kind::P256));
    let digest = Image::saying("signed").push(&tenant.registry, REPOSITORY, "v1");
    let signature = bundle::sign_with(&owner, &digest.to_string());
    attach::bundle(&tenant.registry, REPOSITORY, &digest, &signature);
    tenant.install(&secret("keys", &[("cosign.pub", &owner.pem())])).await;
    let verify = json!({ "provider": "cosign", "secretRef": { "name": "keys" } });
    tenant.apply("app", &json!({ "ref": { "tag": "v1" }, "verify": verify })).await;
    label(&tenant, &json!("oci")).await;
    let verified =
        |object: &Value| is_ready(object) && condition(object, "SourceVerified")["status"] == "True";
    tenant.until("app", "to be verified", verified).await;
    tenant
}

/// How often the controller sent a status of an object of this namespace.
fn sent(tenant: &Tenant<'_>) -> usize {
    let is_ours = |entry: &Value| {
        let what = &entry["objectRef"];
        entry["user"]["username"] == CONTROLLER
            && what["subresource"] == "status"
            && what["namespace"] == tenant.namespace.as_str()
    };
    tenant.plane.audited().iter().filter(|entry| is_ours(entry)).count()
}

/// Runs that find nothing new: one because a Secret was written, which nothing is to be told of, and two that were asked
/// for. Each asks the registry for the tag and for nothing else, and only the last two write.
async fn finds_nothing_new(tenant: &Tenant<'_>) {
    tenant.run("app", "zero").await;
    let before = sent(tenant);
    tenant.registry.reset();
    let secrets: Api<Secret> = Api::namespaced(tenant.plane.client(), &tenant.namespace);
    let touched = json!({ "metadata": { "annotations": { "example.com/touched": "yes" } } });
    secrets.patch("keys", &PatchParams::default(), &Patch::Merge(touched)).await.unwrap();
    eventually("a run after the Secret was written", LONG, async || {
        if tenant.registry.requests().is_empty() { Err("none") } else { Ok(()) }
    })
    .await;
    for request in ["one", "two"] {
        tenant.run("app", request).await;
    }
    let asked: Vec<String> = tenant
        .registry
        .requests()
        .iter()
        .map(|request| format!("{:?} {}", request.class, request.path))
        .collect();
    assert_eq!(asked.len(), 3, "nothing is verified again: {asked:?}");
    assert_eq!(sent(tenant) - before, 2, "each handled request is one write, and the third run is none");
}

/// What another release's CRD has beside stays as others left it.
async fn keeps_what_is_new(tenant: &Tenant<'_>) {
    tenant.patch("app", &json!({ "spec": { NEW: 7 } })).await;
    let status = Patch::Merge(json!({ "status": { NEW: 8 } }));
    tenant.api.patch_status("app", &PatchParams::default(), &status).await.unwrap();
    let digest = Image::saying("next").push(&tenant.registry, REPOSITORY, "v2");
    tenant.patch("app", &json!({ "spec": { "ref": { "tag": "v2" }, "verify": null } })).await;
    let object = tenant.ready_at("app", &format!("v2@{digest}")).await;
    assert_eq!((&object["spec"][NEW], &object["status"][NEW]), (&json!(7), &json!(8)));
    let v2 = repositories(tenant.plane.client(), &tenant.namespace, "v2").get("app").await.unwrap();
    let v2 = value(v2);
    assert_eq!((&v2["spec"], &v2["status"]), (&object["spec"], &object["status"]));
}

/// The lines of `doctor` about the kind.
async fn told(plane: &ControlPlane) -> String {
    let said = plugin(plane, &["doctor"]).await.stdout;
    said.lines().filter(|line| line.contains(" kind: ")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn crd_of_another_release_of_flux_serves_and_what_it_lacks_is_told() {
    let plane = cluster().await;
    for (release, says) in [
        (
            Release::V1_7,
            Some("lacks spec.verify.trustedRootSecretRef, status.sourceVerificationFingerprint: "),
        ),
        (Release::V1_10, None),
        (Release::Next, Some("has spec.parallel, status.parallel, which this version does not look at")),
    ] {
        flux::install(&plane, release).await;
        let pods = started(&plane, "beside-flux", &["oci-controller"]).await;
        let tenant = signed(&plane).await;
        finds_nothing_new(&tenant).await;
        let object = tenant.get("app").await;
        let is_old = release == Release::V1_7;
        assert_eq!(object["status"][FINGERPRINT].is_null(), is_old, "{release:?}: {object}");
        let logged = pods.1[0].log().matches("lacks fields of the status").count();
        assert_eq!(logged, usize::from(is_old), "{release:?}: {}", pods.1[0].log());
        if is_old {
            // What that release filled in, and the version that it still served.
            assert_eq!(
                (&object["spec"]["provider"], &object["spec"]["timeout"]),
                (&json!("generic"), &json!("60s"))
            );
            let older = repositories(plane.client(), &tenant.namespace, "v1beta2").get("app").await.unwrap();
            assert_eq!(older.data["status"]["artifact"], object["status"]["artifact"]);
        }
        if release == Release::Next {
            keeps_what_is_new(&tenant).await;
        }
        let told = told(&plane).await;
        assert_eq!(told.lines().count(), 1 + usize::from(says.is_some()), "{release:?}: {told}");
        assert!(says.is_none_or(|says| told.contains(says)), "{release:?}: {told}");
        drop(tenant);
        ended(&plane, pods).await;
    }
}

/// Waits for a line of the log with all these parts.
async fn logs(pod: &Pod, parts: &[&str]) {
    eventually(&format!("a line with {parts:?}"), LONG, async || {
        let log = pod.log();
        let found = log.lines().any(|line| parts.iter().all(|part| line.contains(part)));
        if found { Ok(()) } else { Err(log) }
    })
    .await;
}

#[tokio::test]
async fn crd_may_come_late_without_v1_first_and_may_go_and_come_back() {
    let plane = cluster().await;
    plane.apply(&manifests(&plane, "overlays/beside-flux").await).await;
    let webhook = pod(&plane, "oci-webhook", &["--tls-reload-interval=200ms"]).await;
    let controller = Pod::start(&plane, "oci-controller", &[]).await;
    let missing = [
        "watching every OCIRepository: not found",
        "is not there, or does not serve v1: `kubectl oci install`",
    ];
    logs(&controller, &missing).await;
    assert!(told(&plane).await.contains("the CRD is not there"));
    let readiness = controller.answer("healthz", "/readyz").await;
    assert!(
        readiness.starts_with("HTTP/1.1 503")
            && readiness.contains("watching every OCIRepository: not found")
    );
    assert!(controller.answer("healthz", "/healthz").await.starts_with("HTTP/1.1 200"), "it is alive");

    flux::install(&plane, Release::V1_5).await;
    assert!(told(&plane).await.contains("serves v1beta2, has stored v1beta2, and not v1"));
    assert!(!controller.is_ready().await);
    flux::install(&plane, Release::V1_7).await;
    controller.wait_ready().await;
    wire(&plane, webhook.port("https")).await;
    served(&plane).await;

    // With the kind go its objects, whose finalizer the controller takes off.
    plane.run(&["delete", CRD, "--timeout=60s"]).await.succeeded();
    eventually("the loss to be told", LONG, async || {
        let log = controller.log();
        let after = log.rsplit("the watch works again").next().unwrap_or_default();
        if missing.iter().all(|part| after.contains(part)) { Ok(()) } else { Err(log) }
    })
    .await;
    assert!(controller.is_ready().await, "what is served is served");
    flux::install(&plane, Release::V1_10).await;
    served(&plane).await;
    ended(&plane, (webhook, vec![controller])).await;
}

/// An object becomes ready.
async fn served(plane: &ControlPlane) {
    let tenant = tenant(plane).await;
    eventually("the kind to take objects", LONG, async || {
        let mut object =
            crate::objects::object("app", "v1", &tenant.spec(&json!({ "ref": { "tag": "v1" } })));
        object["metadata"]["labels"] = json!({ "sharding.fluxcd.io/key": "oci" });
        crate::objects::apply(&tenant.api, &object).await
    })
    .await;
    let object = tenant.ready("app").await;
    assert_eq!(tenant.files(&object).await["app.yaml"], "one");
}

#[tokio::test]
async fn crd_without_v1_does_not_keep_what_is_installed_from_going() {
    let plane = cluster().await;
    flux::install(&plane, Release::V1_5).await;
    plane.apply(&manifests(&plane, "overlays/beside-flux").await).await;
    plugin(&plane, &["uninstall", "--crds", "--yes"]).await.succeeded();
    assert_eq!(installed(&plane).await, Vec::<String>::new());
    plane.run(&["get", CRD]).await.succeeded();
}
