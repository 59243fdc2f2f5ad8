//! What is said, word by word.

use std::collections::BTreeMap;

use oci_artifact::Class;
use oci_crds::conditions::Reason;
use oci_decide::{Failure, Kind, Notice, Observed, Outcome, Refusal, Step, conclude};
use serde_json::{Value, json};

use crate::{
    runs::{damaged, failed, refused, stored, with},
    world::{FILE, ONE, OTHER_FILE, TWO, failing, moved, observed, ready, resolved, signed, v1, verified},
};

fn failure(step: Step, message: &str, hint: Option<&str>) -> Outcome {
    let class = Class::Retry { after: None };
    let failure = Failure { step, class, message: message.to_owned(), hint: hint.map(str::to_owned) };
    Outcome::Failed { failure, resolved: None }
}

/// The message of a condition after a run.
fn message(observed: &Observed, outcome: &Outcome, kind: &str) -> String {
    let status = conclude(observed, outcome).status;
    let mut conditions = status.conditions.into_iter().flatten();
    conditions.find(|told| told.type_ == kind).map(|told| told.message).unwrap_or_default()
}

fn failing_text(spec: &Value, step: Step) -> String {
    message(&ready(&json!({ "spec": spec })), &failure(step, "no", None), "Ready")
}

#[test]
fn failures_begin_as_flux_does() {
    let url = "'oci://ghcr.io/org/app'";
    let copy = json!({ "layerSelector": { "operation": "copy" } });
    let account = json!({ "serviceAccountName": "puller" });
    let (none, unnamed) = (json!({}), json!({ "serviceAccountName": "" }));
    for (spec, step, expected) in [
        (&account, Step::ServiceAccount, "failed to get service account 'apps/puller': no".to_owned()),
        (&none, Step::ServiceAccount, "failed to get service account: no".to_owned()),
        (&unnamed, Step::ServiceAccount, "failed to get service account: no".to_owned()),
        (&none, Step::Credentials, "failed to get credential: no".to_owned()),
        (&none, Step::Proxy, "failed to get proxy address: no".to_owned()),
        (&none, Step::Certificates, format!("failed to generate transport for {url}: no")),
        (&none, Step::Tag, format!("failed to determine the artifact tag for {url}: no")),
        (&none, Step::Digest, "failed to determine artifact digest: no".to_owned()),
        (&none, Step::Manifest, format!("failed to pull artifact from {url}: no")),
        (&none, Step::Layer, "no".to_owned()),
        (&none, Step::Download, "failed to extract layer contents from artifact: no".to_owned()),
        (&none, Step::Archive, "failed to extract layer contents from artifact: no".to_owned()),
        (&copy, Step::Download, "failed to copy layer from artifact: no".to_owned()),
        (&copy, Step::Archive, "failed to copy layer from artifact: no".to_owned()),
        (&none, Step::WorkFile, "failed to create temporary working directory: no".to_owned()),
        (&none, Step::Store, "unable to archive artifact to storage: no".to_owned()),
        (&copy, Step::Store, "unable to copy artifact to storage: no".to_owned()),
    ] {
        assert_eq!(failing_text(spec, step), expected, "{step:?}");
    }
}

#[test]
fn failures_end_with_what_to_do() {
    let outcome = failure(Step::Digest, "it said no", Some("name a Secret"));
    let expected = "failed to determine artifact digest: it said no; name a Secret";
    for kind in ["Ready", "FetchFailed"] {
        assert_eq!(message(&ready(&json!({})), &outcome, kind), expected);
    }
    assert_eq!(conclude(&ready(&json!({})), &outcome).notices[0].message, expected);
}

#[test]
fn failures_are_bounded_and_on_one_line() {
    let hostile = format!("a\nb\u{202e}c{}", "\u{1f642}".repeat(5_000));
    let text = message(&ready(&json!({})), &failure(Step::Digest, &hostile, Some("x")), "Ready");
    assert!(text.starts_with("failed to determine artifact digest: a\\nb\\u{202e}c\u{1f642}"), "{text:.80}");
    assert!(text.len() <= 4_096 && text.len() > 4_080 && text.ends_with('…'), "{}", text.len());
}

