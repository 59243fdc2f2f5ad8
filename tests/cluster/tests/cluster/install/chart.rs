//! The Helm chart, by the real helm: the same objects as the overlays, wrong values are refused, and a release goes
//! without leftovers.

use std::{collections::BTreeMap, path::Path};

use oci_testkit::{
    control_plane::{Ran, eventually},
    tools::{self, workspace},
};
use serde_json::{Value, json};

use super::{by_name, cluster, installed, lifecycle::held_object, overlay, plugin, running::LONG};
use crate::objects::repositories;

/// helm with a home of its own, in the namespace of the overlays; with a cluster if there is a kubeconfig.
async fn helm(arguments: &[&str], kubeconfig: Option<&Path>) -> Ran {
    let home = tempfile::tempdir().unwrap();
    let mut helm = tools::command("helm").unwrap();
    helm.env("KUBECONFIG", kubeconfig.unwrap_or(Path::new("/dev/null"))).env("HOME", home.path());
    helm.current_dir(workspace().join("deploy")).args(arguments).arg("--namespace=oci-system");
    Ran::of(helm).await
}

async fn template(values: &[&str]) -> Ran {
    let sets: Vec<String> = values.iter().map(|value| format!("--set={value}")).collect();
    let mut arguments = vec!["template", "kubectl-oci", "chart"];
    arguments.extend(sets.iter().map(String::as_str));
    helm(&arguments, None).await
}

/// What helm says of itself is left out.
async fn rendered(values: &[&str]) -> BTreeMap<String, Value> {
    let mut objects = by_name(&template(values).await.succeeded());
    for object in objects.values_mut() {
        let metadata = object["metadata"].as_object_mut().unwrap();
        let labels = metadata["labels"].as_object_mut().unwrap();
        assert_eq!(labels.remove("app.kubernetes.io/managed-by"), Some(json!("Helm")));
        assert_eq!(labels.remove("helm.sh/chart"), Some(json!("kubectl-oci-0.1.0")));
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("helm.sh/resource-policy");
        }
    }
    objects
}

/// The bucket is a value of the chart, and a `ConfigMap` of the overlay.
fn without_bucket(objects: &mut BTreeMap<String, Value>) -> Value {
    let deployment = objects.get_mut("Deployment oci-system/oci-controller").unwrap();
    let container = &mut deployment["spec"]["template"]["spec"]["containers"][0];
    let mut taken = Vec::new();
    for (list, is_bucket) in [
        (
            "args",
            (|one| one.as_str().is_some_and(|one| one.starts_with("--storage-bucket"))) as fn(&Value) -> bool,
        ),
        ("env", |one| one["name"].as_str().is_some_and(|name| name.starts_with("STORAGE_BUCKET"))),
    ] {
        let all = container[list].as_array_mut().unwrap();
        taken.extend(all.extract_if(.., |one| is_bucket(one)));
    }
    taken.push(container.as_object_mut().unwrap().remove("envFrom").unwrap_or_default());
    taken.into()
}

fn assert_same(chart: &BTreeMap<String, Value>, overlay: &BTreeMap<String, Value>, what: &str) {
    assert_eq!(chart.keys().collect::<Vec<_>>(), overlay.keys().collect::<Vec<_>>(), "{what}");
    for (name, object) in chart {
        let (chart, overlay) = (format!("{object:#}"), format!("{:#}", overlay[name]));
        let differs = chart.lines().zip(overlay.lines()).find(|(chart, overlay)| chart != overlay);
        assert!(chart == overlay, "{what}: {name}: chart and overlay differ: {differs:?}");
    }
}

#[tokio::test]
async fn chart_has_the_objects_of_the_overlays_but_the_namespace() {
    let flux = "controller.args={--watch-label-selector=sharding.fluxcd.io/key=oci}";
    let cases: [(&str, &[&str]); 4] = [
        ("single", &[]),
        ("cert-manager", &["webhook.certificates=cert-manager"]),
        ("policy", &["webhook.enabled=false"]),
        ("beside-flux", &["crds.install=false", "roles=false", flux]),
    ];
    for (name, values) in cases {
        let mut wanted = overlay(name).await;
        // helm makes the namespace, and a chart cannot tell whether the policy may be there.
        wanted.retain(|object, _| {
            !["Namespace", "ValidatingAdmissionPolicy"].iter().any(|no| object.starts_with(no))
        });
        assert_same(&rendered(values).await, &wanted, name);
    }
}

