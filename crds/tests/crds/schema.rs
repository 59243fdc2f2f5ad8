//! The schema accepts all that Flux's accepts and refuses what Flux's refuses, and `schema::check` understands all of it.

use oci_crds::schema::{self, OLDER, ROOT_RULES};
use serde_json::{Value, json};

use super::types::full;

/// What Flux 1.10.1 says about a field, without its description: path from the schema's root, then the constraints.
fn facts() -> Vec<(&'static str, Value)> {
    let mut all = of_the_spec();
    all.extend(of_the_status());
    all.extend(of_the_conditions());
    all
}

fn of_the_spec() -> Vec<(&'static str, Value)> {
    let text = json!({ "type": "string" });
    let duration =
        |units: &str| json!({ "type": "string", "pattern": format!(r"^([0-9]+(\.[0-9]+)?({units}))+$") });
    let named = json!({ "type": "object", "required": ["name"] });
    vec![
        ("spec", json!({ "type": "object" })),
        ("spec.url", json!({ "type": "string", "pattern": "^oci://.*$" })),
        ("spec.interval", duration("ms|s|m|h")),
        ("spec.timeout", duration("ms|s|m")),
        ("spec.provider", json!({ "type": "string", "enum": ["generic", "aws", "azure", "gcp"] })),
        ("spec.ref", json!({ "type": "object" })),
        ("spec.ref.tag", text.clone()),
        ("spec.ref.semver", text.clone()),
        ("spec.ref.semverFilter", text.clone()),
        ("spec.ref.digest", text.clone()),
        ("spec.layerSelector", json!({ "type": "object" })),
        ("spec.layerSelector.mediaType", text.clone()),
        ("spec.layerSelector.operation", json!({ "type": "string", "enum": ["extract", "copy"] })),
        ("spec.secretRef", named.clone()),
        ("spec.secretRef.name", text.clone()),
        ("spec.certSecretRef", named.clone()),
        ("spec.certSecretRef.name", text.clone()),
        ("spec.proxySecretRef", named.clone()),
        ("spec.proxySecretRef.name", text.clone()),
        ("spec.serviceAccountName", text.clone()),
        ("spec.ignore", text.clone()),
        ("spec.insecure", json!({ "type": "boolean" })),
        ("spec.suspend", json!({ "type": "boolean" })),
        ("spec.verify", json!({ "type": "object", "required": ["provider"] })),
        (
            "spec.verify.provider",
            json!({ "type": "string", "enum": ["cosign", "notation"], "default": "cosign" }),
        ),
        ("spec.verify.secretRef", named.clone()),
        ("spec.verify.secretRef.name", text.clone()),
        ("spec.verify.trustedRootSecretRef", named),
        ("spec.verify.trustedRootSecretRef.name", text.clone()),
        ("spec.verify.matchOIDCIdentity", json!({ "type": "array" })),
        ("spec.verify.matchOIDCIdentity[]", json!({ "type": "object", "required": ["issuer", "subject"] })),
        ("spec.verify.matchOIDCIdentity[].issuer", text.clone()),
        ("spec.verify.matchOIDCIdentity[].subject", text),
    ]
}

fn of_the_status() -> Vec<(&'static str, Value)> {
    let text = json!({ "type": "string" });
    vec![
        ("status", json!({ "type": "object", "default": { "observedGeneration": -1 } })),
        (
            "status.artifact",
            json!({ "type": "object", "required": ["digest", "lastUpdateTime", "path", "revision", "url"] }),
        ),
        (
            "status.artifact.digest",
            json!({ "type": "string", "pattern": "^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$" }),
        ),
        ("status.artifact.lastUpdateTime", json!({ "type": "string", "format": "date-time" })),
        (
            "status.artifact.metadata",
            json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        ),
        ("status.artifact.path", text.clone()),
        ("status.artifact.revision", text.clone()),
        ("status.artifact.size", json!({ "type": "integer", "format": "int64" })),
        ("status.artifact.url", text.clone()),
        ("status.observedGeneration", json!({ "type": "integer", "format": "int64" })),
        ("status.observedIgnore", text.clone()),
        ("status.observedLayerSelector", json!({ "type": "object" })),
        ("status.observedLayerSelector.mediaType", text.clone()),
        ("status.observedLayerSelector.operation", json!({ "type": "string", "enum": ["extract", "copy"] })),
        ("status.lastHandledReconcileAt", text.clone()),
        ("status.sourceVerificationFingerprint", text.clone()),
        ("status.url", text),
    ]
}