#[test]
fn failures_tell_what_the_run_was_about() {
    let row = |observed: &Observed, wanted: Option<&str>| {
        let Outcome::Failed { failure, .. } = failure(Step::Digest, "no", None) else { unreachable!() };
        let outcome = Outcome::Failed { failure, resolved: wanted.map(resolved) };
        message(observed, &outcome, "Reconciling")
    };
    let next = ready(&json!({ "metadata": { "generation": 3 } }));
    let (one, two) = (format!("v1@{ONE}"), format!("v1@{TWO}"));
    let new =
        |revision: &str| format!("building artifact: new revision '{revision}' for 'oci://ghcr.io/org/app'");
    assert_eq!(row(&ready(&json!({})), None), "reconciliation in progress");
    assert_eq!(row(&ready(&json!({})), Some(&one)), "building artifact");
    assert_eq!(row(&ready(&json!({})), Some(&two)), new(&two));
    assert_eq!(row(&next, None), "reconciling new object generation (3)");
    assert_eq!(row(&next, Some(&one)), "building artifact");
    let gone = with(oci_decide::Stored::Missing, ready(&json!({})));
    assert_eq!(row(&gone, None), "building artifact");
    assert_eq!(row(&gone, Some(&one)), new(&one));
    let outdated = Outcome::Failed {
        failure: Failure { step: Step::Layer, class: Class::Terminal, message: "no".to_owned(), hint: None },
        resolved: Some(moved()),
    };
    assert_eq!(
        message(&ready(&json!({})), &outdated, "ArtifactOutdated"),
        format!("new revision '{two}' for 'oci://ghcr.io/org/app'")
    );
}

#[test]
fn success_names_the_revision() {
    for kind in ["Ready", "ArtifactInStorage"] {
        let found = message(&ready(&json!({})), &stored(moved(), OTHER_FILE), kind);
        assert_eq!(found, format!("stored artifact for digest 'v1@{TWO}'"));
    }
}

#[test]
fn refusals_list_every_fault_and_what_to_do() {
    let (observed, outcome) = refused(&json!({ "url": "oci://ghcr.io/org/app:v1", "interval": "x" }));
    for kind in ["Ready", "Stalled", "FetchFailed"] {
        assert_eq!(
            message(&observed, &outcome, kind),
            "spec.url: `oci://ghcr.io/org/app:v1` has the tag `v1` (write `url: oci://ghcr.io/org/app` and `ref: \
             {tag: \"v1\"}`); spec.interval: `x` is no duration: a number is missing (write it like `5m`)"
        );
    }
}

#[test]
fn signatures_are_told_in_the_words_of_flux() {
    let secret = json!({ "name": "keys" });
    let stays = format!("it broke; what is stored stays served: 'v1@{ONE}'");
    for (verify, who) in [
        (json!({}), "cosign keyless"),
        (json!({ "provider": "cosign" }), "cosign keyless"),
        (json!({ "provider": "cosign", "secretRef": secret }), "cosign"),
        (json!({ "provider": "notation", "secretRef": secret }), "notation"),
    ] {
        let begin = format!("failed to verify the signature using provider '{who}': ");
        let with = |observed: &dyn Fn(&serde_json::Value) -> oci_decide::Observed| {
            let observed = observed(&json!({ "spec": { "verify": verify } }));
            message(&observed, &failed(Step::Signature, Some(moved())), "SourceVerified")
        };
        assert_eq!(with(&|over| ready(over)), format!("{begin}{stays}"));
        assert_eq!(with(&|over| observed(over)), format!("{begin}it broke"));
    }
    let verified = message(&ready(&signed("True")), &Outcome::Kept(verified(v1())), "SourceVerified");
    assert_eq!(verified, format!("verified signature of revision v1@{ONE}"));
}

#[test]
fn refusals_are_bounded() {
    let (observed, outcome) = refused(&json!({ "interval": "x" }));
    let Outcome::Refused(Refusal::Faults(faults)) = outcome else { unreachable!() };
    let many = Outcome::Refused(Refusal::Faults(faults.iter().cycle().take(500).cloned().collect()));
    let text = message(&observed, &many, "Stalled");
    assert!(text.len() <= 4_096 && text.ends_with('…'));
}

