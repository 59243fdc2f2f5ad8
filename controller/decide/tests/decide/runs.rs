//! Runs, and what is looked at after each of them.

use oci_artifact::Class;
use oci_crds::{
    conditions::{Reason, Told, condition},
    v1::{Artifact, Status},
};
use oci_decide::{
    Conclusion, Failure, Kind, Next, Observed, Outcome, Plan, Resolved, Step, Stored, conclude, decide,
    status_patch,
};
use serde_json::{Value, json};

use crate::world::{FILE, merged, ready, told};

/// What waiting tools make of an object (kstatus).
pub(crate) fn kstatus(observed: &Observed, status: &Status) -> &'static str {
    let is = |kind: &str, value: &str| {
        status.conditions.iter().flatten().any(|told| told.type_ == kind && told.status == value)
    };
    if status.observed_generation != Some(observed.generation) || is("Reconciling", "True") {
        "InProgress"
    } else if is("Stalled", "True") {
        "Failed"
    } else if is("Ready", "True") {
        "Current"
    } else {
        "InProgress"
    }
}

/// Everything but the texts.
pub(crate) fn summary(observed: &Observed, conclusion: &Conclusion) -> String {
    let Conclusion { status, notices, next, failures } = conclusion;
    let mut parts = vec![match &status.artifact {
        None => "nothing".to_owned(),
        Some(Artifact { revision, digest, .. }) => {
            format!("{}{}", revision.get(..13).unwrap_or(revision), if digest == FILE { "" } else { " anew" })
        }
    }];
    parts.push(kstatus(observed, status).to_owned());
    parts.extend(notices.iter().map(|told| format!("{:?} {} {}", told.kind, told.action, told.reason)));
    parts.push(match next {
        Next::Never => "never".to_owned(),
        Next::After(wait) => format!("after {wait:?}"),
    });
    parts.extend((*failures > 0).then(|| format!("{failures} in a row")));
    parts.join(", ")
}

/// What holds after every run, whatever it was.
pub(crate) fn check_invariants(name: &str, observed: &Observed, outcome: &Outcome, conclusion: &Conclusion) {
    let status = &conclusion.status;
    let patch = status_patch(&observed.status, status, "1");
    let before = serde_json::to_value(&observed.status).unwrap();
    let after = patch.map_or(before.clone(), |patch| merged(before, &patch["status"]));
    assert_eq!(after, serde_json::to_value(status).unwrap(), "{name}: the patch");
    if matches!(outcome, Outcome::Suspended | Outcome::Forgotten) {
        return;
    }
    assert_eq!(status.url.is_some(), status.artifact.is_some(), "{name}: the URL");
    for told in status.conditions.iter().flatten() {
        assert!(told.message.len() <= 4_096 && !told.message.contains(char::is_control), "{name}: {told:?}");
        assert!(!told.reason.is_empty() && told.reason.chars().all(|c| c.is_ascii_alphanumeric()), "{name}");
        check_list(name, &told.type_, &told.status, &told.reason);
    }
    for told in &conclusion.notices {
        let listed = match told.reason.told() {
            Told::Never => None,
            Told::Normal => Some(Kind::Normal),
            Told::Warning => Some(Kind::Warning),
        };
        assert_eq!(Some(told.kind), listed, "{name}: {told:?}");
    }
    // A clock that jumps changes times, and nothing else.
    let found = (told(status), summary(observed, conclusion));
    for years in [-36, 64] {
        let now = observed.now + jiff::SignedDuration::from_hours(years * 8_766);
        let jumped = Observed { now, ..observed.clone() };
        let other = conclude(&jumped, outcome);
        assert_eq!((told(&other.status), summary(&jumped, &other)), found, "{name}: after {years} years");
    }
    // The same once more, an hour later: nothing is written, and nobody is told.
    let now = observed.now + jiff::SignedDuration::from_hours(1);
    let stored = if status.artifact.is_some() { Stored::Whole } else { Stored::Nothing };
    let again = Observed { now, stored, status: status.clone(), ..observed.clone() };
    let repeated = conclude(&again, outcome);
    if !matches!(outcome, Outcome::Failed { failure, .. } if failure.step == Step::Forget) {
        assert_eq!(repeated.notices, [], "{name}: told twice");
    }
    assert_eq!(status_patch(status, &repeated.status, "1"), None, "{name}: written twice");
}

/// The list of reasons says which conditions have them. `Ready` takes over those of the others; what nobody here wrote stays
/// as it is.
fn check_list(name: &str, kind: &str, status: &str, reason: &str) {
    let known = condition::ALL.iter().any(|(known, _)| *known == kind);
    assert!(known || kind == "Foreign", "{name}: {kind}");
    let listed = Reason::ALL.iter().find(|known| known.as_str() == reason);
    if let Some(reason) = listed.filter(|_| kind != condition::READY) {
        let condition = format!("{kind}={status}");
        assert!(reason.conditions().contains(&condition.as_str()), "{name}: {condition} has {reason}");
    }
}

pub(crate) type Row<'a> = (&'a str, Observed, Outcome, &'a str, &'a str);

pub(crate) fn check(rows: Vec<Row<'_>>) {
    let mut wrong = Vec::new();
    for (name, observed, outcome, conditions, rest) in rows {
        let conclusion = conclude(&observed, &outcome);
        check_invariants(name, &observed, &outcome, &conclusion);
        let found = (told(&conclusion.status), summary(&observed, &conclusion));
        if (found.0.as_str(), found.1.as_str()) != (conditions, rest) {
            wrong.push(format!("{name}\n    {}\n    {}", found.0, found.1));
        }
    }
    assert!(wrong.is_empty(), "{} rows are not so:\n{}", wrong.len(), wrong.join("\n"));
}

pub(crate) fn artifact(revision: &str, file: &str) -> Box<Artifact> {
    let digest = revision.rsplit_once('@').map_or(revision, |(_, digest)| digest);
    let artifact = json!({
        "digest": file, "revision": revision, "size": 2000, "lastUpdateTime": "2026-01-01T00:04:59Z",
        "path": format!("ocirepository/apps/web/{digest}.tar.gz"), "url": "", "checksum": "old",
    });
    Box::new(serde_json::from_value(artifact).unwrap())
}

pub(crate) fn stored(resolved: Resolved, file: &str) -> Outcome {
    let artifact = artifact(&resolved.revision.to_string(), file);
    Outcome::Stored { resolved, artifact }
}

pub(crate) fn failed(step: Step, resolved: Option<Resolved>) -> Outcome {
    let class = Class::Retry { after: None };
    let failure = Failure { step, class, message: "it broke".to_owned(), hint: None };
    Outcome::Failed { failure, resolved }
}

pub(crate) fn refused(spec: &Value) -> (Observed, Outcome) {
    let observed = ready(&json!({ "metadata": { "generation": 3 }, "spec": spec }));
    let Plan::Refuse(refusal) = decide(&observed, None) else { panic!("{spec} is not refused") };
    (observed, Outcome::Refused(refusal))
}

pub(crate) fn with(stored: Stored, observed: Observed) -> Observed {
    Observed { stored, ..observed }
}

pub(crate) fn damaged() -> Stored {
    Stored::Damaged("its digest is another one".to_owned())
}

pub(crate) const GOOD: &str = "Ready=True:Succeeded ArtifactInStorage=True:Succeeded";
