//! What is done next.

use oci_crds::validate::Code;
use oci_decide::{Choice, Observed, Plan, Refusal, Resolved, Stored, decide};
use serde_json::{Value, json};

use crate::world::{ONE, TWO, ignored, moved, observed, ready, resolved, signed, trusted, v1, verified};

/// A plan in a word or two.
fn told(plan: &Plan) -> String {
    match plan {
        Plan::Nothing => "nothing".to_owned(),
        Plan::Forget => "forget".to_owned(),
        Plan::Refuse(Refusal::Faults(faults)) => {
            let codes: Vec<&str> = faults.iter().map(|fault| fault.code.as_str()).collect();
            format!("refuse {}", codes.join(" "))
        }
        Plan::Resolve => "resolve".to_owned(),
        Plan::Trust(Resolved { revision, .. }) => format!("trust {revision}"),
        Plan::Verify(Resolved { revision, .. }) => format!("verify {revision}"),
        Plan::Keep(Resolved { revision, .. }) => format!("keep {revision}"),
        Plan::Fetch(Resolved { revision, .. }) => format!("fetch {revision}"),
    }
}

fn check(rows: Vec<(&str, Observed, Option<Resolved>, String)>) {
    for (name, observed, resolved, plan) in rows {
        assert_eq!(told(&decide(&observed, resolved.as_ref())), plan, "{name}");
    }
}

fn with(stored: Stored) -> Observed {
    Observed { stored, ..ready(&json!({})) }
}

#[test]
fn decide_forgets_and_leaves_alone_before_it_judges() {
    let deletion = json!({ "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" } });
    let row = |name, over: &Value, plan: &str| (name, ready(over), Some(v1()), plan.to_owned());
    check(vec![
        row("deleted", &deletion, "forget"),
        row(
            "deleted and suspended",
            &json!({ "metadata": deletion["metadata"], "spec": { "suspend": true } }),
            "forget",
        ),
        row(
            "deleted and unusable",
            &json!({ "metadata": deletion["metadata"], "spec": { "url": "oci://" } }),
            "forget",
        ),
        row("suspended", &json!({ "spec": { "suspend": true } }), "nothing"),
        row("suspended and unusable", &json!({ "spec": { "suspend": true, "url": "x" } }), "nothing"),
        row("not suspended", &json!({ "spec": { "suspend": false } }), &format!("keep v1@{ONE}")),
    ]);
}

#[test]
fn decide_refuses_what_cannot_be_run() {
    let row =
        |name, spec: &Value, plan: &str| (name, ready(&json!({ "spec": spec })), Some(v1()), plan.to_owned());
    let (keep, trust) = (format!("keep v1@{ONE}"), format!("trust v1@{ONE}"));
    let aws = "oci://012345678901.dkr.ecr.us-east-1.amazonaws.com/app";
    check(vec![
        row("a tag in the URL", &json!({ "url": "oci://ghcr.io/org/app:v1" }), "refuse UrlTag"),
        row("no interval", &json!({ "interval": null }), "refuse IntervalMissing"),
        row(
            "all unusable faults and no others",
            &json!({ "url": "oci://ghcr.io/org/app:v1", "interval": "x", "timeout": "0s" }),
            "refuse UrlTag IntervalInvalid",
        ),
        row("a fault that Flux can run", &json!({ "interval": "100ms" }), &keep),
        row("signatures", &json!({ "verify": { "provider": "cosign" } }), &trust),
        row("signatures of anybody", &json!({ "verify": {} }), &trust),
        row("faults before signatures", &json!({ "verify": {}, "interval": "x" }), "refuse IntervalInvalid"),
        row("the look-alike of a cloud", &json!({ "provider": "aws" }), "refuse ProviderHost"),
        row("a cloud", &json!({ "provider": "aws", "url": aws }), &keep),
        row("no cloud", &json!({ "provider": "generic" }), &keep),
    ]);
}

#[test]
fn decide_lists_the_faults_as_they_are() {
    let Plan::Refuse(Refusal::Faults(faults)) = decide(&observed(&json!({ "spec": { "url": "" } })), None)
    else {
        panic!("not refused");
    };
    assert_eq!(faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), [Code::UrlMissing]);
}

