//! `docs/reference/ocirepository.md`: the kind field by field, from its schema, and examples.

use std::fmt::Write as _;

use oci_crds::{
    GROUP,
    schema::{self, ROOT_RULES},
    validate::Code,
};
use serde_json::Value;

use super::{broken, cell, head};
use crate::error::Result;

const INTRODUCTION: &str = "
`kubectl explain ocirepository.spec --recursive` shows the same. An empty text means the same as an absent one. Names are
those of objects in the same namespace. The rules that a field is judged by are explained in
[What is refused](validation.md), conditions in [Conditions and events](conditions.md), annotations and labels
[there](conditions.md#annotations-and-labels), too.

There are two versions, `v1`, which is stored, and `v1beta2`, which is deprecated. Both have the same fields with the same
bounds, so that a conversion changes `apiVersion` and nothing else. Unlike Flux's, our `v1beta2` has no defaults for
`provider` and `timeout`: what was read by it and written back is as it was.
";

/// The page; each example begins with a line of comment that is its title.
pub(super) fn page(examples: &[(String, String)]) -> Result<String> {
    same_in_all_versions()?;
    let root = value(&schema::root())?;
    let mut text = head(&format!("OCIRepository ({GROUP})")) + INTRODUCTION;
    for part in ["spec", "status"] {
        let _ = write!(text, "\n## {part}\n\n| field | type | what it means |\n| --- | --- | --- |\n");
        fields(part, root.pointer(&format!("/properties/{part}")).unwrap_or(&Value::Null), &mut text);
    }
    text.push_str(
        "\n## Examples\n\nEach is accepted without a warning by the API server and by `kubectl oci lint`.\n",
    );
    for (name, example) in examples {
        let (title, manifest) = example.split_once('\n').unwrap_or_default();
        let title = title.trim_start_matches("# ");
        let _ = write!(text, "\n### {title}\n\n[{name}](examples/{name})\n\n```yaml\n{manifest}```\n");
    }
    Ok(text)
}

/// What the introduction says of the versions.
fn same_in_all_versions() -> Result<()> {
    let schemas: Vec<_> = schema::crd().spec.versions.into_iter().map(|version| version.schema).collect();
    let same = schemas.windows(2).all(|pair| pair.first() == pair.last());
    if same {
        Ok(())
    } else {
        Err(broken("the page of OCIRepository", &"its versions differ, which it denies"))
    }
}

fn value(schema: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(schema).map_err(|error| broken("the schema", &error))
}

/// A row for each field below, in the order of their names.
fn fields(path: &str, schema: &Value, text: &mut String) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        // What has a default need not be written.
        let needed = strings(&schema["required"])
            .any(|required| required == name && field["default"].is_null())
            || ROOT_RULES.iter().any(|(_, message)| *message == format!("{path} is required"));
        let meaning = [
            needed.then(|| "Required.".to_owned()),
            field["description"].as_str().map(str::to_owned),
            bounds(field),
            rules(&path),
        ];
        let meaning: Vec<String> = meaning.into_iter().flatten().collect();
        let _ = writeln!(text, "| `{path}` | {} | {} |", kind(field), cell(&meaning.join(" ")));
        fields(&path, field, text);
        fields(&format!("{path}[*]"), &field["items"], text);
    }
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn kind(field: &Value) -> String {
    let named = |field: &Value| field["type"].as_str().unwrap_or("anything").to_owned();
    if field["items"].is_object() {
        return format!("list of {}s", named(&field["items"]));
    }
    if field["additionalProperties"].is_object() {
        return format!("map of {}s", named(&field["additionalProperties"]));
    }
    match field["format"].as_str() {
        Some(format) => format!("{} ({format})", named(field)),
        None => named(field),
    }
}

/// What the schema says of the value.
fn bounds(field: &Value) -> Option<String> {
    let mut said = Vec::new();
    let choices: Vec<String> = strings(&field["enum"]).map(|choice| format!("`{choice}`")).collect();
    if !choices.is_empty() {
        said.push(format!("One of {}.", choices.join(", ")));
    }
    for (name, label) in [
        ("default", "Default"),
        ("pattern", "Pattern"),
        ("minimum", "At least"),
        ("maximum", "At most"),
        ("minLength", "Characters, at least"),
        ("maxLength", "Characters, at most"),
    ] {
        match &field[name] {
            Value::Null => {}
            Value::String(value) => said.push(format!("{label}: `{value}`.")),
            value => said.push(format!("{label}: `{}`.", value.to_string().trim_end_matches(".0"))),
        }
    }
    (!said.is_empty()).then(|| said.join(" "))
}

/// The rules that the field is judged by.
fn rules(path: &str) -> Option<String> {
    let judged = |code: &&Code| match code.field().trim_end_matches("[*]").split_once('*') {
        None => code.field().trim_end_matches("[*]") == path,
        // The schema's own rules are about all fields.
        Some(("", "")) => false,
        Some((begin, end)) => path.starts_with(begin) && path.ends_with(end),
    };
    let codes: Vec<String> = Code::ALL.iter().filter(judged).map(|code| format!("`{code}`")).collect();
    (!codes.is_empty()).then(|| format!("Rules: {}.", codes.join(", ")))
}
