//! What the conditions of an object mean for somebody who waits for it: Flux's and kstatus's rule, in one place.
//!
//! <https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md>

use oci_crds::conditions::{Reason, condition};
use serde::Deserialize;

/// A condition as it is stored. What is missing is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Condition {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) status: String,
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) observed_generation: Option<i64>,
}

impl Condition {
    fn is_true(&self) -> bool {
        self.status == "True"
    }

    fn is_false(&self) -> bool {
        self.status == "False"
    }
}

/// What there is to know about an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// The generation of the spec.
    pub(crate) generation: Option<i64>,
    /// The generation that the controller dealt with last.
    pub(crate) observed: Option<i64>,
    /// Whether the object is being deleted.
    pub(crate) deleting: bool,
    pub(crate) conditions: Vec<Condition>,
}

impl State {
    pub(crate) fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }

    /// Whether a condition is about the spec as it is now. Without a generation of its own, it is about the one that
    /// the whole status is about.
    fn is_current(&self, condition: &Condition) -> bool {
        condition.observed_generation.or(self.observed) == self.generation
    }

    /// A condition that is true of the spec as it is now.
    fn holds(&self, kind: &str) -> Option<&Condition> {
        self.condition(kind).filter(|condition| condition.is_true() && self.is_current(condition))
    }
}

/// Where an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict<'s> {
    /// All that the spec asks for is done.
    Current,
    /// A run ended without success; the controller tries again by itself.
    Failing(&'s Condition),
    /// Nothing will happen until somebody changes something.
    Stalled(&'s Condition),
    /// A run is to come or under way.
    InProgress,
    /// The object is being deleted.
    Terminating,
}

/// Judges an object by its status.
pub(crate) fn judge(state: &State) -> Verdict<'_> {
    if state.deleting {
        return Verdict::Terminating;
    }
    if let Some(stalled) = state.holds(condition::STALLED) {
        return Verdict::Stalled(stalled);
    }
    let ready = state.condition(condition::READY).filter(|ready| state.is_current(ready));
    // Not by generation: a run that is under way is under way, whichever spec it began with.
    let reconciling = state.condition(condition::RECONCILING).filter(|condition| condition.is_true());
    let between_runs = reconciling.is_none_or(|running| running.reason == Reason::ProgressingWithRetry);
    match ready {
        Some(ready) if ready.is_false() && between_runs => Verdict::Failing(ready),
        Some(ready) if ready.is_true() && reconciling.is_none() && state.observed == state.generation => {
            Verdict::Current
        }
        _ => Verdict::InProgress,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(kind: &str, status: &str, reason: &str, generation: Option<i64>) -> Condition {
        Condition {
            kind: kind.into(),
            status: status.into(),
            reason: reason.into(),
            message: String::new(),
            observed_generation: generation,
        }
    }

    fn name(verdict: Verdict<'_>) -> &'static str {
        match verdict {
            Verdict::Current => "current",
            Verdict::Failing(_) => "failing",
            Verdict::Stalled(_) => "stalled",
            Verdict::InProgress => "in progress",
            Verdict::Terminating => "terminating",
        }
    }

    #[test]
    fn judge_tells_every_state_of_a_run() {
        let ready = |status, generation| condition("Ready", status, "Any", generation);
        let running = |reason| condition("Reconciling", "True", reason, Some(2));
        let stalled = |status, generation| condition("Stalled", status, "URLInvalid", generation);
        let now = Some(2);
        for (what, wanted, observed, conditions) in [
            ("a new object", "in progress", None, vec![]),
            ("an object before its first run", "in progress", Some(-1), vec![]),
            ("a success", "current", now, vec![ready("True", now)]),
            ("a success of an older writer", "current", now, vec![ready("True", None)]),
            ("a success with an older spec", "in progress", Some(1), vec![ready("True", Some(1))]),
            ("a success not yet of the whole", "in progress", Some(1), vec![ready("True", now)]),
            ("an old condition in a new status", "in progress", now, vec![ready("True", Some(1))]),
            ("a run under way", "in progress", now, vec![ready("Unknown", now), running("Progressing")]),
            ("a run after a success", "in progress", now, vec![ready("True", now), running("Progressing")]),
            (
                "a new run after a failure",
                "in progress",
                now,
                vec![ready("False", now), running("Progressing")],
            ),
            (
                "a failure that is retried",
                "failing",
                Some(1),
                vec![ready("False", now), running("ProgressingWithRetry")],
            ),
            ("a failure", "failing", now, vec![ready("False", now)]),
            ("a failure of an older spec", "in progress", Some(1), vec![ready("False", Some(1))]),
            ("a stalled object", "stalled", now, vec![ready("False", now), stalled("True", now)]),
            ("an object stalled before", "in progress", Some(1), vec![stalled("True", Some(1))]),
            ("an object no longer stalled", "current", now, vec![ready("True", now), stalled("False", now)]),
        ] {
            let state = State { generation: now, observed, deleting: false, conditions };
            assert_eq!(name(judge(&state)), wanted, "{what}");
            let deleted = State { deleting: true, ..state };
            assert_eq!(name(judge(&deleted)), "terminating", "{what}");
        }
    }
}
