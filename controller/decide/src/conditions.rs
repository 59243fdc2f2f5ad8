//! Conditions: setting, removing, and the sum of them.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use oci_crds::conditions::{
    Reason,
    condition::{
        ARTIFACT_IN_STORAGE, ARTIFACT_OUTDATED, FETCH_FAILED, READY, RECONCILING, SOURCE_VERIFIED, STALLED,
        STORAGE_OPERATION_FAILED,
    },
};

pub(crate) const TRUE: &str = "True";
pub(crate) const FALSE: &str = "False";
pub(crate) const UNKNOWN: &str = "Unknown";

/// What `Ready` is the sum of. Of those that say the same, the first gives reason and message.
const SUMMED: [&str; 7] = [
    STORAGE_OPERATION_FAILED,
    FETCH_FAILED,
    ARTIFACT_OUTDATED,
    ARTIFACT_IN_STORAGE,
    SOURCE_VERIFIED,
    STALLED,
    RECONCILING,
];

/// The conditions of a status while they are changed. Those of types that nobody here knows stay as they are.
pub(crate) struct Conditions {
    all: Vec<Condition>,
    generation: i64,
    now: Timestamp,
}

impl Conditions {
    pub(crate) fn new(all: Option<Vec<Condition>>, generation: i64, now: Timestamp) -> Self {
        Self { all: all.unwrap_or_default(), generation, now }
    }

    pub(crate) fn get(&self, kind: &str) -> Option<&Condition> {
        self.all.iter().find(|condition| condition.type_ == kind)
    }

    /// Whether the condition is there with this status.
    pub(crate) fn is(&self, kind: &str, status: &str) -> bool {
        self.get(kind).is_some_and(|condition| condition.status == status)
    }

    /// Whether the condition has this status for just this reason, and had so for this generation already.
    pub(crate) fn says(&self, kind: &str, status: &str, reason: Reason, message: &str) -> bool {
        self.get(kind).is_some_and(|condition| {
            condition.observed_generation == Some(self.generation)
                && (condition.status.as_str(), condition.reason.as_str(), condition.message.as_str())
                    == (status, reason.as_str(), message)
        })
    }

    /// The time of transition changes with status, reason or message, as Flux has it.
    pub(crate) fn set(&mut self, kind: &str, status: &str, reason: Reason, message: &str) {
        self.write(kind, status, reason.as_str(), message);
    }

    fn write(&mut self, kind: &str, status: &str, reason: &str, message: &str) {
        let same = |old: &&Condition| {
            (old.status.as_str(), old.reason.as_str(), old.message.as_str()) == (status, reason, message)
        };
        let since = self.get(kind).filter(same).map(|old| old.last_transition_time.clone());
        self.remove(kind);
        self.all.push(Condition {
            last_transition_time: since.unwrap_or(Time(self.now)),
            message: message.to_owned(),
            observed_generation: Some(self.generation),
            reason: reason.to_owned(),
            status: status.to_owned(),
            type_: kind.to_owned(),
        });
    }

    pub(crate) fn remove(&mut self, kind: &str) {
        self.all.retain(|condition| condition.type_ != kind);
    }

    /// Makes `Ready` the sum of the others.
    pub(crate) fn sum_up(&mut self) {
        if let Some((status, told)) = self.sum() {
            let (reason, message) = (told.reason.clone(), told.message.clone());
            self.write(READY, status, &reason, &message);
        }
    }

    /// What `Ready` is, and the condition that tells why: what is wrong before what is right. A signature that was not
    /// verified outweighs all else.
    fn sum(&self) -> Option<(&'static str, &Condition)> {
        let told = || SUMMED.iter().filter_map(|kind| self.get(kind));
        let refuted = told().find(|told| told.type_ == SOURCE_VERIFIED && told.status == FALSE);
        let first = refuted.or_else(|| told().min_by_key(|told| weight(told).0))?;
        Some((weight(first).1, first))
    }

    /// `Ready` first, then what tools that wait look at, then the others by name.
    pub(crate) fn finish(mut self) -> Vec<Condition> {
        let rank = |kind: &str| [READY, RECONCILING, STALLED].iter().position(|first| *first == kind);
        self.all.sort_by(|a, b| {
            let key = |condition: &Condition| rank(&condition.type_).unwrap_or(usize::MAX);
            key(a).cmp(&key(b)).then_with(|| a.type_.cmp(&b.type_))
        });
        self.all
    }
}

