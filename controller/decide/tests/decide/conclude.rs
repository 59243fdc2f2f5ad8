//! What follows from a run: every row is one run, told in a line or two.

use oci_artifact::Class;
use oci_crds::v1::{Artifact, Status};
use oci_decide::{
    Conclusion, Failure, Next, Observed, Outcome, Plan, Refusal, Resolved, Step, Stored, conclude, decide,
    status_patch,
};
use serde_json::{Value, json};

use crate::world::{FILE, OTHER_FILE, condition, failing, merged, moved, observed, ready, told, v1};

/// What waiting tools make of an object (kstatus).
fn kstatus(observed: &Observed, status: &Status) -> &'static str {
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
fn summary(observed: &Observed, conclusion: &Conclusion) -> String {
    let Conclusion { status, notices, next, failures } = conclusion;
    let artifact = match &status.artifact {
        None => "nothing".to_owned(),
        Some(Artifact { revision, digest, .. }) => {
            format!("{}{}", revision.get(..13).unwrap_or(revision), if digest == FILE { "" } else { " anew" })
        }
    };
    let mut text = format!("{artifact}, {}", kstatus(observed, status));
    for notice in notices {
        text += &format!(", {:?} {} {}", notice.kind, notice.action, notice.reason);
    }
    match next {
        Next::Never => text += ", never",
        Next::After(wait) => text += &format!(", after {wait:?}"),
    }
    if *failures > 0 {
        text += &format!(", {failures} in a row");
    }
    text
}

/// What holds after every run, whatever it was.
fn check_invariants(name: &str, observed: &Observed, outcome: &Outcome, conclusion: &Conclusion) {
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

type Row<'a> = (&'a str, Observed, Outcome, &'a str, &'a str);

