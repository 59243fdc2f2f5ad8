//! What a status holds after a run.

use oci_crds::{conditions::Reason, v1::Artifact};
use oci_decide::{Judged, Notice, Observed, Outcome, Signature, Step, Stored, conclude};
use serde_json::json;

use crate::{
    runs::{check_invariants, damaged, failed, kstatus, refused, stored},
    world::{
        FILE, OTHER_FILE, TRUST, condition, failing, ignored, moved, observed, ready, signed, told, trusted,
        v1, verified,
    },
};

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
fn conclude_forgets_a_wrong_signature_of_an_earlier_run() {
    let over = json!({
        "spec": { "verify": { "provider": "cosign" } },
        "status": { "conditions": [condition("SourceVerified", "False", "VerificationError", "no")] },
    });
    let status = conclude(&ready(&over), &Outcome::Kept(v1())).status;
    assert_eq!(told(&status), "Ready=True:Succeeded ArtifactInStorage=True:Succeeded");
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
fn conclude_writes_down_what_was_verified_and_by_what() {
    let told_of = |status: &oci_crds::v1::Status| {
        let fingerprint = status.source_verification_fingerprint.clone();
        (told(status), fingerprint)
    };
    let good = "Ready=True:Succeeded ArtifactInStorage=True:Succeeded SourceVerified=True:Succeeded";
    let new = json!({ "spec": signed("True")["spec"] });
    for outcome in [Outcome::Kept(verified(v1())), stored(verified(v1()), FILE)] {
        let status = conclude(&ready(&new), &outcome).status;
        assert_eq!(told_of(&status), (good.to_owned(), Some(TRUST.to_owned())));
    }
    // Verified, and then something else failed.
    let conclusion = conclude(&ready(&new), &failed(Step::Download, Some(verified(v1()))));
    assert!(told(&conclusion.status).contains("SourceVerified=True:Succeeded"));
    assert_eq!(conclusion.status.source_verification_fingerprint.as_deref(), Some(TRUST));
    // Nothing was verified in this run: what was said stays.
    let status = conclude(&ready(&signed("True")), &Outcome::Kept(trusted(v1()))).status;
    assert_eq!(told_of(&status), (good.to_owned(), Some(TRUST.to_owned())));
}

#[test]
fn conclude_takes_back_what_was_verified_once_the_policy_asks_for_nobody() {
    let told_by = |outcome: Outcome| {
        let conclusion = conclude(&ready(&signed("True")), &outcome);
        assert_eq!(told(&conclusion.status), "Ready=True:Succeeded ArtifactInStorage=True:Succeeded");
        assert_eq!(conclusion.status.source_verification_fingerprint, None);
        let one = |told: Notice| format!("{:?} {}", told.kind, told.reason);
        conclusion.notices.into_iter().map(one).collect::<Vec<_>>()
    };
    assert_eq!(told_by(Outcome::Kept(ignored(v1()))), ["Normal VerificationLenient"]);
    assert_eq!(
        told_by(stored(ignored(v1()), OTHER_FILE)),
        ["Normal NewArtifact", "Normal VerificationLenient"]
    );
    // What was never verified is not told again and again.
    let mut before = ready(&json!({ "spec": signed("True")["spec"] }));
    let again = conclude(&before, &Outcome::Kept(ignored(v1())));
    assert_eq!((again.notices.len(), &again.status), (0, &before.status));
    // What a level lets pass is told when it is verified, and once.
    let mut resolved = verified(v1());
    let let_pass = Some("expiry: it expired".to_owned());
    resolved.signature =
        Some(Signature { fingerprint: TRUST.to_owned(), judged: Some(Judged::Verified { let_pass }) });
    let outcome = Outcome::Kept(resolved);
    let first = conclude(&before, &outcome);
    let messages: Vec<_> = first.notices.iter().map(|notice| notice.message.as_str()).collect();
    let [message] = messages[..] else { panic!("{messages:?}") };
    assert!(message.ends_with("; let pass: expiry: it expired"), "{message}");
    before.status = first.status;
    assert_eq!(conclude(&before, &outcome).notices.len(), 0);
}

#[test]
fn conclude_says_that_a_signature_was_not_verified() {
    let outcome = failed(Step::Signature, Some(trusted(moved())));
    let first = conclude(&ready(&signed("True")), &outcome);
    check_invariants("a signature that was not verified", &ready(&signed("True")), &outcome, &first);
    assert_eq!(
        told(&first.status),
        "Ready=False:VerificationError Reconciling=True:ProgressingWithRetry ArtifactInStorage=True:Succeeded \
         ArtifactOutdated=True:NewRevision SourceVerified=False:VerificationError"
    );
    assert_eq!(first.status.source_verification_fingerprint.as_deref(), Some(TRUST), "the old one stays");
    assert_eq!(first.status.artifact, ready(&signed("True")).status.artifact, "and so does the artifact");
    assert_eq!(first.notices.iter().map(|told| told.reason).collect::<Vec<_>>(), [Reason::VerificationError]);
    let again = Observed { status: first.status.clone(), ..ready(&signed("True")) };
    let second = conclude(&again, &outcome);
    assert_eq!((second.notices.len(), &second.status), (0, &first.status), "it is told once");
    // What failed before is not so any more.
    for kind in ["FetchFailed", "StorageOperationFailed"] {
        let before = Observed { status: failing(kind, "True").status, ..ready(&signed("True")) };
        assert!(!told(&conclude(&before, &outcome).status).contains(kind));
    }
}
