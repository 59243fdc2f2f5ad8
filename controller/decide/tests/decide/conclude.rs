//! What follows from runs that went well, and from those that failed: every row is one run.

use oci_decide::{Observed, Outcome, Step, Stored, conclude};
use serde_json::{Value, json};

use crate::{
    runs::{GOOD, check, damaged, failed, stored, with},
    world::{FILE, OTHER_FILE, condition, failing, merged, moved, observed, ready, v1},
};

#[test]
fn conclude_says_what_is_stored() {
    let new = "Normal Reconcile NewArtifact";
    let next = json!({ "metadata": { "generation": 3 } });
    let old_condition = json!({ "status": { "conditions": [condition("Foreign", "True", "Odd", "")] } });
    let signature = json!({ "status": {
        "conditions": [condition("SourceVerified", "False", "VerificationError", "no")],
        "sourceVerificationFingerprint": "sha256:00",
    }});
    let row = |name, observed, outcome, rest| (name, observed, outcome, GOOD, rest);
    let first = format!("v1@sha256:111, Current, {new}, after 600s");
    let anew = format!("v1@sha256:222 anew, Current, {new}, after 600s");
    let rebuilt = format!("v1@sha256:111 anew, Current, {new}, after 600s");
    let (first, anew, rebuilt) = (&*first, &*anew, &*rebuilt);
    let current = "v1@sha256:111, Current, after 600s";
    check(vec![
        row("the first artifact", observed(&json!({})), stored(v1(), FILE), first),
        row("a new revision", ready(&json!({})), stored(moved(), OTHER_FILE), anew),
        row("other content of the same revision", ready(&next), stored(v1(), OTHER_FILE), rebuilt),
        row("another tag, same content", ready(&json!({})), stored(v1(), FILE), current),
        row("nothing new", ready(&json!({})), Outcome::Kept(v1()), current),
        row("nothing new for a new generation", ready(&next), Outcome::Kept(v1()), current),
        row(
            "after a restart without a volume",
            with(Stored::Missing, ready(&json!({}))),
            stored(v1(), FILE),
            current,
        ),
        row("signatures are not asked for any more", ready(&signature), Outcome::Kept(v1()), current),
        (
            "the file was damaged",
            with(damaged(), ready(&json!({}))),
            stored(v1(), FILE),
            GOOD,
            "v1@sha256:111, Current, Warning ReconcileStorage ArtifactVerificationFailed, after 600s",
        ),
        (
            "the file was damaged, and there is a new one",
            with(damaged(), ready(&json!({}))),
            stored(moved(), OTHER_FILE),
            GOOD,
            "v1@sha256:222 anew, Current, Warning ReconcileStorage ArtifactVerificationFailed, \
             Normal Reconcile NewArtifact, after 600s",
        ),
        (
            "a condition of somebody else",
            ready(&old_condition),
            Outcome::Kept(v1()),
            "Ready=True:Succeeded ArtifactInStorage=True:Succeeded Foreign=True:Odd",
            current,
        ),
        (
            "once is enough",
            ready(&json!({ "spec": { "interval": "0s" } })),
            Outcome::Kept(v1()),
            GOOD,
            "v1@sha256:111, Current, never",
        ),
    ]);
}

#[test]
fn conclude_says_that_it_works_again() {
    let recovered = "v1@sha256:111, Current, Normal Reconcile Succeeded, after 600s";
    let row = |name, observed, outcome, rest| (name, observed, outcome, GOOD, rest);
    check(vec![
        row("fetching", failing("FetchFailed", "True"), Outcome::Kept(v1()), recovered),
        row("storing", failing("StorageOperationFailed", "True"), Outcome::Kept(v1()), recovered),
        row("the same file again", failing("FetchFailed", "True"), stored(v1(), FILE), recovered),
        row(
            "with something new",
            failing("FetchFailed", "True"),
            stored(moved(), OTHER_FILE),
            "v1@sha256:222 anew, Current, Normal Reconcile NewArtifact, after 600s",
        ),
        row(
            "what had not failed",
            failing("FetchFailed", "False"),
            Outcome::Kept(v1()),
            "v1@sha256:111, Current, after 600s",
        ),
        row(
            "what was outdated only",
            failing("ArtifactOutdated", "True"),
            Outcome::Kept(v1()),
            "v1@sha256:111, Current, after 600s",
        ),
    ]);
}

#[test]
fn conclude_says_what_failed() {
    let rest = |reason: &str| {
        format!("v1@sha256:111, InProgress, Warning Reconcile {reason}, after 656.25ms, 1 in a row")
    };
    let conditions = |kind: &str, reason: &str| {
        format!(
            "Ready=False:{reason} Reconciling=True:ProgressingWithRetry ArtifactInStorage=True:Succeeded \
             {kind}=True:{reason}"
        )
    };
    for (step, kind, reason) in [
        (Step::ServiceAccount, "FetchFailed", "AuthenticationFailed"),
        (Step::Credentials, "FetchFailed", "AuthenticationFailed"),
        (Step::Proxy, "FetchFailed", "AuthenticationFailed"),
        (Step::Certificates, "FetchFailed", "AuthenticationFailed"),
        (Step::Tag, "FetchFailed", "ReadOperationFailed"),
        (Step::Digest, "FetchFailed", "OCIArtifactPullFailed"),
        (Step::Manifest, "FetchFailed", "OCIArtifactPullFailed"),
        (Step::Layer, "FetchFailed", "OCIArtifactLayerOperationFailed"),
        (Step::Download, "FetchFailed", "OCIArtifactLayerOperationFailed"),
        (Step::Archive, "FetchFailed", "OCIArtifactLayerOperationFailed"),
        (Step::WorkFile, "StorageOperationFailed", "DirectoryCreationFailed"),
        (Step::Store, "StorageOperationFailed", "ArchiveOperationFailed"),
    ] {
        let (conditions, rest) = (conditions(kind, reason), rest(reason));
        check(vec![(&format!("{step:?}"), ready(&json!({})), failed(step, None), &conditions, &rest)]);
    }
}