fn of_the_conditions() -> Vec<(&'static str, Value)> {
    vec![
        ("status.conditions", json!({ "type": "array" })),
        (
            "status.conditions[]",
            json!({ "type": "object", "required": ["lastTransitionTime", "message", "reason", "status", "type"] }),
        ),
        ("status.conditions[].lastTransitionTime", json!({ "type": "string", "format": "date-time" })),
        ("status.conditions[].message", json!({ "type": "string", "maxLength": 32_768 })),
        (
            "status.conditions[].observedGeneration",
            json!({ "type": "integer", "format": "int64", "minimum": 0.0 }),
        ),
        (
            "status.conditions[].reason",
            json!({
                "type": "string", "minLength": 1, "maxLength": 1_024,
                "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
            }),
        ),
        ("status.conditions[].status", json!({ "type": "string", "enum": ["True", "False", "Unknown"] })),
        (
            "status.conditions[].type",
            json!({
                "type": "string", "maxLength": 316,
                "pattern": "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
            }),
        ),
    ]
}

/// All fields of a schema with their constraints.
fn flatten(schema: &Value, path: &str, out: &mut Vec<(String, Value)>) {
    let mut own = schema.as_object().unwrap().clone();
    own.remove("description");
    let properties = own.remove("properties");
    let items = own.remove("items");
    out.push((path.to_owned(), Value::Object(own)));
    for (name, child) in properties.iter().filter_map(Value::as_object).flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        flatten(child, &path, out);
    }
    if let Some(items) = items {
        flatten(&items, &format!("{path}[]"), out);
    }
}

#[test]
fn schema_has_the_fields_and_constraints_of_flux() {
    let mut ours = Vec::new();
    flatten(&serde_json::to_value(schema::root()).unwrap(), "", &mut ours);
    for (path, wanted) in facts() {
        let found = ours.iter().find(|(ours, _)| ours == path);
        assert_eq!(found.map(|(_, constraints)| constraints), Some(&wanted), "{path}");
    }
    let more: Vec<&String> = ours
        .iter()
        .map(|(path, _)| path)
        .filter(|path| path.starts_with("spec") || path.starts_with("status"))
        .filter(|path| !facts().iter().any(|(fact, _)| fact == path) && !OLDER.contains(&path.as_str()))
        .collect();
    assert!(more.is_empty(), "{more:?}");
}

#[test]
fn root_rules_are_those_of_flux() {
    let root = serde_json::to_value(schema::root()).unwrap();
    assert!(root.get("required").is_none(), "the rules say it");
    assert_eq!(
        root["x-kubernetes-validations"],
        json!([
            { "rule": ROOT_RULES[0].0, "message": "spec.url is required" },
            { "rule": ROOT_RULES[1].0, "message": "spec.interval is required" },
        ])
    );
}

#[test]
fn crd_is_named_and_shown_as_by_flux() {
    let crd = serde_json::to_value(schema::crd()).unwrap();
    assert_eq!(crd["spec"]["names"]["shortNames"], json!(["ocirepo"]));
    assert_eq!(crd["spec"]["names"]["categories"], json!(["all", "fluxcd", "fluxcd-sources"]));
    assert_eq!(crd["spec"]["scope"], "Namespaced");
    let versions = crd["spec"]["versions"].as_array().unwrap();
    let flags = |version: &Value| {
        let flag = |name: &str| version.get(name).and_then(Value::as_bool).unwrap_or_default();
        (version["name"].clone(), flag("served"), flag("storage"), flag("deprecated"))
    };
    let all: Vec<_> = versions.iter().map(flags).collect();
    assert_eq!(all, [(json!("v1"), true, true, false), (json!("v1beta2"), true, false, true)]);
    assert_eq!(versions[0]["schema"], versions[1]["schema"]);
    for version in versions {
        let columns: Vec<_> = version["additionalPrinterColumns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|column| (column["name"].as_str().unwrap(), column["jsonPath"].as_str().unwrap()))
            .collect();
        assert_eq!(
            columns,
            [
                ("URL", ".spec.url"),
                ("Ready", ".status.conditions[?(@.type==\"Ready\")].status"),
                ("Status", ".status.conditions[?(@.type==\"Ready\")].message"),
                ("Age", ".metadata.creationTimestamp"),
            ]
        );
        assert_eq!(version["subresources"], json!({ "status": {} }));
    }
}

#[test]
fn check_understands_the_whole_schema_of_the_spec() {
    let known = ["type", "description", "required", "properties", "items", "enum", "pattern", "default"];
    let mut all = Vec::new();
    flatten(&serde_json::to_value(schema::root()).unwrap(), "", &mut all);
    for (path, constraints) in all.iter().filter(|(path, _)| path.starts_with("spec")) {
        for word in constraints.as_object().unwrap().keys() {
            assert!(
                known.contains(&word.as_str()),
                "{path} has `{word}`, which schema::check does not look at"
            );
        }
    }
}

#[test]
fn check_accepts_an_object_with_every_field() {
    assert_eq!(schema::check(&full("v1")), []);
    assert_eq!(schema::check(&full("v1beta2")), []);
}
