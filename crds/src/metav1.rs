//! Schemas of types that are Kubernetes' own, as every API has them.

use schemars::{Schema, SchemaGenerator, json_schema};

/// The schema of a point in time.
pub(crate) fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time" })
}

/// The schema of conditions, as `metav1.Condition` gives it to every Kubernetes API. A plain list, as Flux has it.
pub(crate) fn conditions(_: &mut SchemaGenerator) -> Schema {
    let qualified_name = concat!(
        r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?",
        "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"
    );
    json_schema!({
        "description": "What is so.",
        "type": "array",
        "items": {
            "description": "One aspect of the state of the object.",
            "type": "object",
            "required": ["lastTransitionTime", "message", "reason", "status", "type"],
            "properties": {
                "lastTransitionTime": {
                    "description": "When the status last changed.",
                    "type": "string",
                    "format": "date-time",
                },
                "message": {
                    "description": "What happened, for people.",
                    "type": "string",
                    "maxLength": 32_768,
                },
                "observedGeneration": {
                    "description": "The generation of the object that this is about.",
                    "type": "integer",
                    "format": "int64",
                    "minimum": 0,
                },
                "reason": {
                    "description": "Why it is so, for programs.",
                    "type": "string",
                    "maxLength": 1_024,
                    "minLength": 1,
                    "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
                },
                "status": {
                    "description": "Whether it is so.",
                    "type": "string",
                    "enum": ["True", "False", "Unknown"],
                },
                "type": {
                    "description": "Which aspect, such as Ready.",
                    "type": "string",
                    "maxLength": 316,
                    "pattern": qualified_name,
                },
            },
        },
    })
}
