//! The controller and the webhook of a cluster: putting them there, and taking them away.
//!
//! ```text
//! deploy/overlays/NAME ──cargo xtask generate──► deploy/install/NAME.yaml ──► manifests ──► apply ──► ready
//! crds/ocirepositories.yaml ───────────────────────────────────────────────────┘
//! what has the label ──► removal, in an order in which nothing blocks
//! ```

mod apply;
mod manifests;
mod remove;

pub(crate) use apply::{Guard, apply, ready};
pub(crate) use manifests::{Bucket, Manifests, Overlay};
pub(crate) use remove::{Removal, crd, remove, scope};

use serde_json::Value;

/// The label of what belongs to somebody, and our value of it.
pub(crate) const PART_OF: &str = "app.kubernetes.io/part-of";
pub(crate) const OURS: &str = "kubectl-oci";
/// Flux's value of it.
const FLUX: &str = "flux";
/// Where everything is installed: names of the Service stand in certificates and in the CRD.
pub(crate) const NAMESPACE: &str = "oci-system";

/// Whose an object is.
fn part_of(labels: Option<&std::collections::BTreeMap<String, String>>) -> Option<&str> {
    labels.and_then(|labels| labels.get(PART_OF)).map(String::as_str)
}

/// The text at a pointer.
fn text<'o>(object: &'o Value, pointer: &str) -> &'o str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
