//! What a schema that is installed has and ours has not, and the other way round: the CRD of another release.

use std::{collections::BTreeSet, sync::LazyLock};

use serde_json::Value;

use super::root;

/// Fields that Flux's newest schema no longer has and that nobody writes any more: nobody misses them.
pub const OLDER: [&str; 2] = ["status.artifact.checksum", "status.contentConfigChecksum"];

/// Made once: it never changes.
static OURS: LazyLock<BTreeSet<String>> =
    LazyLock::new(|| fields(&serde_json::to_value(root()).unwrap_or_default()));

/// Fields by their paths; of a field that is missing as a whole, no part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// What ours has: the API server drops it from objects.
    pub lacks: Vec<String>,
    /// What ours has not: it stays in objects, and is not looked at here.
    pub adds: Vec<String>,
}

/// Compares the `openAPIV3Schema` of a version that is installed with ours.
pub fn compare(installed: &Value) -> Difference {
    let installed = fields(installed);
    let lacks = roots(OURS.difference(&installed).filter(|path| !OLDER.contains(&path.as_str())));
    Difference { lacks, adds: roots(installed.difference(&OURS)) }
}

/// The paths of all fields of spec and status.
fn fields(schema: &Value) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for part in ["spec", "status"] {
        if let Some(schema) = schema.pointer(&format!("/properties/{part}")) {
            collect(schema, part, &mut all);
        }
    }
    all
}

fn collect(schema: &Value, path: &str, all: &mut BTreeSet<String>) {
    all.insert(path.to_owned());
    for (name, child) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        collect(child, &format!("{path}.{name}"), all);
    }
    if let Some(items) = schema.get("items") {
        collect(items, &format!("{path}[]"), all);
    }
}

/// Those that are not part of another one. They come in order: the whole comes before its parts.
fn roots<'a>(paths: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for path in paths {
        let is_part = all
            .iter()
            .any(|whole| path.strip_prefix(whole.as_str()).is_some_and(|rest| rest.starts_with(['.', '['])));
        if !is_part {
            all.push(path.clone());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ours() -> Value {
        serde_json::to_value(root()).unwrap()
    }

    #[test]
    fn compare_finds_no_difference_to_what_flux_has_now() {
        let mut flux = ours();
        assert_eq!(compare(&flux), Difference::default());
        let status = &mut flux["properties"]["status"]["properties"];
        status.as_object_mut().unwrap().remove("contentConfigChecksum");
        status["artifact"]["properties"].as_object_mut().unwrap().remove("checksum");
        assert_eq!(compare(&flux), Difference::default(), "nobody misses them");
    }

    #[test]
    fn compare_names_what_is_missing_and_what_is_new_as_a_whole() {
        let mut other = ours();
        let spec = &mut other["properties"]["spec"]["properties"];
        spec["verify"]["properties"].as_object_mut().unwrap().remove("trustedRootSecretRef");
        spec["layers"] =
            json!({ "type": "array", "items": { "properties": { "name": { "type": "string" } } } });
        spec["layersMore"] = json!({ "type": "string" });
        let found = compare(&other);
        assert_eq!(found.lacks, ["spec.verify.trustedRootSecretRef"]);
        assert_eq!(found.adds, ["spec.layers", "spec.layersMore"]);
    }

    #[test]
    fn compare_bears_what_is_no_schema() {
        for odd in
            [json!(null), json!([]), json!({ "properties": [] }), json!({ "properties": { "spec": 1 } })]
        {
            assert!(!compare(&odd).lacks.is_empty(), "{odd}");
        }
    }
}
