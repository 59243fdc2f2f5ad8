//! The smallest merge patch that turns one status into another.

use oci_crds::v1::Status;
use serde_json::{Map, Value, json};

/// The merge patch of `status`, with explicit nulls for what goes and with `resource_version`, so that it fails where
/// somebody else wrote meanwhile. `None` if nothing changes.
pub fn status_patch(old: &Status, new: &Status, resource_version: &str) -> Option<Value> {
    // Never fails: every field is text, number, list, or a map with texts as keys.
    let value = |status| serde_json::to_value(status).unwrap_or_default();
    let patch = difference(&value(old), &value(new))?;
    Some(json!({ "metadata": { "resourceVersion": resource_version }, "status": patch }))
}

/// The fields of a status that were written and did not stay: the CRD that is installed does not have them.
pub fn lost(kept: &Status, meant: &Status) -> Vec<String> {
    let fields = status_patch(kept, meant, "").and_then(|patch| patch.get("status")?.as_object().cloned());
    fields.into_iter().flatten().map(|(name, _)| name).collect()
}

/// RFC 7386: what turns one value into another, if they differ. Lists are replaced as a whole.
fn difference(old: &Value, new: &Value) -> Option<Value> {
    if old == new {
        return None;
    }
    let (Some(before), Some(after)) = (old.as_object(), new.as_object()) else {
        return Some(new.clone());
    };
    let gone =
        before.keys().filter(|name| !after.contains_key(*name)).map(|name| (name.clone(), Value::Null));
    let changed = after.iter().filter_map(|(name, value)| {
        let change = match before.get(name) {
            Some(before) => difference(before, value),
            None => Some(value.clone()),
        };
        Some((name.clone(), change?))
    });
    Some(Value::Object(gone.chain(changed).collect::<Map<_, _>>()))
}
