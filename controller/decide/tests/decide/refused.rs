//! What follows where nothing is run.

use oci_decide::{Next, Observed, Outcome, Plan, Step, Stored, conclude, decide};
use serde_json::json;

use crate::{
    runs::{Row, check, damaged, failed, refused, summary, with},
    world::{condition, failing, observed, ready, told},
};

fn row<'a>(name: &'a str, run: (Observed, Outcome), conditions: &'a str, rest: &'a str) -> Row<'a> {
    (name, run.0, run.1, conditions, rest)
}

#[test]
fn conclude_says_what_is_refused() {
    const INVALID: &str = "Ready=False:SpecInvalid Stalled=True:SpecInvalid ArtifactInStorage=True:Succeeded \
                           FetchFailed=True:SpecInvalid";
    let rest = |reason: &str| format!("v1@sha256:111, Failed, Warning Reconcile {reason}, never");
    let url = INVALID.replace("SpecInvalid", "URLInvalid");
    let (url_rest, spec_rest) = (rest("URLInvalid"), rest("SpecInvalid"));
    let broken = json!({ "interval": "x" });
    let over = |kind: &str| {
        let (observed, outcome) = refused(&broken);
        let earlier = failing(kind, "True").status;
        (Observed { status: earlier, ..observed }, outcome)
    };
    let stored = |stored, (observed, outcome)| (with(stored, observed), outcome);
    let gone = INVALID.replace(" ArtifactInStorage=True:Succeeded", "");
    let none = "nothing, Failed, Warning Reconcile SpecInvalid, never";
    let damage = "nothing, Failed, Warning ReconcileStorage ArtifactVerificationFailed, \
                  Warning Reconcile SpecInvalid, never";
    let refuted = stored(Stored::Whole, over("SourceVerified"));
    check(vec![
        row("the URL", refused(&json!({ "url": "oci://ghcr.io/org/app:v1" })), &url, &url_rest),
        row("the URL is missing", refused(&json!({ "url": "" })), &url, &url_rest),
        row("the URL and more", refused(&json!({ "interval": "x", "url": "x" })), &url, &url_rest),
        row("something else", refused(&broken), INVALID, &spec_rest),
        row("after a failed fetch", over("FetchFailed"), INVALID, &spec_rest),
        row("after a failed store", over("StorageOperationFailed"), INVALID, &spec_rest),
        row("after a wrong signature", refuted, INVALID, &spec_rest),
        row("and the file is gone", stored(Stored::Missing, refused(&broken)), &gone, none),
        row("and the file is damaged", stored(damaged(), refused(&broken)), &gone, damage),
    ]);
}

#[test]
fn conclude_forgets_a_wrong_signature_when_something_else_is_refused() {
    let over = json!({
        "spec": { "verify": { "provider": "cosign" }, "interval": "x" },
        "status": { "conditions": [condition("SourceVerified", "False", "VerificationError", "no")] },
    });
    let observed = observed(&over);
    let Plan::Refuse(refusal) = decide(&observed, None) else { panic!("not refused") };
    let status = conclude(&observed, &Outcome::Refused(refusal)).status;
    assert_eq!(
        told(&status),
        "Ready=False:SpecInvalid Stalled=True:SpecInvalid FetchFailed=True:SpecInvalid"
    );
}

#[test]
fn conclude_tells_a_refusal_once() {
    let (observed, outcome) = refused(&json!({ "interval": "x" }));
    let first = conclude(&observed, &outcome);
    let again = Observed { status: first.status.clone(), ..observed };
    assert_eq!((first.notices.len(), conclude(&again, &outcome).notices.len()), (1, 0));
    let changed = Observed { generation: again.generation + 1, ..again };
    assert_eq!(conclude(&changed, &outcome).notices.len(), 1);
}

#[test]
fn conclude_leaves_a_suspended_object_as_it_is() {
    let next = json!({ "metadata": { "generation": 3 }, "spec": { "suspend": true } });
    let stalled = failing("Stalled", "True");
    for observed in
        [ready(&next), stalled, with(Stored::Missing, ready(&next)), with(damaged(), ready(&next))]
    {
        let observed = Observed { failures: 4, ..observed };
        let conclusion = conclude(&observed, &Outcome::Suspended);
        assert_eq!(conclusion.status, observed.status);
        assert_eq!((conclusion.notices.len(), conclusion.next, conclusion.failures), (0, Next::Never, 0));
    }
}

#[test]
fn conclude_forgets_with_the_object() {
    let observed = Observed { requested_at: Some("now".to_owned()), failures: 4, ..ready(&json!({})) };
    let conclusion = conclude(&observed, &Outcome::Forgotten);
    assert_eq!(conclusion.status, observed.status);
    assert_eq!((conclusion.notices.len(), conclusion.next, conclusion.failures), (0, Next::Never, 0));

    let stuck = conclude(&observed, &failed(Step::Forget, None));
    assert_eq!((stuck.notices.len(), stuck.failures), (0, 5), "it was told at the first time");
    let first = Observed { failures: 0, requested_at: None, ..observed };
    let conclusion = conclude(&first, &failed(Step::Forget, None));
    assert_eq!(
        summary(&first, &conclusion),
        "v1@sha256:111, Current, Warning Finalize GarbageCollectionFailed, after 656.25ms, 1 in a row"
    );
    assert_eq!(conclusion.status, first.status);
    assert_eq!(conclusion.notices[0].message, "garbage collection for deleted resource failed: it broke");
}
