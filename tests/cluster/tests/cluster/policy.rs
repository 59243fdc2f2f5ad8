//! The schema, and the policy for clusters without the webhook, judge the case files on a real API server.

use std::time::Duration;

use kube::api::{DeleteParams, Patch, PatchParams};
use oci_testkit::{
    cases::{self, Answerer, Case, Policy, good_spec},
    control_plane::{ControlPlane, eventually},
};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::{
    objects::{apply, object, repositories, try_out, wanted},
    world::manifests,
};

static PLANE: OnceCell<ControlPlane> = OnceCell::const_new();

/// A control plane with what `deploy/overlays/policy` installs, once the policy is in force.
async fn plane() -> &'static ControlPlane {
    PLANE
        .get_or_init(async || {
            let plane = ControlPlane::start().await;
            let manifests = manifests(&plane, "overlays/policy").await;
            let crd = manifests.split("\n---\n").find(|text| text.contains("CustomResourceDefinition"));
            plane.apply(crd.unwrap()).await;
            store_before_the_policy(&plane).await;
            plane.apply(&manifests).await;
            let namespace = plane.namespace().await;
            let api = repositories(plane.client(), &namespace, "v1");
            let bad = object("bad", "v1", &json!({ "url": "oci://ghcr.io/org/app", "interval": "0s" }));
            eventually("the policy", Duration::from_mins(1), async || {
                let message =
                    try_out(&api, &bad).await.err().map(|status| status.message).unwrap_or_default();
                if message.contains("spec.interval") { Ok(()) } else { Err(format!("answer: {message}")) }
            })
            .await;
            plane
        })
        .await
}

/// The namespace of objects that were stored when nobody judged them.
const OLD: &str = "old";

async fn store_before_the_policy(plane: &ControlPlane) {
    plane.run(&["create", "namespace", OLD]).await.succeeded();
    let wait = ["wait", "--for=condition=Established", "crd/ocirepositories.source.toolkit.fluxcd.io"];
    plane.run(&wait).await.succeeded();
    let api = repositories(plane.client(), OLD, "v1");
    let spec = json!({ "url": "oci://ghcr.io/org/app:v1", "interval": "5m", "ref": { "tag": "a", "semver": "1.x" } });
    eventually("the kind", Duration::from_secs(20), async || {
        apply(&api, &object("app", "v1", &spec)).await.map_err(|status| status.message)
    })
    .await;
}

/// What is wrong with the server's answer about a case.
async fn verdict(plane: &ControlPlane, namespace: &str, case: &Case) -> Option<String> {
    let api = repositories(plane.client(), namespace, "v1");
    let answer = try_out(&api, &case.object).await;
    let accepts = case.refused.is_empty() || (case.by == Answerer::Webhook && case.policy == Policy::Accepts);
    match (accepts, answer) {
        (true, Ok(_)) => None,
        (true, Err(status)) => Some(format!("{}: refused: {}", case.name, status.message)),
        (false, Ok(_)) => Some(format!("{}: accepted", case.name)),
        (false, Err(status)) => {
            let policy = status.message.contains("ValidatingAdmissionPolicy");
            let right = policy == (case.by == Answerer::Webhook);
            // Server-side apply and the parser of patterns stop at the first fault, and name the last field only.
            let first = !policy || status.message.contains("resulted in error");
            let named = |path: &String| {
                let last = path.rsplit('.').next().unwrap_or_default();
                let shown = if first { last } else { path };
                without_indices(&status.message).contains(&without_indices(shown))
            };
            let named: Vec<bool> = wanted(case).iter().map(named).collect();
            let all = if first { named.contains(&true) } else { !named.contains(&false) };
            (!right || !all).then(|| format!("{}: {}", case.name, status.message))
        }
    }
}

/// The policy does not say which item of a list it means.
fn without_indices(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[tokio::test]
async fn policy_and_schema_refuse_what_the_cases_say() {
    let plane = plane().await;
    let namespace = plane.namespace().await;
    let mut wrong = Vec::new();
    for case in cases::all() {
        wrong.extend(verdict(plane, &namespace, &case).await);
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn policy_refuses_new_faults_of_an_update_only() {
    let plane = plane().await;
    let api = repositories(plane.client(), OLD, "v1");
    let patch = async |patch: Value| {
        api.patch("app", &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .map_err(|error| error.to_string())
    };
    patch(json!({ "metadata": { "labels": { "a": "b" }, "finalizers": ["finalizers.fluxcd.io"] } }))
        .await
        .unwrap();
    patch(json!({ "spec": { "interval": "10m" } })).await.unwrap();
    let refused = patch(json!({ "spec": { "timeout": "0s" } })).await.unwrap_err();
    assert!(refused.contains("spec.timeout") && !refused.contains("spec.url"), "{refused}");
    let refused = patch(json!({ "spec": { "url": "oci://ghcr.io/org/app:v2" } })).await.unwrap_err();
    assert!(refused.contains("spec.url") && !refused.contains("spec.ref"), "{refused}");
    api.patch_status(
        "app",
        &PatchParams::default(),
        &Patch::Merge(json!({ "status": { "observedGeneration": 2 } })),
    )
    .await
    .unwrap();
    api.delete("app", &DeleteParams::default()).await.unwrap();
    patch(json!({ "metadata": { "finalizers": null } })).await.unwrap();
    assert!(api.get_opt("app").await.unwrap().is_none());
}

#[tokio::test]
async fn policy_converts_without_a_webhook() {
    let plane = plane().await;
    let namespace = plane.namespace().await;
    let old = repositories(plane.client(), &namespace, "v1beta2");
    apply(&old, &object("app", "v1beta2", &good_spec())).await.unwrap();
    let new = repositories(plane.client(), &namespace, "v1").get("app").await.unwrap();
    assert_eq!(new.data["spec"], good_spec());
    let refused =
        apply(&old, &object("bad", "v1beta2", &json!({ "url": "oci://a/b", "interval": "0s" }))).await;
    assert!(refused.unwrap_err().message.contains("spec.interval"));
}