/// Stores `v1@TWO`, whose manifest has these annotations, over `v1@ONE`.
fn stored_with(annotations: &Value, over: &Value) -> Notice {
    let Outcome::Stored { resolved, mut artifact } = stored(moved(), OTHER_FILE) else { unreachable!() };
    artifact.metadata = serde_json::from_value(annotations.clone()).unwrap();
    let mut notices = conclude(&ready(over), &Outcome::Stored { resolved, artifact }).notices;
    assert_eq!(notices.len(), 1);
    notices.remove(0)
}

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

const REVISION: &str = "source.toolkit.fluxcd.io/revision";
const DIGEST: &str = "source.toolkit.fluxcd.io/digest";
const ORIGIN: &str = "source.toolkit.fluxcd.io/originRevision";

#[test]
fn news_of_an_artifact_tell_where_it_is_from() {
    let (source, revision) = ("org.opencontainers.image.source", "org.opencontainers.image.revision");
    let begin = format!("stored artifact with revision 'v1@{TWO}' from 'oci://ghcr.io/org/app'");
    let both = format!("{begin}, origin source 'git', origin revision 'main@1'");
    let wanted = format!("v1@{TWO}");
    for (annotations, message, origin) in [
        (Value::Null, &begin, None),
        (json!({}), &begin, None),
        (json!({ source: "git", revision: "main@1" }), &both, Some("main@1")),
        (json!({ source: "git" }), &begin, None),
        (json!({ revision: "main@1" }), &begin, Some("main@1")),
        (json!({ source: "git", revision: "" }), &begin, None),
        (json!({ source: "", revision: "main@1" }), &begin, Some("main@1")),
    ] {
        let notice = stored_with(&annotations, &json!({}));
        let mut metadata = map(&[(REVISION, &wanted), (DIGEST, OTHER_FILE)]);
        metadata.extend(origin.map(|origin| (ORIGIN.to_owned(), origin.to_owned())));
        assert_eq!(
            (notice.kind, notice.reason, notice.action),
            (Kind::Normal, Reason::NewArtifact, "Reconcile")
        );
        assert_eq!((notice.message, notice.metadata), (message.clone(), metadata), "{annotations}");
    }
    let hostile = json!({ source: "a\nb", revision: "x".repeat(100_000) });
    let notice = stored_with(&hostile, &json!({}));
    assert!(notice.message.len() <= 4_096 && notice.message.contains("'a\\nb'"));
    assert!(notice.metadata[ORIGIN].len() <= 4_096);
}

#[test]
fn news_have_the_annotations_of_the_object() {
    let annotations = json!({ "event.toolkit.fluxcd.io/team": "blue", "other": "no" });
    let over = json!({ "metadata": { "annotations": annotations } });
    let wanted = format!("v1@{TWO}");
    let team = ("event.toolkit.fluxcd.io/team", "blue");
    let notice = stored_with(&json!({}), &over);
    assert_eq!(notice.metadata, map(&[(REVISION, &wanted), (DIGEST, OTHER_FILE), team]));
    let failed = conclude(&ready(&over), &failure(Step::Tag, "no", None));
    assert_eq!(failed.notices[0].metadata, map(&[team]));

    let mut observed = ready(&json!({}));
    observed.event_annotations = map(&[(REVISION, "mine")]);
    let notices = conclude(&observed, &stored(moved(), OTHER_FILE)).notices;
    assert_eq!(notices[0].metadata[REVISION], "mine", "the object wins");
}

#[test]
fn news_of_recovery_and_damage_say_what_it_is_about() {
    let recovered = conclude(&failing("FetchFailed", "True"), &Outcome::Kept(v1())).notices.remove(0);
    let wanted = format!("v1@{ONE}");
    let expected = Notice {
        kind: Kind::Normal,
        reason: Reason::Succeeded,
        action: "Reconcile",
        message: format!("stored artifact for digest '{wanted}'"),
        metadata: map(&[(REVISION, &wanted), (DIGEST, FILE)]),
    };
    assert_eq!(recovered, expected);

    let lost = conclude(&with(damaged(), ready(&json!({}))), &stored(v1(), FILE)).notices.remove(0);
    assert_eq!((lost.kind, lost.reason), (Kind::Warning, Reason::ArtifactVerificationFailed));
    assert_eq!(lost.message, "failed to verify artifact: its digest is another one");
    let none = conclude(&observed(&json!({})), &stored(v1(), FILE)).notices;
    assert_eq!(none.len(), 1);
}