/// Lighter ones come first in the sum; and what `Ready` is because of them.
fn weight(condition: &Condition) -> (u8, &'static str) {
    let good = matches!(condition.type_.as_str(), ARTIFACT_IN_STORAGE | SOURCE_VERIFIED);
    match (good, condition.status.as_str()) {
        (false, TRUE) => (0, FALSE),
        (true, FALSE) => (1, FALSE),
        (true, TRUE) => (2, TRUE),
        (false, FALSE) => (3, TRUE),
        _ => (4, UNKNOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From `Type=Status …`.
    fn conditions(list: &str) -> Conditions {
        let mut conditions = Conditions::new(None, 2, Timestamp::UNIX_EPOCH);
        for (kind, status) in list.split_whitespace().filter_map(|told| told.split_once('=')) {
            conditions.write(kind, status, &format!("{kind}Reason"), kind);
        }
        conditions
    }

    fn check(rows: &[(&str, &str, &str)]) {
        for (name, list, expected) in rows {
            let conditions = conditions(list);
            let sum = conditions.sum().map(|(status, told)| format!("{status} {}", told.type_));
            assert_eq!(sum.unwrap_or_default(), *expected, "{name}");
        }
    }

    #[test]
    fn ready_is_true_while_nothing_is_wrong() {
        check(&[
            ("nothing is known", "", ""),
            ("only what nobody sums", "Foreign=True Ready=False", ""),
            ("stored", "ArtifactInStorage=True", "True ArtifactInStorage"),
            ("verified", "SourceVerified=True", "True SourceVerified"),
            ("both", "SourceVerified=True ArtifactInStorage=True", "True ArtifactInStorage"),
            ("not wrong", "FetchFailed=False", "True FetchFailed"),
            ("right before not wrong", "FetchFailed=False ArtifactInStorage=True", "True ArtifactInStorage"),
            ("unknown", "ArtifactInStorage=Unknown", "Unknown ArtifactInStorage"),
            ("first unknown", "ArtifactInStorage=Unknown FetchFailed=Unknown", "Unknown FetchFailed"),
            ("not wrong before unknown", "ArtifactInStorage=Unknown Stalled=False", "True Stalled"),
            ("a status that is none", "Stalled=Perhaps", "Unknown Stalled"),
            ("unknown signature", "SourceVerified=Unknown ArtifactInStorage=True", "True ArtifactInStorage"),
        ]);
    }

    #[test]
    fn ready_is_false_because_of_the_first_that_is_wrong() {
        let all = "Reconciling=True Stalled=True ArtifactOutdated=True ArtifactInStorage=False \
                   StorageOperationFailed=True FetchFailed=True";
        check(&[
            ("not stored", "ArtifactInStorage=False", "False ArtifactInStorage"),
            ("wrong before right", "ArtifactInStorage=False SourceVerified=True", "False ArtifactInStorage"),
            ("bad before not good", "ArtifactInStorage=False Reconciling=True", "False Reconciling"),
            (
                "fetching failed",
                "ArtifactInStorage=True Reconciling=True FetchFailed=True",
                "False FetchFailed",
            ),
            ("all at once", all, "False StorageOperationFailed"),
            ("outdated and not fetched", "ArtifactOutdated=True FetchFailed=True", "False FetchFailed"),
            ("outdated", "Reconciling=True Stalled=True ArtifactOutdated=True", "False ArtifactOutdated"),
            ("stalled", "Reconciling=True Stalled=True", "False Stalled"),
            ("under way", "ArtifactInStorage=True Reconciling=True", "False Reconciling"),
            ("a wrong signature", "ArtifactInStorage=True SourceVerified=False", "False SourceVerified"),
            ("before all", &format!("{all} SourceVerified=False"), "False SourceVerified"),
        ]);
    }

    #[test]
    fn ready_takes_over_reason_and_message() {
        let mut conditions = conditions("FetchFailed=True");
        conditions.sum_up();
        let ready = conditions.get(READY).unwrap();
        assert_eq!((ready.reason.as_str(), ready.message.as_str()), ("FetchFailedReason", "FetchFailed"));
        assert_eq!(ready.observed_generation, Some(2));
    }

    #[test]
    fn conditions_keep_their_time_until_something_changes() {
        let later = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(9);
        for (name, status, reason, message, moves) in [
            ("the same", TRUE, "A", "text", false),
            ("another status", FALSE, "A", "text", true),
            ("another reason", TRUE, "B", "text", true),
            ("another message", TRUE, "A", "texts", true),
        ] {
            let mut before = Conditions::new(None, 1, Timestamp::UNIX_EPOCH);
            before.write(STALLED, TRUE, "A", "text");
            let mut after = Conditions::new(Some(before.finish()), 2, later);
            after.write(STALLED, status, reason, message);
            let condition = after.get(STALLED).unwrap();
            assert_eq!(condition.last_transition_time.0 == later, moves, "{name}");
            assert_eq!(condition.observed_generation, Some(2), "{name}");
            assert_eq!(after.all.len(), 1, "{name}");
        }
    }

    #[test]
    fn conditions_are_in_an_order_of_their_own() {
        let order = "Ready Reconciling Stalled Another FetchFailed StorageOperationFailed ZZ";
        let list =
            "StorageOperationFailed=True Another=True Stalled=True FetchFailed=True Reconciling=True ZZ=True";
        let conditions = conditions(&format!("{list} Ready=True"));
        let names: Vec<String> = conditions.finish().into_iter().map(|told| told.type_).collect();
        assert_eq!(names.join(" "), order);
    }
}