#[test]
fn decide_asks_the_registry_unless_the_digest_is_given() {
    let pinned = json!({ "digest": TWO });
    let row = |name, reference: Value, resolved: Option<Resolved>, plan: &str| {
        let spec = json!({ "spec": { "ref": null } });
        let mut observed = ready(&spec);
        observed.spec.reference = serde_json::from_value(reference).unwrap();
        observed.report = oci_crds::validate::check(&observed.spec);
        (name, observed, resolved, plan.to_owned())
    };
    let fetch = format!("fetch {TWO}");
    check(vec![
        row("a tag", json!({ "tag": "v1" }), None, "resolve"),
        row("no reference", Value::Null, None, "resolve"),
        row("a range", json!({ "semver": "1.x" }), None, "resolve"),
        row("a digest", pinned.clone(), None, &fetch),
        row("a digest, and something foreign was said", pinned, Some(v1()), &fetch),
        row("a digest beside a tag", json!({ "digest": TWO, "tag": "v1" }), None, &fetch),
        row(
            "a range that was resolved",
            json!({ "semver": "1.x" }),
            Some(moved()),
            &format!("fetch v1@{TWO}"),
        ),
    ]);
}

#[test]
fn decide_keeps_a_pinned_artifact_without_the_registry() {
    let observed = ready(&json!({
        "spec": { "ref": { "digest": ONE, "tag": null } },
        "status": { "artifact": { "revision": ONE } },
    }));
    let Plan::Keep(kept) = decide(&observed, None) else { panic!("not kept") };
    assert_eq!(kept, Resolved { revision: ONE.parse().unwrap(), choice: Choice::Digest, signature: None });
}

#[test]
fn decide_keeps_what_is_whole_and_of_the_same_revision() {
    let (keep, fetch) = (format!("keep v1@{ONE}"), format!("fetch v1@{ONE}"));
    let revision = |text: &str| ready(&json!({ "status": { "artifact": { "revision": text } } }));
    check(vec![
        ("the same", with(Stored::Whole), Some(v1()), keep),
        ("nothing is stored", with(Stored::Nothing), Some(v1()), fetch.clone()),
        ("the file is gone", with(Stored::Missing), Some(v1()), fetch.clone()),
        ("the file is damaged", with(Stored::Damaged("cut off".to_owned())), Some(v1()), fetch.clone()),
        ("no status", Observed { stored: Stored::Whole, ..observed(&json!({})) }, Some(v1()), fetch.clone()),
        ("another digest", ready(&json!({})), Some(moved()), format!("fetch v1@{TWO}")),
        (
            "another tag of the same digest",
            ready(&json!({})),
            Some(resolved(&format!("v2@{ONE}"))),
            format!("fetch v2@{ONE}"),
        ),
        ("a tag where there was none", revision(ONE), Some(v1()), fetch.clone()),
        ("a stored revision that is none", revision("v1/abc"), Some(v1()), fetch),
    ]);
}

#[test]
fn decide_fetches_again_when_the_content_is_made_otherwise() {
    let (keep, fetch) = (format!("keep v1@{ONE}"), format!("fetch v1@{ONE}"));
    let ignore = |spec: Value, seen: Value| {
        let mut observed = ready(&json!({}));
        observed.spec.ignore = serde_json::from_value(spec).unwrap();
        observed.status.observed_ignore = serde_json::from_value(seen).unwrap();
        observed
    };
    let layer = |spec: Value, seen: Value| {
        let mut observed = ready(&json!({}));
        observed.spec.layer_selector = serde_json::from_value(spec).unwrap();
        observed.status.observed_layer_selector = serde_json::from_value(seen).unwrap();
        observed
    };
    let null = Value::Null;
    let row = |name, observed, plan: &str| (name, observed, Some(v1()), plan.to_owned());
    check(vec![
        row("the same rules", ignore(json!("*.md"), json!("*.md")), &keep),
        row("other rules", ignore(json!("*.md"), json!("*.txt")), &fetch),
        row("rules came", ignore(json!("*.md"), null.clone()), &fetch),
        row("rules went", ignore(null.clone(), json!("*.md")), &fetch),
        row("empty rules came", ignore(json!(""), null.clone()), &fetch),
        row("empty rules went", ignore(null.clone(), json!("")), &fetch),
        row("empty rules stay", ignore(json!(""), json!("")), &keep),
        row("the same layer", layer(json!({ "mediaType": "a/b" }), json!({ "mediaType": "a/b" })), &keep),
        row("another layer", layer(json!({ "mediaType": "a/b" }), json!({ "mediaType": "a/c" })), &fetch),
        row("a layer was chosen", layer(json!({ "mediaType": "a/b" }), null.clone()), &fetch),
        row("no layer is chosen now", layer(null.clone(), json!({ "mediaType": "a/b" })), &fetch),
        row("copied now", layer(json!({ "operation": "copy" }), null.clone()), &fetch),
        row("extracted now", layer(null.clone(), json!({ "operation": "copy" })), &fetch),
        row("copied as before", layer(json!({ "operation": "copy" }), json!({ "operation": "copy" })), &keep),
        row("an empty selector came", layer(json!({}), null.clone()), &keep),
        row("an empty selector went", layer(null.clone(), json!({})), &keep),
        row("extract is what was meant", layer(json!({ "operation": "extract" }), null.clone()), &keep),
        row(
            "an empty operation",
            layer(json!({ "operation": "" }), json!({ "operation": "extract" })),
            &keep,
        ),
        row("an empty media type", layer(json!({ "mediaType": "" }), null), &keep),
    ]);
}

