//! The CRD: whether it is there, which versions it serves, and what another release's lacks.

use kube::core::DynamicObject;
use oci_crds::schema::{Difference, compare};
use serde_json::{Value, json};

use super::{Finding, Findings, finding::State};
use crate::{
    cluster::{Anything, ClusterError},
    install,
};

const ABOUT: &str = "kind";
/// The version that everything here speaks.
const VERSION: &str = "v1";

/// Looks at the CRD. None if it is not there, or of no use: nothing else can be asked then.
pub(super) async fn look(
    cluster: &Anything,
    findings: &mut Findings,
) -> Result<Option<DynamicObject>, ClusterError> {
    let Some(found) = cluster.find(&install::crd()).await? else {
        let remedy = "`kubectl oci install`, or install Flux";
        findings.add(Finding::fault(ABOUT, "the CRD is not there", remedy));
        return Ok(None);
    };
    let found_out = judge(&found.data);
    let of_use = found_out.iter().all(|finding| finding.state != State::Fault);
    findings.extend(found_out);
    Ok(of_use.then_some(found))
}

fn judge(crd: &Value) -> Vec<Finding> {
    let versions: Vec<&Value> =
        crd.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten().collect();
    let name = |version: &Value| version.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let served = versions.iter().filter(|version| version.get("served") == Some(&json!(true)));
    let served: Vec<String> = served.map(|version| name(version)).collect();
    let stored = crd.pointer("/status/storedVersions").and_then(Value::as_array);
    let stored: Vec<&str> = stored.into_iter().flatten().filter_map(Value::as_str).collect();
    let text = format!("serves {}, has stored {}", served.join(" and "), stored.join(" and "));
    if !served.iter().any(|version| version == VERSION) {
        let remedy = "install Flux 2.6 or newer, or `kubectl oci install`";
        return vec![Finding::fault(ABOUT, format!("{text}, and not {VERSION}"), remedy)];
    }
    let schema = versions.iter().find(|version| name(version) == VERSION);
    let schema = schema.and_then(|version| version.pointer("/schema/openAPIV3Schema"));
    let mut all = vec![Finding::good(ABOUT, text)];
    all.extend(differs(&compare(schema.unwrap_or(&Value::Null))));
    all
}

/// What of another release one should know.
fn differs(difference: &Difference) -> Vec<Finding> {
    let mut all = Vec::new();
    if !difference.lacks.is_empty() {
        let message =
            format!("lacks {}: the API server drops what objects say there", difference.lacks.join(", "));
        let remedy = "install Flux 2.10 or newer; where Flux's source-controller is gone, `kubectl oci install --take-over`";
        all.push(Finding::note(ABOUT, message, remedy));
    }
    if !difference.adds.is_empty() {
        let message = format!("has {}, which this version does not look at", difference.adds.join(", "));
        all.push(Finding::note(ABOUT, message, "update kubectl-oci if objects use it"));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(crd: &Value) -> String {
        let mut findings = Findings::default();
        findings.extend(judge(crd));
        findings.show()
    }

    #[test]
    fn kind_of_this_release_is_good() {
        let crd = serde_json::to_value(oci_crds::schema::crd()).unwrap();
        assert_eq!(found(&crd), "✔ kind: serves v1 and v1beta2, has stored \n");
    }

    #[test]
    fn kind_that_lacks_v1_is_a_fault_and_nothing_more() {
        let crd = json!({
            "spec": { "versions": [{ "name": "v1beta2", "served": true }, { "name": "v1", "served": false }] },
            "status": { "storedVersions": ["v1beta2"] },
        });
        let shown = found(&crd);
        assert!(shown.starts_with("✗ kind: serves v1beta2, has stored v1beta2, and not v1\n"), "{shown}");
        assert_eq!(shown.lines().count(), 2, "{shown}");
    }
}