#[test]
fn conclude_keeps_what_is_still_so_after_a_failure() {
    const PULL: &str = "Warning Reconcile OCIArtifactPullFailed, after 656.25ms, 1 in a row";
    let next = || ready(&json!({ "metadata": { "generation": 3 } }));
    let new = |over: &Value| observed(over);
    let outdated = failing("ArtifactOutdated", "True");
    let pull = "FetchFailed=True:OCIArtifactPullFailed";
    let begin = "Ready=False:OCIArtifactPullFailed Reconciling=True:ProgressingWithRetry";
    let whole = format!("{begin} ArtifactInStorage=True:Succeeded {pull}");
    let old = format!("{begin} ArtifactInStorage=True:Succeeded ArtifactOutdated=True:NewRevision {pull}");
    let earlier = format!("{begin} ArtifactInStorage=True:Succeeded ArtifactOutdated=True:Earlier {pull}");
    let nothing = format!("{begin} {pull}");
    let (one, none) = (format!("v1@sha256:111, InProgress, {PULL}"), format!("nothing, InProgress, {PULL}"));
    let damage = "Warning ReconcileStorage ArtifactVerificationFailed";
    let damaged_then = format!("nothing, InProgress, {damage}, {PULL}");
    let store = "Ready=False:ArchiveOperationFailed Reconciling=True:ProgressingWithRetry \
                 ArtifactInStorage=True:Succeeded StorageOperationFailed=True:ArchiveOperationFailed";
    let store_rest =
        "v1@sha256:111, InProgress, Warning Reconcile ArchiveOperationFailed, after 656.25ms, 1 in a row";
    let signature =
        json!({ "status": { "conditions": [condition("SourceVerified", "False", "Odd", "no")] } });
    let verified = json!({
        "spec": { "verify": { "provider": "cosign" } },
        "status": { "conditions": [condition("SourceVerified", "True", "Succeeded", "yes")] },
    });
    let digest = |resolved| failed(Step::Digest, resolved);
    let refuted = merged(verified.clone(), &signature);
    let signed = format!("{nothing} SourceVerified=True:Succeeded");
    check(vec![
        ("nobody knows what is wanted", ready(&json!({})), digest(None), &whole, &one),
        ("the same is wanted", ready(&json!({})), digest(Some(v1())), &whole, &one),
        ("a new one is wanted", ready(&json!({})), digest(Some(moved())), &old, &one),
        ("a new one, of a new generation", next(), digest(Some(moved())), &old, &one),
        ("outdated before, and nobody knows", outdated.clone(), digest(None), &earlier, &one),
        ("outdated before, and not any more", outdated.clone(), digest(Some(v1())), &whole, &one),
        ("there never was one", new(&json!({})), digest(None), &nothing, &none),
        ("there never was one, and it is known", new(&json!({})), digest(Some(v1())), &nothing, &none),
        ("the file is gone", with(Stored::Missing, ready(&json!({}))), digest(None), &nothing, &none),
        (
            "the file is gone, outdated",
            with(Stored::Missing, outdated),
            digest(Some(moved())),
            &nothing,
            &none,
        ),
        ("the file is damaged", with(damaged(), ready(&json!({}))), digest(None), &nothing, &damaged_then),
        (
            "it could not be stored before",
            failing("StorageOperationFailed", "True"),
            digest(None),
            &whole,
            &one,
        ),
        ("it stalled before", failing("Stalled", "True"), digest(None), &whole, &one),
        (
            "it could not be fetched before",
            failing("FetchFailed", "True"),
            failed(Step::Store, None),
            store,
            store_rest,
        ),
        ("a signature is not asked for any more", new(&signature), digest(None), &nothing, &none),
        ("a signature was wrong before", new(&refuted), digest(None), &nothing, &none),
        ("a signature was right before", new(&verified), digest(None), &signed, &none),
    ]);
}

#[test]
fn conclude_tells_a_failure_once() {
    let outcome = failed(Step::Digest, None);
    let first = conclude(&ready(&json!({})), &outcome);
    let repeated = |over: &dyn Fn(&mut Observed)| {
        let mut observed = ready(&json!({}));
        observed.status = first.status.clone();
        over(&mut observed);
        conclude(&observed, &outcome).notices.len()
    };
    assert_eq!(first.notices.len(), 1);
    assert_eq!(repeated(&|_| ()), 0);
    assert_eq!(repeated(&|observed| observed.requested_at = Some("now".to_owned())), 0);
    assert_eq!(repeated(&|observed| observed.generation = 3), 1, "somebody changed something");
    let reword = |observed: &mut Observed| {
        observed.status.conditions.iter_mut().flatten().for_each(|told| told.message.push('.'));
    };
    assert_eq!(repeated(&reword), 1, "another message");
    let other =
        conclude(&Observed { status: first.status.clone(), ..ready(&json!({})) }, &failed(Step::Tag, None));
    assert_eq!(other.notices.len(), 1, "another reason");
}
