//! Flux's CRD as its releases install it: ours, but for what is different in each. The differences are facts that were
//! read in the releases.

use oci_crds::schema::{self, OLDER};
use oci_testkit::control_plane::ControlPlane;
use serde_json::{Map, Value, json};

/// A release of source-controller, by what its CRD has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// 1.5 and older: `v1beta2` alone.
    V1_5,
    /// 1.7: `v1` and, deprecated, `v1beta2`; the API server fills in what is not said.
    V1_7,
    /// 1.10: `v1` alone.
    V1_10,
    /// One that nobody has seen yet: more fields, and a version `v2` beside.
    Next,
}

/// The field of [`Release::Next`] that nobody knows here, in spec and status.
pub(crate) const NEW: &str = "parallel";

/// What the API server has of the kind where Flux installed it.
pub(crate) fn crd(release: Release) -> Value {
    let mut crd = serde_json::to_value(schema::crd()).unwrap();
    crd["metadata"]["labels"] = json!({
        "app.kubernetes.io/component": "source-controller", "app.kubernetes.io/instance": "flux-system",
        "app.kubernetes.io/part-of": "flux",
    });
    object(&mut crd["spec"]).remove("conversion");
    let (v1, v1beta2) = (crd["spec"]["versions"][0].clone(), crd["spec"]["versions"][1].clone());
    crd["spec"]["versions"] = match release {
        Release::V1_5 => {
            let mut alone = v1;
            alone["name"] = json!("v1beta2");
            let mut alone = older(alone, true);
            let artifact =
                &mut alone["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]["artifact"];
            artifact["required"] = json!(["lastUpdateTime", "path", "revision", "url"]);
            json!([alone])
        }
        Release::V1_7 => json!([older(v1, false), older(v1beta2, true)]),
        Release::V1_10 => json!([without(v1, &OLDER)]),
        Release::Next => {
            let v1 = with_more(without(v1, &OLDER));
            let mut v2 = v1.clone();
            (v2["name"], v2["storage"]) = (json!("v2"), json!(false));
            json!([v1, v2])
        }
    };
    if matches!(release, Release::V1_5 | Release::V1_7) {
        object(&mut crd["spec"]["names"]).remove("categories");
        object(&mut crd["metadata"]).remove("annotations");
    }
    crd
}

/// Installs it, over what is there.
pub(crate) async fn install(plane: &ControlPlane, release: Release) {
    plane.apply(&crd(release).to_string()).await;
    let kind = format!("crd/{}", schema::NAME);
    plane.run(&["wait", "--for=condition=Established", "--timeout=60s", &kind]).await.succeeded();
}

fn object(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().unwrap()
}

fn properties<'v>(version: &'v mut Value, path: &str) -> &'v mut Map<String, Value> {
    let mut schema = &mut version["schema"]["openAPIV3Schema"];
    for part in path.split('.').filter(|part| !part.is_empty()) {
        schema = &mut schema["properties"][part];
    }
    object(&mut schema["properties"])
}

/// Without some fields.
fn without(mut version: Value, fields: &[&str]) -> Value {
    for field in fields {
        let (path, name) = field.rsplit_once('.').unwrap();
        properties(&mut version, path).remove(name);
    }
    version
}

/// As before 1.9: what must be there is asked for by the spec, not by rules, and two fields have defaults.
fn older(version: Value, is_v1beta2: bool) -> Value {
    let missing = ["spec.verify.trustedRootSecretRef", "status.sourceVerificationFingerprint", OLDER[0]];
    let mut version = without(version, &missing);
    if !is_v1beta2 {
        version = without(version, &[OLDER[1]]);
    }
    let root = &mut version["schema"]["openAPIV3Schema"];
    object(root).remove("x-kubernetes-validations");
    root["properties"]["spec"]["required"] = json!(["interval", "url"]);
    let spec = properties(&mut version, "spec");
    spec["provider"]["default"] = json!("generic");
    spec["timeout"]["default"] = json!("60s");
    version
}

fn with_more(mut version: Value) -> Value {
    for part in ["spec", "status"] {
        properties(&mut version, part).insert(NEW.to_owned(), json!({ "type": "integer" }));
    }
    version
}