fn check(rows: Vec<Row<'_>>) {
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

fn artifact(revision: &str, file: &str) -> Box<Artifact> {
    let digest = revision.rsplit_once('@').map_or(revision, |(_, digest)| digest);
    let artifact = json!({
        "digest": file, "revision": revision, "size": 2000, "lastUpdateTime": "2026-01-01T00:04:59Z",
        "path": format!("ocirepository/apps/web/{digest}.tar.gz"), "url": "", "checksum": "old",
    });
    Box::new(serde_json::from_value(artifact).unwrap())
}

fn stored(resolved: Resolved, file: &str) -> Outcome {
    let artifact = artifact(&resolved.revision.to_string(), file);
    Outcome::Stored { resolved, artifact }
}

fn failed(step: Step, resolved: Option<Resolved>) -> Outcome {
    let class = Class::Retry { after: None };
    let failure = Failure { step, class, message: "it broke".to_owned(), hint: None };
    Outcome::Failed { failure, resolved }
}

fn refused(spec: &Value) -> (Observed, Outcome) {
    let observed = ready(&json!({ "metadata": { "generation": 3 }, "spec": spec }));
    let Plan::Refuse(refusal) = decide(&observed, None) else { panic!("{spec} is not refused") };
    (observed, Outcome::Refused(refusal))
}

fn with(stored: Stored, observed: Observed) -> Observed {
    Observed { stored, ..observed }
}

fn damaged() -> Stored {
    Stored::Damaged("its digest is another one".to_owned())
}

const GOOD: &str = "Ready=True:Succeeded ArtifactInStorage=True:Succeeded";

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

#[test]
fn conclude_says_what_is_refused() {
    const INVALID: &str = "Ready=False:SpecInvalid Stalled=True:SpecInvalid ArtifactInStorage=True:Succeeded \
                           FetchFailed=True:SpecInvalid";
    let rest = |reason: &str| format!("v1@sha256:111, Failed, Warning Reconcile {reason}, never");
    fn row<'a>(name: &'a str, run: (Observed, Outcome), conditions: &'a str, rest: &'a str) -> Row<'a> {
        (name, run.0, run.1, conditions, rest)
    }
    let url = INVALID.replace("SpecInvalid", "URLInvalid");
    let identity = INVALID.replace("SpecInvalid", "AuthenticationFailed");
    let (url_rest, spec_rest) = (rest("URLInvalid"), rest("SpecInvalid"));
    let (identity_rest, signature_rest) = (rest("AuthenticationFailed"), rest("VerificationError"));
    let signature = "Ready=False:VerificationError Stalled=True:VerificationError \
                     ArtifactInStorage=True:Succeeded SourceVerified=False:VerificationError";
    let gcp = json!({ "provider": "gcp", "url": "oci://gcr.io/p/app" });
    let broken = json!({ "interval": "x" });
    let over = |kind: &str| {
        let (observed, outcome) = refused(&broken);
        let earlier = failing(kind, "True").status;
        (Observed { status: earlier, ..observed }, outcome)
    };
    let unsigned = |kind: &str| {
        let (observed, outcome) = refused(&json!({ "verify": {} }));
        (Observed { status: failing(kind, "True").status, ..observed }, outcome)
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
        row("a cloud", refused(&gcp), &identity, &identity_rest),
        row("signatures", refused(&json!({ "verify": {} })), signature, &signature_rest),
        row("after a failed fetch", over("FetchFailed"), INVALID, &spec_rest),
        row("after a failed store", over("StorageOperationFailed"), INVALID, &spec_rest),
        row("after a wrong signature", refuted, INVALID, &spec_rest),
        row("signatures after a failed fetch", unsigned("FetchFailed"), signature, &signature_rest),
        row(
            "signatures after a failed store",
            unsigned("StorageOperationFailed"),
            signature,
            &signature_rest,
        ),
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

#[test]
fn conclude_records_the_request_whatever_came_of_it() {
    let (_, refusal) = refused(&json!({ "interval": "x" }));
    let outcomes = [
        Outcome::Suspended,
        Outcome::Kept(v1()),
        stored(moved(), OTHER_FILE),
        failed(Step::Digest, None),
        failed(Step::Forget, None),
        refusal,
    ];
    for outcome in outcomes {
        for (annotation, expected) in
            [(None, Some("old")), (Some(""), Some("")), (Some(" "), Some(" ")), (Some("new"), Some("new"))]
        {
            let mut observed = ready(&json!({ "status": { "lastHandledReconcileAt": "old" } }));
            observed.requested_at = annotation.map(str::to_owned);
            let status = conclude(&observed, &outcome).status;
            assert_eq!(status.last_handled_reconcile_at.as_deref(), expected, "{outcome:?}");
        }
    }
}

#[test]
fn conclude_writes_down_what_the_artifact_was_made_from() {
    let over = json!({
        "metadata": { "generation": 7 },
        "spec": { "ignore": "", "layerSelector": { "operation": "extract" } },
        "status": { "contentConfigChecksum": "sha256:00", "sourceVerificationFingerprint": "sha256:00" },
    });
    for outcome in [Outcome::Kept(v1()), stored(v1(), FILE)] {
        let status = conclude(&ready(&over), &outcome).status;
        assert_eq!(status.observed_generation, Some(7));
        assert_eq!(status.observed_ignore.as_deref(), Some(""));
        assert_eq!(status.observed_layer_selector.unwrap().operation.as_deref(), Some("extract"));
        assert_eq!((status.content_config_checksum, status.source_verification_fingerprint), (None, None));
        for told in status.conditions.into_iter().flatten() {
            assert_eq!(told.observed_generation, Some(7), "{}", told.type_);
        }
    }
    let seen =
        json!({ "status": { "observedIgnore": "x", "observedLayerSelector": { "mediaType": "a/b" } } });
    let status = conclude(&ready(&seen), &stored(v1(), FILE)).status;
    assert_eq!((status.observed_ignore, status.observed_layer_selector), (None, None));
    let status = conclude(&ready(&seen), &failed(Step::Digest, None)).status;
    assert_eq!(status.observed_ignore.as_deref(), Some("x"), "the old artifact is still made so");
}

#[test]
fn conclude_keeps_the_fingerprint_while_signatures_are_asked_for() {
    let over = json!({
        "spec": { "verify": { "provider": "cosign" } },
        "status": {
            "sourceVerificationFingerprint": "sha256:00",
            "conditions": [condition("SourceVerified", "True", "Succeeded", "yes")],
        },
    });
    let status = conclude(&ready(&over), &Outcome::Kept(v1())).status;
    assert_eq!(status.source_verification_fingerprint.as_deref(), Some("sha256:00"));
    assert_eq!(
        told(&status),
        "Ready=True:Succeeded ArtifactInStorage=True:Succeeded SourceVerified=True:Succeeded"
    );
}

#[test]
fn conclude_takes_the_artifact_as_it_was_stored() {
    let Outcome::Stored { resolved, artifact } = stored(moved(), OTHER_FILE) else { unreachable!() };
    let status =
        conclude(&ready(&json!({})), &Outcome::Stored { resolved, artifact: artifact.clone() }).status;
    let path = artifact.path.clone();
    assert_eq!(status.url.unwrap(), "http://store.flux-system.svc/ocirepository/apps/web/latest.tar.gz");
    let url = format!("http://store.flux-system.svc/{path}");
    assert_eq!(status.artifact.unwrap(), Artifact { url, checksum: None, ..*artifact });
}

#[test]
fn conclude_tells_where_artifacts_are_served_now() {
    let over = json!({ "status": { "url": "http://old/x", "artifact": { "url": "http://old/y" } } });
    let (refused, refusal) = refused(&json!({ "interval": "x" }));
    let refused = Observed { status: ready(&over).status, ..refused };
    for (observed, outcome) in
        [(ready(&over), Outcome::Kept(v1())), (ready(&over), failed(Step::Digest, None)), (refused, refusal)]
    {
        let status = conclude(&observed, &outcome).status;
        let artifact = status.artifact.unwrap();
        assert_eq!(artifact.url, format!("http://store.flux-system.svc/{}", artifact.path));
        assert_eq!(status.url.unwrap(), "http://store.flux-system.svc/ocirepository/apps/web/latest.tar.gz");
    }
}

#[test]
fn conclude_holds_its_promises_in_any_order_of_runs() {
    let (_, refusal) = refused(&json!({ "interval": "x" }));
    let mut random = fastrand::Rng::with_seed(11);
    let mut observed = observed(&json!({}));
    let steps = [Step::Tag, Step::Digest, Step::Layer, Step::WorkFile, Step::Store];
    for round in 0..3_000 {
        let resolved = random.choice([v1(), moved()]).unwrap();
        observed.generation += i64::from(random.u8(..4) == 0);
        observed.stored = match (&observed.status.artifact, random.u8(..6)) {
            (None, _) => Stored::Nothing,
            (Some(_), 0) => Stored::Missing,
            (Some(_), 1) => damaged(),
            (Some(_), _) => Stored::Whole,
        };
        let outcome = match (random.u8(..6), &observed.stored) {
            (0, _) => refusal.clone(),
            (1, _) => failed(random.choice(steps).unwrap(), None),
            (2, _) => failed(random.choice(steps).unwrap(), Some(resolved)),
            (3, Stored::Whole) => Outcome::Kept(v1()),
            (4, _) => Outcome::Suspended,
            _ => stored(resolved, random.choice([FILE, OTHER_FILE]).unwrap()),
        };
        let conclusion = conclude(&observed, &outcome);
        check_invariants(&format!("round {round} {outcome:?}"), &observed, &outcome, &conclusion);
        let word = kstatus(&observed, &conclusion.status);
        match outcome {
            Outcome::Kept(_) | Outcome::Stored { .. } => assert_eq!(word, "Current", "round {round}"),
            Outcome::Failed { .. } => assert_eq!(word, "InProgress", "round {round}"),
            Outcome::Refused(_) => assert_eq!(word, "Failed", "round {round}"),
            Outcome::Suspended | Outcome::Forgotten => (),
        }
        (observed.status, observed.failures) = (conclusion.status, conclusion.failures);
    }
}

#[test]
fn refusal_of_an_account_without_credentials_stalls() {
    let outcome = Outcome::Refused(Refusal::CloudIdentity("aws"));
    let conclusion = conclude(&ready(&json!({})), &outcome);
    assert_eq!(conclusion.notices[0].reason, "AuthenticationFailed");
    assert_eq!(conclusion.next, Next::Never);
}
