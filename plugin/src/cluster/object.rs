//! An `OCIRepository` as the API server gave it, and what the commands read of it.
//!
//! Read field by field and never as a whole: one odd object must not hide the others of a list.

use kube::core::DynamicObject;
use oci_crds::{GROUP, KIND, v1::Spec};
use serde_json::{Map, Value, json};

use super::kstatus::State;

/// Annotations that are state, not configuration.
const STATE: [&str; 2] =
    ["kubectl.kubernetes.io/last-applied-configuration", oci_crds::conditions::metadata::REQUESTED_AT];

/// One object.
#[derive(Clone, Debug)]
pub(crate) struct Stored(DynamicObject);

impl From<DynamicObject> for Stored {
    fn from(object: DynamicObject) -> Self {
        Self(object)
    }
}

impl Stored {
    pub(crate) fn name(&self) -> &str {
        self.0.metadata.name.as_deref().unwrap_or_default()
    }

    pub(crate) fn namespace(&self) -> &str {
        self.0.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// `OCIRepository namespace/name`
    pub(crate) fn full_name(&self) -> String {
        full_name(self.namespace(), self.name())
    }

    pub(crate) fn resource_version(&self) -> &str {
        self.0.metadata.resource_version.as_deref().unwrap_or_default()
    }

    /// What must be done before it can be gone.
    pub(crate) fn finalizers(&self) -> impl Iterator<Item = &str> {
        self.0.metadata.finalizers.iter().flatten().map(String::as_str)
    }

    /// Whether the controller leaves it alone.
    pub(crate) fn is_suspended(&self) -> bool {
        self.field("/spec/suspend").and_then(Value::as_bool).unwrap_or_default()
    }

    /// The request to reconcile that was acted on last.
    pub(crate) fn handled(&self) -> Option<&str> {
        self.text("/status/lastHandledReconcileAt")
    }

    /// Of the artifact that is stored.
    pub(crate) fn revision(&self) -> Option<&str> {
        self.text("/status/artifact/revision")
    }

    /// A text of spec or status, by its pointer.
    pub(crate) fn text(&self, pointer: &str) -> Option<&str> {
        self.field(pointer).and_then(Value::as_str)
    }

    fn field(&self, pointer: &str) -> Option<&Value> {
        self.0.data.pointer(pointer)
    }

    /// The spec, if it can be read.
    pub(crate) fn spec(&self) -> Option<Spec> {
        serde_json::from_value(self.field("/spec")?.clone()).ok()
    }

    /// What its status says.
    pub(crate) fn state(&self) -> State {
        let conditions = self.field("/status/conditions").and_then(Value::as_array);
        let read = |condition: &Value| serde_json::from_value(condition.clone()).ok();
        State {
            generation: self.0.metadata.generation,
            observed: self.field("/status/observedGeneration").and_then(Value::as_i64),
            deleting: self.0.metadata.deletion_timestamp.is_some(),
            conditions: conditions.into_iter().flatten().filter_map(read).collect(),
        }
    }

    /// As the API server gave it, but for the book-keeping of who set what, which kubectl hides too.
    pub(crate) fn data(&self) -> Value {
        let mut object = self.0.clone();
        object.metadata.managed_fields = None;
        serde_json::to_value(object).unwrap_or_default()
    }

    /// As it can be applied to another cluster: names, labels, annotations and spec.
    pub(crate) fn configuration(&self) -> Value {
        let source = &self.0.metadata;
        let mut metadata = Map::new();
        metadata.insert("name".into(), json!(self.name()));
        metadata.insert("namespace".into(), json!(self.namespace()));
        if let Some(labels) = source.labels.as_ref().filter(|labels| !labels.is_empty()) {
            metadata.insert("labels".into(), json!(labels));
        }
        let mut annotations = source.annotations.clone().unwrap_or_default();
        annotations.retain(|name, _| !STATE.contains(&name.as_str()));
        if !annotations.is_empty() {
            metadata.insert("annotations".into(), json!(annotations));
        }
        let spec = self.field("/spec").cloned().unwrap_or_default();
        json!({ "apiVersion": format!("{GROUP}/v1"), "kind": KIND, "metadata": metadata, "spec": spec })
    }
}

/// `OCIRepository namespace/name`
pub(crate) fn full_name(namespace: &str, name: &str) -> String {
    format!("{KIND} {namespace}/{name}")
}
