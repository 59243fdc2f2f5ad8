//! What of all findings stops a write.

use super::{Code, Fault, Kind, Warning, check};
use crate::v1::Spec;

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
