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

const PULL: &str = "Warning Reconcile OCIArtifactPullFailed, after 656.25ms, 1 in a row";
const NOT_PULLED: &str = "Ready=False:OCIArtifactPullFailed Reconciling=True:ProgressingWithRetry \
                          FetchFailed=True:OCIArtifactPullFailed";

#[test]
fn conclude_keeps_what_is_still_so_after_a_failure() {
    let next = ready(&json!({ "metadata": { "generation": 3 } }));
    let outdated = failing("ArtifactOutdated", "True");
    let whole = NOT_PULLED.replace(" Fetch", " ArtifactInStorage=True:Succeeded Fetch");
    let old = whole.replace(" Fetch", " ArtifactOutdated=True:NewRevision Fetch");
    let earlier = whole.replace(" Fetch", " ArtifactOutdated=True:Earlier Fetch");
    let rest = format!("v1@sha256:111, InProgress, {PULL}");
    let store = "Ready=False:ArchiveOperationFailed Reconciling=True:ProgressingWithRetry \
                 ArtifactInStorage=True:Succeeded StorageOperationFailed=True:ArchiveOperationFailed";
    let store_rest = rest.replace("OCIArtifactPullFailed", "ArchiveOperationFailed");
    let row = |name, observed, resolved, conditions| {
        (name, observed, failed(Step::Digest, resolved), conditions, &*rest)
    };
    let not_stored = failing("StorageOperationFailed", "True");
    check(vec![
        row("nobody knows what is wanted", ready(&json!({})), None, &*whole),
        row("the same is wanted", ready(&json!({})), Some(v1()), &whole),
        row("a new one is wanted", ready(&json!({})), Some(moved()), &old),
        row("a new one, of a new generation", next, Some(moved()), &old),
        row("outdated before, and nobody knows", outdated.clone(), None, &earlier),
        row("outdated before, and not any more", outdated, Some(v1()), &whole),
        row("it could not be stored before", not_stored, None, &whole),
        row("it stalled before", failing("Stalled", "True"), None, &whole),
        (
            "it could not be fetched before",
            failing("FetchFailed", "True"),
            failed(Step::Store, None),
            store,
            &store_rest,
        ),
    ]);
}

#[test]
fn conclude_promises_nothing_that_is_not_there() {
    let new = |over: &Value| observed(over);
    let signature =
        json!({ "status": { "conditions": [condition("SourceVerified", "False", "Odd", "no")] } });
    let verified = json!({
        "spec": { "verify": { "provider": "cosign" } },
        "status": { "conditions": [condition("SourceVerified", "True", "Succeeded", "yes")] },
    });
    let refuted = merged(verified.clone(), &signature);
    let signed = format!("{NOT_PULLED} SourceVerified=True:Succeeded");
    let outdated = with(Stored::Missing, failing("ArtifactOutdated", "True"));
    let rest = format!("nothing, InProgress, {PULL}");
    let damage = "Warning ReconcileStorage ArtifactVerificationFailed";
    let damage_rest = format!("nothing, InProgress, {damage}, {PULL}");
    let row = |name, observed, resolved| (name, observed, failed(Step::Digest, resolved), NOT_PULLED, &*rest);
    let broken = with(damaged(), ready(&json!({})));
    check(vec![
        row("there never was one", new(&json!({})), None),
        row("there never was one, and it is known", new(&json!({})), Some(v1())),
        row("the file is gone", with(Stored::Missing, ready(&json!({}))), None),
        row("the file is gone and was outdated", outdated.clone(), None),
        row("the file is gone and is outdated", outdated, Some(moved())),
        row("a signature is not asked for any more", new(&signature), None),
        row("a signature was wrong before", new(&refuted), None),
        ("a signature was right before", new(&verified), failed(Step::Digest, None), &signed, &rest),
        ("the file is damaged", broken, failed(Step::Digest, None), NOT_PULLED, &damage_rest),
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