#[tokio::test]
async fn chart_with_a_bucket_is_the_overlay_of_many() {
    let values = [
        "controller.replicas=2",
        "controller.storage.bucket=s3://artifacts/one",
        "controller.storage.endpoint=https://s3.example.com",
        "controller.storage.region=eu-1",
        "controller.storage.secret=oci-storage",
        "webhook.replicas=3",
        "webhook.failurePolicy=Fail",
    ];
    let (mut chart, mut wanted) = (rendered(&values).await, overlay("ha").await);
    wanted.retain(|object, _| !object.starts_with("Namespace"));
    let secret = json!([{ "secretRef": { "name": "oci-storage" } }]);
    let arguments = json!([
        "--storage-bucket=s3://artifacts/one",
        "--storage-bucket-endpoint=https://s3.example.com",
        "--storage-bucket-region=eu-1",
        secret,
    ]);
    assert_eq!(without_bucket(&mut chart), arguments);
    let given = without_bucket(&mut wanted);
    let names: Vec<&str> = given.as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["STORAGE_BUCKET", "STORAGE_BUCKET_ENDPOINT", "STORAGE_BUCKET_REGION"]);
    assert_same(&chart, &wanted, "ha");
}

#[tokio::test]
async fn chart_takes_volumes_and_containers_for_certificates() {
    let values = [
        "controller.volumes[0].name=svid",
        "controller.volumes[0].emptyDir.medium=Memory",
        "controller.volumeMounts[0].name=svid",
        "controller.volumeMounts[0].mountPath=/svid",
        "controller.initContainers[0].name=spiffe-helper",
        "controller.initContainers[0].restartPolicy=Always",
    ];
    let (plain, chart) = (rendered(&[]).await, rendered(&values).await);
    let mut wanted = plain.clone();
    let pod =
        &mut wanted.get_mut("Deployment oci-system/oci-controller").unwrap()["spec"]["template"]["spec"];
    let further = |list: &mut Value, one: Value| list.as_array_mut().unwrap().push(one);
    further(&mut pod["volumes"], json!({ "name": "svid", "emptyDir": { "medium": "Memory" } }));
    further(&mut pod["containers"][0]["volumeMounts"], json!({ "name": "svid", "mountPath": "/svid" }));
    pod["initContainers"] = json!([{ "name": "spiffe-helper", "restartPolicy": "Always" }]);
    assert_same(&chart, &wanted, "with volumes");
}

#[tokio::test]
async fn chart_refuses_wrong_values_and_names_them() {
    let cases = [
        ("controller.replicas=two", "/controller/replicas"),
        ("controller.replicas=-1", "/controller/replicas"),
        ("controller.storage.bucket=artifacts", "/controller/storage/bucket"),
        ("controller.args={now}", "/controller/args/0"),
        ("controller.volumes[0].emptyDir.medium=Memory", "/controller/volumes/0"),
        ("webhook.certificates=none", "/webhook/certificates"),
        ("webhook.failurePolicy=Perhaps", "/webhook/failurePolicy"),
        ("webhook.replica=3", "replica"),
        ("networkPolicies.consumers={Flux}", "/networkPolicies/consumers/0"),
        ("controller.replicas=2", "controller.replicas: more than one needs controller.storage.bucket"),
    ];
    for (value, path) in cases {
        let refused = template(&[value]).await;
        assert!(refused.code != 0 && refused.stderr.contains(path), "{value}: {refused}");
    }
}

#[tokio::test]
async fn chart_is_without_fault_and_whole_when_packed() {
    helm(&["lint", "chart", "--strict"], None).await.succeeded();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display().to_string();
    helm(&["package", "chart", "--destination", &place], None).await.succeeded();
    let packed = format!("{place}/kubectl-oci-{}.tgz", env!("CARGO_PKG_VERSION"));
    let packed = helm(&["template", "kubectl-oci", &packed], None).await.succeeded();
    assert_eq!(packed, template(&[]).await.succeeded());
}

