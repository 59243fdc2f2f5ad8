//! What of all findings stops a write.

use serde::Deserialize as _;
use serde_json::Value;

use super::{Code, Fault, Kind, Warning, check};
use crate::{schema, v1::Spec};

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

/// The verdict about a write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Why it is refused; empty if it is not.
    pub refused: Vec<Fault>,
    /// What is said beside.
    pub warnings: Vec<Warning>,
}

/// Judges a spec that is written over `old`, or that is new.
///
/// A fault that the stored object already has (same rule, same field, same value) does not stop an unrelated change,
/// and a write that leaves the spec as it is (of labels, finalizers) is not commented at all. Faults of the codes in
/// `warn_only` become warnings.
pub fn judge(new: &Spec, old: Option<&Spec>, warn_only: &[Code]) -> Judgement {
    if old == Some(new) {
        return Judgement::default();
    }
    let report = check(new);
    // The stored object matters only if there is something that it may have had before.
    let before = old.filter(|_| !report.faults.is_empty()).map(|old| check(old).faults).unwrap_or_default();
    let advice = report.advice(new);
    let mut judgement = sort(report.faults, warn_only, &before);
    judgement.warnings.extend(advice);
    judgement
}

/// Judges a whole object as a server would on which it is new: by the schema, and by the rules if it can be decoded.
///
/// Where both find something in the same field, the rule's words are kept: they say more.
pub fn object(object: &Value, warn_only: &[Code]) -> Judgement {
    let mut faults = schema::check(object);
    let spec = object.get("spec").filter(|spec| !spec.is_null());
    let decoded = spec.map_or_else(|| Some(Spec::default()), |spec| Spec::deserialize(spec).ok());
    let Some(spec) = decoded else {
        faults.sort_by_key(rank);
        return sort(faults, &[], &[]);
    };
    let report = check(&spec);
    let advice = report.advice(&spec);
    faults.retain(|fault| !report.faults.iter().any(|rule| rule.path == fault.path));
    // What the schema refuses no administrator can demote.
    let mut refused = sort(faults, &[], &[]).refused;
    let mut judgement = sort(report.faults, warn_only, &[]);
    refused.append(&mut judgement.refused);
    refused.sort_by_key(rank);
    judgement.refused = refused;
    judgement.warnings.extend(advice);
    judgement
}

fn sort(faults: Vec<Fault>, warn_only: &[Code], before: &[Fault]) -> Judgement {
    let mut judgement = Judgement::default();
    for fault in faults {
        let known = before.iter().any(|older| fault.is_same(older));
        if known || warn_only.contains(&fault.code) || fault.kind == Kind::Advice {
            judgement.warnings.push(Warning::new(fault.code, fault.path, fault.message));
        } else {
            judgement.refused.push(fault);
        }
    }
    judgement
}

/// Where the field of a fault stands among its neighbours.
fn rank(fault: &Fault) -> usize {
    let mut parts = fault.path.as_str().split(['.', '[']);
    let field = parts.nth(1).unwrap_or_default();
    FIELDS.iter().position(|name| *name == field).unwrap_or(FIELDS.len())
}
