//! The status of a run that takes longer than a moment.

use oci_decide::{Observed, Outcome, Resolved, Step, Stored, conclude, progress, status_patch};
use serde_json::json;

use crate::{
    runs::{damaged, failed, kstatus, with},
    world::{ONE, TWO, failing, moved, observed, ready, told, v1},
};

const UNDER_WAY: &str = "Ready=Unknown:Progressing Reconciling=True:Progressing";

/// Name, object, what the registry said; conditions, message, whether an artifact is there.
type Row<'a> = (&'a str, Observed, Option<Resolved>, String, &'a str, bool);

fn check(rows: Vec<Row<'_>>) {
    for (name, observed, resolved, conditions, message, artifact) in rows {
        let status = progress(&observed, resolved.as_ref());
        assert_eq!(told(&status), conditions, "{name}");
        for kind in ["Ready", "Reconciling"] {
            let mut all = status.conditions.iter().flatten();
            let told = all.find(|told| told.type_ == kind).unwrap();
            assert_eq!(
                (told.message.as_str(), told.observed_generation),
                (message, Some(observed.generation)),
                "{name}"
            );
        }
        assert_eq!(status.artifact.is_some(), artifact, "{name}");
        assert_eq!(status.url.is_some(), artifact, "{name}");
        assert_eq!(kstatus(&observed, &status), "InProgress", "{name}");
        assert_eq!(status.observed_generation, observed.status.observed_generation, "{name}");
        assert_eq!(status.last_handled_reconcile_at, observed.status.last_handled_reconcile_at, "{name}");
        assert_eq!(status.observed_ignore, observed.status.observed_ignore, "{name}");
        // Said once, it is not written again.
        let stored = if artifact { Stored::Whole } else { Stored::Nothing };
        let now = observed.now + jiff::SignedDuration::from_mins(1);
        let again =
            progress(&Observed { status: status.clone(), stored, now, ..observed }, resolved.as_ref());
        assert_eq!(status_patch(&status, &again, "1"), None, "{name}");
    }
}

#[test]
fn progress_tells_what_the_run_is_about() {
    let whole = || format!("{UNDER_WAY} ArtifactInStorage=True:Succeeded");
    let with_outdated = format!("{} ArtifactOutdated=True:NewRevision", whole());
    let next = || {
        let over = json!({
            "metadata": { "generation": 3, "annotations": { "reconcile.fluxcd.io/requestedAt": "now" } },
            "spec": { "ignore": "x" },
        });
        ready(&over)
    };
    let new =
        |digest: &str| format!("building artifact: new revision 'v1@{digest}' for 'oci://ghcr.io/org/app'");
    let (one, two) = (new(ONE), new(TWO));
    let missing = || with(Stored::Missing, ready(&json!({})));
    let none = || UNDER_WAY.to_owned();
    let failed_before = format!("{} FetchFailed=True:Earlier", whole());
    check(vec![
        ("the first run", observed(&json!({})), None, none(), "reconciling new object generation (2)", false),
        ("the first run, resolved", observed(&json!({})), Some(v1()), none(), &one, false),
        ("another generation", next(), None, whole(), "reconciling new object generation (3)", true),
        ("another generation, same revision", next(), Some(v1()), whole(), "building artifact", true),
        ("another generation, new revision", next(), Some(moved()), with_outdated.clone(), &two, true),
        ("a new revision", ready(&json!({})), Some(moved()), with_outdated, &two, true),
        ("asked for", ready(&json!({})), None, whole(), "reconciliation in progress", true),
        ("the file is gone", missing(), None, none(), "building artifact", false),
        ("the file is gone, resolved", missing(), Some(v1()), none(), &one, false),
        ("the file is damaged", with(damaged(), ready(&json!({}))), None, none(), "building artifact", false),
        ("stalled before", failing("Stalled", "True"), None, whole(), "reconciliation in progress", true),
        (
            "failed before",
            failing("FetchFailed", "True"),
            None,
            failed_before,
            "reconciliation in progress",
            true,
        ),
    ]);
}

#[test]
fn progress_of_the_next_attempt_is_no_news() {
    for resolved in [None, Some(v1()), Some(moved())] {
        let observed = ready(&json!({}));
        let status = conclude(&observed, &failed(Step::Layer, resolved.clone())).status;
        let again = Observed { status: status.clone(), ..observed };
        assert_eq!(status_patch(&status, &progress(&again, resolved.as_ref()), "1"), None, "{resolved:?}");
        let changed = Observed { generation: 3, ..again };
        let status = progress(&changed, resolved.as_ref());
        assert!(told(&status).starts_with(UNDER_WAY), "{}", told(&status));
    }
}

#[test]
fn progress_leads_to_the_same_end() {
    let outcome = Outcome::Kept(v1());
    let observed = ready(&json!({}));
    let between = Observed { status: progress(&observed, None), ..observed.clone() };
    let end = conclude(&between, &outcome);
    assert_eq!(told(&end.status), told(&observed.status));
    assert_eq!(end.notices, []);
}

#[test]
fn progress_never_leaves_an_object_ready() {
    // Whoever wrote this: both at once says nothing about this run.
    let mut observed = failing("Foreign", "True");
    for told in observed.status.conditions.iter_mut().flatten() {
        match told.type_.as_str() {
            "Ready" => "True".clone_into(&mut told.status),
            "Reconciling" => "reconciliation in progress".clone_into(&mut told.message),
            _ => (),
        }
    }
    assert!(told(&progress(&observed, None)).starts_with(UNDER_WAY));
}