#[tokio::test]
async fn release_of_the_chart_leaves_the_kind_and_nothing_else() {
    let plane = cluster().await;
    let kubeconfig = plane.kubeconfig();
    let helm = async |arguments: &[&str]| helm(arguments, Some(&kubeconfig)).await;
    let install = ["upgrade", "--install", "kubectl-oci", "chart", "--create-namespace"];
    helm(&install).await.succeeded();
    let first = installed(&plane).await;
    helm(&install).await.succeeded();
    assert_eq!(installed(&plane).await, first, "nothing is written the second time");
    let refused = plugin(&plane, &["uninstall"]).await;
    assert!(refused.code == 2 && refused.stderr.contains("installed by Helm"), "{refused}");

    helm(&["uninstall", "kubectl-oci", "--wait"]).await.succeeded();
    let left = installed(&plane).await;
    assert!(left.len() == 1 && left[0].starts_with("CustomResourceDefinition "), "{left:?}");
    let own = plane.run(&["get", "secrets,configmaps", "-n", "oci-system", "-o", "name"]).await.succeeded();
    assert_eq!(own, "", "what helm itself wrote");
    // The release comes back over the kind that stayed.
    helm(&install).await.succeeded();
    helm(&["uninstall", "kubectl-oci", "--wait"]).await.succeeded();
    plane.run(&["delete", "namespace/oci-system", "--timeout=60s"]).await.succeeded();
}

/// helm keeps the kind, and nobody tells the API server that the webhook is gone.
#[tokio::test]
async fn release_that_went_leaves_objects_that_uninstall_makes_readable_and_deletable() {
    let plane = cluster().await;
    let kubeconfig = plane.kubeconfig();
    let helm = async |arguments: &[&str]| helm(arguments, Some(&kubeconfig)).await;
    helm(&["upgrade", "--install", "kubectl-oci", "chart", "--create-namespace"]).await.succeeded();
    let namespace = held_object(&plane).await;
    helm(&["uninstall", "kubectl-oci", "--wait"]).await.succeeded();

    let older = repositories(plane.client(), &namespace, "v1beta2");
    let refused = older.get("app").await.unwrap_err().to_string();
    assert!(refused.contains("conversion webhook") && refused.contains("failed"), "{refused}");
    let said = plugin(&plane, &["doctor"]).await;
    let gone = "✗ conversion: the CRD has Service oci-system/oci-webhook convert, which is not there";
    assert!(said.code == 1 && said.stdout.contains(gone), "{said}");
    assert!(
        said.stdout.contains("remedy: `kubectl oci uninstall` lets the API server convert by itself"),
        "{said}"
    );
    // Nobody takes the finalizer off.
    plane.run(&["delete", "namespace", &namespace, "--wait=false"]).await.succeeded();
    let stuck = repositories(plane.client(), &namespace, "v1");
    eventually("the object to wait for a controller", LONG, async || {
        let object = stuck.get("app").await.map_err(|error| error.to_string())?;
        object.metadata.deletion_timestamp.map(drop).ok_or_else(|| "it is not being deleted".to_owned())
    })
    .await;

    let told = plugin(&plane, &["uninstall"]).await;
    assert!(told.code == 0 && told.stderr.contains("1 OCIRepository released"), "{told}");
    plane
        .run(&["wait", "--for=delete", &format!("namespace/{namespace}"), "--timeout=60s"])
        .await
        .succeeded();
    let namespace = held_object(&plane).await;
    let older = repositories(plane.client(), &namespace, "v1beta2");
    let url = &older.get("app").await.unwrap().data["spec"]["url"];
    assert_eq!(url, "oci://ghcr.io/org/app", "the API server converts by itself");
    let said = plugin(&plane, &["doctor"]).await;
    assert!(!said.stdout.contains("conversion"), "{said}");
    plugin(&plane, &["uninstall", "--crds", "--yes"]).await.succeeded();
    plane.run(&["delete", "namespace/oci-system", "--timeout=60s"]).await.succeeded();
}
