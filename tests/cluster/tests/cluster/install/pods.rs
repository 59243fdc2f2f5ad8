//! The pods that the manifests ask for are of the strictest kind.

use std::collections::BTreeMap;

use oci_testkit::control_plane::{ControlPlane, Ran};
use serde_json::{Value, json};

use super::{OVERLAYS, cluster, overlay};

/// The pods of all overlays, each once, by a name of their own.
async fn pods() -> BTreeMap<String, Value> {
    let mut pods = BTreeMap::new();
    for name in OVERLAYS {
        for object in overlay(name).await.into_values().filter(|object| object["kind"] == "Deployment") {
            let pod = format!("{name}-{}", object["metadata"]["name"].as_str().unwrap());
            pods.insert(pod, object["spec"]["template"].clone());
        }
    }
    assert!(pods.len() > OVERLAYS.len());
    pods
}

/// Whether a container may do no more than it must.
fn faults(pod: &Value) -> Vec<String> {
    let pod = &pod["spec"];
    let wanted = [
        ("/securityContext/runAsNonRoot", json!(true)),
        ("/securityContext/seccompProfile/type", json!("RuntimeDefault")),
        ("/containers/0/securityContext/allowPrivilegeEscalation", json!(false)),
        ("/containers/0/securityContext/readOnlyRootFilesystem", json!(true)),
        ("/containers/0/securityContext/capabilities", json!({ "drop": ["ALL"] })),
    ];
    let mut faults: Vec<String> = wanted
        .into_iter()
        .filter(|(pointer, value)| pod.pointer(pointer) != Some(value))
        .map(|(pointer, value)| format!("{pointer} is not {value}"))
        .collect();
    for bound in ["requests/cpu", "requests/memory", "limits/cpu", "limits/memory"] {
        if !pod.pointer(&format!("/containers/0/resources/{bound}")).is_some_and(Value::is_string) {
            faults.push(format!("no {bound}"));
        }
    }
    if pod["containers"].as_array().map(Vec::len) != Some(1) || !pod["initContainers"].is_null() {
        faults.push("more than one container".to_owned());
    }
    faults
}

/// Where a pod is loosened, and to what.
const LOOSER: [(&str, &str); 6] = [
    ("/spec/securityContext/runAsNonRoot", "false"),
    ("/spec/securityContext/seccompProfile/type", "\"Unconfined\""),
    ("/spec/containers/0/securityContext/allowPrivilegeEscalation", "true"),
    ("/spec/containers/0/securityContext/capabilities", "{}"),
    ("/spec/volumes", r#"[{"name": "data", "hostPath": {"path": "/"}}, {"name": "tmp", "emptyDir": {}}]"#),
    ("/spec/containers/0/securityContext", "{}"),
];

fn loosened(pod: &Value, pointer: &str, value: &str) -> Value {
    let mut pod = pod.clone();
    *pod.pointer_mut(pointer).unwrap() = serde_json::from_str(value).unwrap();
    pod
}

#[tokio::test]
async fn containers_may_do_no_more_than_they_must() {
    for (name, pod) in pods().await {
        assert_eq!(faults(&pod), Vec::<String>::new(), "{name}");
    }
    let pod = &pods().await["single-oci-controller"];
    for (pointer, value) in LOOSER.into_iter().filter(|(pointer, _)| *pointer != "/spec/volumes") {
        assert_ne!(faults(&loosened(pod, pointer, value)), Vec::<String>::new(), "{pointer}");
    }
}

async fn try_pod(plane: &ControlPlane, name: &str, template: &Value) -> Ran {
    let mut pod = template.clone();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!(name);
    pod["metadata"]["namespace"] = json!("oci-system");
    let mut kubectl = plane.kubectl();
    kubectl.args(["apply", "--server-side", "--dry-run=server", "--filename=-"]);
    Ran::with_input(kubectl, &pod.to_string()).await
}

#[tokio::test]
async fn namespace_admits_the_pods_and_nothing_looser() {
    let plane = cluster().await;
    plane.apply(&overlay("single").await["Namespace /oci-system"].to_string()).await;
    let pods = pods().await;
    for (name, pod) in &pods {
        let admitted = try_pod(&plane, name, pod).await;
        assert!(admitted.code == 0 && !admitted.stderr.contains("Warning"), "{admitted}");
    }
    for (pointer, value) in LOOSER {
        let refused =
            try_pod(&plane, "looser", &loosened(&pods["single-oci-controller"], pointer, value)).await;
        assert!(refused.code != 0 && refused.stderr.contains("violates PodSecurity"), "{pointer}: {refused}");
    }
    plane.run(&["delete", "namespace/oci-system", "--timeout=60s"]).await.succeeded();
}