#[test]
fn decide_takes_a_changed_platform_with_the_next_revision_only() {
    let platform =
        json!({ "metadata": { "annotations": { "source.kubectl-oci.io/platform": "linux/arm64" } } });
    check(vec![("platform", ready(&platform), Some(v1()), format!("keep v1@{ONE}"))]);
}

#[test]
fn decide_verifies_what_was_not_verified_just_so() {
    let (keep, verify, fetch) =
        (format!("keep v1@{ONE}"), format!("verify v1@{ONE}"), format!("fetch v1@{ONE}"));
    let wanted = || Some(trusted(v1()));
    let row = |name, observed, resolved, plan: &str| (name, observed, resolved, plan.to_owned());
    let changed = |change: &dyn Fn(&mut Observed)| {
        let mut observed = ready(&signed("True"));
        change(&mut observed);
        observed
    };
    let condition = |change: &dyn Fn(&mut k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition)| {
        changed(&|observed| {
            let mut conditions = observed.status.conditions.iter_mut().flatten();
            change(conditions.find(|condition| condition.type_ == "SourceVerified").unwrap());
        })
    };
    check(vec![
        row("what verifies is not known", ready(&signed("True")), Some(v1()), &format!("trust v1@{ONE}")),
        row("verified before", ready(&signed("True")), wanted(), &keep),
        row("verified now", ready(&signed("False")), Some(verified(v1())), &keep),
        row("not asked for now", ready(&signed("False")), Some(ignored(v1())), &keep),
        row("refuted before", ready(&signed("False")), wanted(), &verify),
        row("never verified", ready(&json!({ "spec": signed("True")["spec"] })), wanted(), &verify),
        row("another revision", ready(&signed("True")), Some(trusted(moved())), &format!("verify v1@{TWO}")),
        row(
            "other keys",
            changed(&|observed| {
                observed.status.source_verification_fingerprint = Some("sha256:0".to_owned());
            }),
            wanted(),
            &verify,
        ),
        row(
            "no fingerprint",
            changed(&|it| it.status.source_verification_fingerprint = None),
            wanted(),
            &verify,
        ),
        row("another generation", changed(&|observed| observed.generation = 3), wanted(), &verify),
        row("for an earlier one", condition(&|told| told.observed_generation = Some(1)), wanted(), &verify),
        row(
            "verified, and never stored",
            condition(&|told| told.message = format!("verified signature of revision v1@{TWO}")),
            Some(trusted(moved())),
            &format!("verify v1@{TWO}"),
        ),
        row("another condition says so", condition(&|told| told.type_ = "Ready".into()), wanted(), &verify),
        row("about another revision", condition(&|told| told.message.push('0')), wanted(), &verify),
        row("for another reason", condition(&|told| told.reason = "Custom".into()), wanted(), &keep),
        row(
            "verified, and the file is gone",
            changed(&|observed| observed.stored = Stored::Missing),
            wanted(),
            &fetch,
        ),
        row("nobody asks", ready(&json!({})), Some(v1()), &keep),
    ]);
}
