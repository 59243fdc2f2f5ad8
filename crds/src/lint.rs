//! What an API server with the webhook would say about an object, where there is neither.

use serde::Deserialize as _;
use serde_json::Value;

use crate::{
    schema,
    v1::Spec,
    validate::{Code, Fault, Judgement, judge},
};

/// The fields of a spec in the order in which findings about them are told.
const FIELDS: [&str; 14] = [
    "url",
    "ref",
    "layerSelector",
    "provider",
    "secretRef",
    "verify",
    "serviceAccountName",
    "certSecretRef",
    "proxySecretRef",
    "interval",
    "timeout",
    "ignore",
    "insecure",
    "suspend",
];

/// Judges a whole object as a server would on which it is new: by the schema, and by the rules if it can be decoded.
///
/// Where both refuse the same field, the rule's words are kept: they say more. `warn_only` demotes rules, as it does for
/// the webhook; what the schema refuses nobody can demote.
pub fn object(object: &Value, warn_only: &[Code]) -> Judgement {
    let mut faults = schema::check(object);
    let spec = object.get("spec").filter(|spec| !spec.is_null());
    let decoded = spec.map_or_else(|| Some(Spec::default()), |spec| Spec::deserialize(spec).ok());
    let mut judgement = decoded.map(|spec| judge(&spec, None, warn_only)).unwrap_or_default();
    faults.retain(|fault| !judgement.refused.iter().any(|rule| rule.path == fault.path));
    judgement.refused.append(&mut faults);
    judgement.refused.sort_by_key(rank);
    judgement
}

/// Where the field of a fault stands among its neighbours.
fn rank(fault: &Fault) -> usize {
    let mut parts = fault.path.as_str().split(['.', '[']);
    let field = parts.nth(1).unwrap_or_default();
    FIELDS.iter().position(|name| *name == field).unwrap_or(FIELDS.len())
}
