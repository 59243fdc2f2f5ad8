//! What the API server answers to writes of right and wrong objects, and what a person at kubectl sees.

use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use oci_testkit::{
    cases::{self, Answerer, good_spec},
    control_plane::Ran,
};
use serde_json::{Value, json};

use crate::{
    objects::{apply, fields, object, repositories, try_out, wanted},
    world::{World, unjudged},
};

#[tokio::test]
async fn admit_answers_each_case_as_it_says() {
    let world = World::shared().await;
    let namespace = world.plane.namespace().await;
    let api = repositories(world.plane.client(), &namespace, "v1");
    let mut wrong = Vec::new();
    for case in cases::all() {
        match (case.refused.is_empty(), try_out(&api, &case.object).await) {
            (true, Ok(_)) => {}
            (false, Err(status)) => {
                let webhook = status.message.contains("admission webhook");
                let right = webhook == (case.by == Answerer::Webhook);
                // By server-side apply, the schema stops at its first fault and does not fill in the causes.
                let named = !webhook || fields(&status) == wanted(&case);
                if !right || !named || (webhook && (status.code != 422 || status.reason != "Invalid")) {
                    wrong.push(format!("{}: {status:?}", case.name));
                }
            }
            (true, Err(status)) => wrong.push(format!("{}: refused: {}", case.name, status.message)),
            (false, Ok(_)) => wrong.push(format!("{}: accepted", case.name)),
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    let left = api.list(&ListParams::default()).await.unwrap();
    assert!(left.items.is_empty(), "a dry run wrote something");
}

#[tokio::test]
async fn admit_names_the_fields_that_the_schema_refuses() {
    let world = World::shared().await;
    let namespace = world.plane.namespace().await;
    let api = repositories(world.plane.client(), &namespace, "v1");
    let bad = object(
        "bad",
        "v1",
        &json!({ "url": "https://x", "interval": "soon", "provider": "github", "secretRef": {} }),
    );
    let bad: DynamicObject = serde_json::from_value(bad).unwrap();
    let kube::Error::Api(status) = api.create(&PostParams::default(), &bad).await.unwrap_err() else {
        panic!("no status")
    };
    let named: Vec<String> = fields(&status).into_iter().filter(|field| field.starts_with("spec")).collect();
    assert_eq!(named, ["spec.interval", "spec.provider", "spec.secretRef.name", "spec.url"]);
    // The words of Flux where a field is missing.
    let empty: DynamicObject = serde_json::from_value(object("empty", "v1", &json!({}))).unwrap();
    let kube::Error::Api(status) = api.create(&PostParams::default(), &empty).await.unwrap_err() else {
        panic!("no status")
    };
    for message in ["spec.url is required", "spec.interval is required"] {
        assert!(status.message.contains(message), "{}", status.message);
    }
}

#[tokio::test]
async fn admit_refuses_new_faults_of_an_update_only() {
    let world = World::shared().await;
    let namespace = world.plane.namespace().await;
    let api = repositories(world.plane.client(), &namespace, "v1");
    let stored = object("old", "v1", &json!({ "url": "oci://ghcr.io/org/app:v1", "interval": "5m" }));
    unjudged(&world.plane, &namespace, &stored).await;
    let patch = async |patch: Value| {
        api.patch("old", &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .map_err(|error| error.to_string())
    };
    patch(json!({ "metadata": { "labels": { "a": "b" } } })).await.unwrap();
    patch(json!({ "metadata": { "finalizers": ["finalizers.fluxcd.io"] } })).await.unwrap();
    patch(json!({ "spec": { "interval": "10m" } })).await.unwrap();
    let refused = patch(json!({ "spec": { "timeout": "0s" } })).await.unwrap_err();
    assert!(refused.contains("spec.timeout") && !refused.contains("spec.url"), "{refused}");
    let refused = patch(json!({ "spec": { "url": "oci://ghcr.io/org/app:v2" } })).await.unwrap_err();
    assert!(refused.contains("spec.url"), "{refused}");
    let status = json!({ "status": { "observedGeneration": 2 } });
    api.patch_status("old", &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
    patch(json!({ "spec": { "url": "oci://ghcr.io/org/app" } })).await.unwrap();
    // A deletion waits for the finalizer, whose removal nobody judges.
    api.delete("old", &DeleteParams::default()).await.unwrap();
    patch(json!({ "metadata": { "finalizers": null } })).await.unwrap();
    assert!(api.get_opt("old").await.unwrap().is_none());
}

#[tokio::test]
async fn kubectl_lists_every_fault_with_its_field() {
    let world = World::shared().await;
    let namespace = world.plane.namespace().await;
    let manifest = format!(
        "apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {{ name: app, namespace: {namespace} }}
spec:
  url: oci://ghcr.io/org/app:v1
  interval: 0s
  verify: {{ provider: cosign }}
"
    );
    for arguments in
        [&["apply", "-f", "-"][..], &["apply", "--dry-run=server", "-f", "-"], &["create", "-f", "-"]]
    {
        let mut command = world.plane.kubectl();
        command.args(arguments);
        let said = Ran::with_input(command, &manifest).await.failed();
        assert!(said.contains("The OCIRepository \"app\" is invalid"), "{said}");
        for line in ["* spec.url: ", "* spec.interval: ", "* spec.verify.matchOIDCIdentity: "] {
            assert!(said.contains(line), "{said}");
        }
        assert!(said.contains("url: oci://ghcr.io/org/app`"), "the hint is missing: {said}");
    }
    let found = world.plane.run(&["get", "ocirepo", "-n", &namespace, "-o", "name"]).await.succeeded();
    assert_eq!(found, "");
}

#[tokio::test]
async fn kubectl_prints_warnings_and_columns() {
    let world = World::shared().await;
    let namespace = world.plane.namespace().await;
    let manifest = |version: &str| {
        format!(
            "apiVersion: source.toolkit.fluxcd.io/{version}
kind: OCIRepository
metadata: {{ name: app, namespace: {namespace} }}
spec: {{ url: 'oci://ghcr.io/org/app', interval: 5m, insecure: true }}
"
        )
    };
    let mut command = world.plane.kubectl();
    command.args(["apply", "-f", "-"]);
    let ran = Ran::with_input(command, &manifest("v1")).await;
    assert!(ran.code == 0, "{ran}");
    assert!(ran.stderr.contains("Warning: spec.ref: nothing is selected"), "{ran}");
    assert!(ran.stderr.contains("Warning: spec.insecure: plain HTTP"), "{ran}");
    assert!(!ran.stderr.contains("deprecated"), "{ran}");
    let mut command = world.plane.kubectl();
    command.args(["apply", "--dry-run=server", "-f", "-"]);
    let ran = Ran::with_input(command, &manifest("v1beta2")).await;
    assert!(ran.code == 0, "{ran}");
    assert_eq!(ran.stderr.matches("deprecated").count(), 1, "{ran}");
    let table = world.plane.run(&["get", "ocirepo", "-n", &namespace]).await.succeeded();
    assert!(table.starts_with("NAME   URL                     READY   STATUS   AGE\n"), "{table}");
    let all = world.plane.run(&["get", "fluxcd-sources", "-n", &namespace, "-o", "name"]).await.succeeded();
    assert_eq!(all, "ocirepository.source.toolkit.fluxcd.io/app\n");
}

#[tokio::test]
async fn admit_judges_the_deprecated_version_alike() {
    let world = World::shared().await;
    let namespace = world.plane.namespace().await;
    let api = repositories(world.plane.client(), &namespace, "v1beta2");
    let mut spec = good_spec();
    apply(&api, &object("good", "v1beta2", &spec)).await.unwrap();
    spec["timeout"] = "0s".into();
    let status = apply(&api, &object("good", "v1beta2", &spec)).await.unwrap_err();
    assert_eq!(fields(&status), ["spec.timeout"]);
}
