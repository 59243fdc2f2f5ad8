//! From the types to a structural schema, as the API server wants it.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSON, JSONSchemaProps, ValidationRule,
};
use kube_core::schema::StructuralSchemaRewriter;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};

use super::ROOT_RULES;
use crate::v1::{Spec, Status};

/// The schema of a whole object, the same for every version.
pub fn root() -> JSONSchemaProps {
    let text = |description: &str, kind: &str| JSONSchemaProps {
        description: Some(description.to_owned()),
        type_: Some(kind.to_owned()),
        ..JSONSchemaProps::default()
    };
    let mut status = of::<Status>();
    status.default = Some(JSON(json!({ "observedGeneration": -1 })));
    JSONSchemaProps {
        description: Some("An OCI artifact in a registry, kept ready for the cluster.".to_owned()),
        type_: Some("object".to_owned()),
        properties: Some(BTreeMap::from([
            (
                "apiVersion".to_owned(),
                text("The version of the schema that the object is written in.", "string"),
            ),
            ("kind".to_owned(), text("The kind of the object.", "string")),
            (
                "metadata".to_owned(),
                JSONSchemaProps { type_: Some("object".to_owned()), ..JSONSchemaProps::default() },
            ),
            ("spec".to_owned(), of::<Spec>()),
            ("status".to_owned(), status),
        ])),
        x_kubernetes_validations: Some(
            ROOT_RULES
                .map(|(rule, message)| ValidationRule {
                    rule: rule.to_owned(),
                    message: Some(message.to_owned()),
                    ..ValidationRule::default()
                })
                .to_vec(),
        ),
        ..JSONSchemaProps::default()
    }
}

/// The schema of a type. What cannot be expressed is left out; the tests compare the result with Flux's schema.
fn of<T: JsonSchema>() -> JSONSchemaProps {
    let generator = SchemaSettings::openapi3()
        .with(|settings| settings.inline_subschemas = true)
        .with_transform(StructuralSchemaRewriter)
        .into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    tidy(&mut schema);
    serde_json::from_value(schema).unwrap_or_default()
}

/// Removes what the API server does not know or what only describes the Rust type.
fn tidy(schema: &mut Value) {
    let Value::Object(fields) = schema else {
        return;
    };
    for noise in ["$schema", "title", "nullable", "components"] {
        fields.remove(noise);
    }
    // Descriptions are paragraphs; line breaks in them are those of the source file.
    if let Some(Value::String(text)) = fields.get_mut("description") {
        *text = text.replace('\n', " ");
    }
    // A default is what was asked for by name (a text), not the empty value that serde fills in.
    if fields.get("default").is_some_and(|default| default.as_str().is_none_or(str::is_empty)) {
        fields.remove("default");
    }
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        properties.values_mut().for_each(tidy);
    }
    for child in ["items", "additionalProperties"] {
        if let Some(child) = fields.get_mut(child) {
            tidy(child);
        }
    }
}
