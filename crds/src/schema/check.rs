//! The API server's own check of an object against the schema, for `lint`, where there is no API server.
//!
//! Only what the schema of this kind uses is understood: types, properties, required fields, items, enums, patterns and
//! lengths. A test holds the schema to that.

use std::{collections::BTreeMap, sync::LazyLock};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use oci_artifact::name::Pattern;
use serde_json::Value;

use super::root;
use crate::validate::{Code, Fault, Path, quote};

/// Made once: it never changes.
static ROOT: LazyLock<JSONSchemaProps> = LazyLock::new(root);

/// The patterns in it, by their text.
static PATTERNS: LazyLock<BTreeMap<String, Pattern>> = LazyLock::new(|| {
    let mut all = BTreeMap::new();
    collect(&ROOT, &mut all);
    all
});

fn collect(schema: &JSONSchemaProps, all: &mut BTreeMap<String, Pattern>) {
    if let Some(text) = &schema.pattern
        && let Ok(pattern) = Pattern::parse(text)
    {
        all.insert(text.clone(), pattern);
    }
    schema.properties.iter().flat_map(BTreeMap::values).for_each(|schema| collect(schema, all));
    if let Some(JSONSchemaPropsOrArray::Schema(schema)) = &schema.items {
        collect(schema, all);
    }
}

/// What the API server would refuse before it asks anybody, in the order of the object's fields.
///
/// The status is not looked at: it is not written with the object.
pub fn check(object: &Value) -> Vec<Fault> {
    let schema = &*ROOT;
    let mut faults = Vec::new();
    let spec = object.get("spec");
    match spec {
        None | Some(Value::Null) => {}
        Some(spec) => {
            if let Some(schema) = schema.properties.as_ref().and_then(|properties| properties.get("spec")) {
                walk(spec, schema, &Path::new("spec"), &mut faults);
            }
        }
    }
    let has = |field: &str| spec.and_then(|spec| spec.get(field)).is_some_and(|value| !value.is_null());
    for (field, code) in [("url", Code::UrlMissing), ("interval", Code::IntervalMissing)] {
        if !has(field) {
            faults.push(Fault::new(
                code,
                &Path::new("spec").field(field),
                None,
                format!("spec.{field} is required"),
            ));
        }
    }
    faults
}

fn walk(value: &Value, schema: &JSONSchemaProps, path: &Path, faults: &mut Vec<Fault>) {
    let wanted = schema.type_.as_deref().unwrap_or_default();
    if !fits(value, wanted) {
        let message =
            format!("{} is {}, but must be {}", quote(&value.to_string()), kind(value), article(wanted));
        faults.push(Fault::new(Code::TypeMismatch, path, Some(&value.to_string()), message));
        return;
    }
    match value {
        Value::Object(fields) => object(fields, schema, path, faults),
        Value::Array(items) => {
            if let Some(JSONSchemaPropsOrArray::Schema(schema)) = &schema.items {
                for (index, item) in items.iter().enumerate() {
                    walk(item, schema, &path.index(index), faults);
                }
            }
        }
        Value::String(text) => string(text, schema, path, faults),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn object(
    fields: &serde_json::Map<String, Value>,
    schema: &JSONSchemaProps,
    path: &Path,
    faults: &mut Vec<Fault>,
) {
    let known = schema.properties.as_ref();
    for name in schema.required.iter().flatten() {
        let defaulted =
            known.and_then(|known| known.get(name)).is_some_and(|schema| schema.default.is_some());
        if !fields.contains_key(name) && !defaulted {
            let path = path.field(name);
            let message = format!("{path} is required");
            faults.push(Fault::new(Code::FieldMissing, &path, None, message));
        }
    }
    for (name, value) in fields {
        let path = path.field(name);
        match known.and_then(|known| known.get(name)) {
            // An absent value that was written down; the API server drops it.
            Some(_) if value.is_null() => {}
            Some(schema) => walk(value, schema, &path, faults),
            None if matches!(schema.additional_properties, Some(JSONSchemaPropsOrBool::Schema(_))) => {}
            None => {
                let message = format!("there is no field {}", quote(name));
                faults.push(Fault::new(Code::FieldUnknown, &path, Some(name), message));
            }
        }
    }
}

fn string(text: &str, schema: &JSONSchemaProps, path: &Path, faults: &mut Vec<Fault>) {
    if let Some(values) = &schema.enum_ {
        let values: Vec<&str> = values.iter().filter_map(|value| value.0.as_str()).collect();
        if !values.contains(&text) {
            let message = format!("{} is none of {}", quote(text), values.join(", "));
            faults.push(Fault::new(Code::EnumUnknown, path, Some(text), message));
        }
    }
    let pattern = schema.pattern.as_ref().and_then(|pattern| PATTERNS.get(pattern));
    if let Some(pattern) = pattern.filter(|pattern| !pattern.is_match(text)) {
        let message = format!("{} does not match {pattern}", quote(text));
        faults.push(Fault::new(Code::PatternMismatch, path, Some(text), message));
    }
}

fn fits(value: &Value, wanted: &str) -> bool {
    match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        _ => true,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn article(wanted: &str) -> &'static str {
    match wanted {
        "object" => "an object",
        "array" => "a list",
        "string" => "a string (write it in quotes)",
        "boolean" => "true or false",
        "integer" => "a whole number",
        _ => "something else",
    }
}
