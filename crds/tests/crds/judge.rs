//! What of all findings stops a write, and what the controller is left to work with.

use oci_crds::{
    lint::object,
    v1::Spec,
    validate::{Checked, Code, Judgement, Kind, Selection, Warning, check, judge},
};
use oci_testkit::cases::good_spec;
use serde_json::{Value, json};

/// A spec that nobody objects to, with some fields of another.
fn spec(fields: &Value) -> Spec {
    let mut spec = good_spec();
    for (name, value) in fields.as_object().unwrap() {
        spec[name.as_str()] = value.clone();
    }
    serde_json::from_value(spec).unwrap()
}

fn refused(judgement: &Judgement) -> Vec<(&str, Code)> {
    judgement.refused.iter().map(|fault| (fault.path.as_str(), fault.code)).collect()
}

fn warned(judgement: &Judgement) -> Vec<Code> {
    judgement.warnings.iter().map(|warning: &Warning| warning.code).collect()
}

fn checked(fields: &Value) -> Checked {
    check(&spec(fields)).checked.unwrap()
}

#[test]
fn judge_repeats_what_was_stored_as_a_warning() {
    let old = spec(&json!({ "url": "oci://ghcr.io/org/app:v1", "timeout": "0s" }));
    let new = spec(&json!({ "url": "oci://ghcr.io/org/app:v1", "timeout": "0s", "interval": "10m" }));
    let judgement = judge(&new, Some(&old), &[]);
    assert_eq!(refused(&judgement), []);
    assert_eq!(warned(&judgement), [Code::UrlTag, Code::TimeoutZero]);
}

#[test]
fn judge_refuses_another_value_with_the_same_fault() {
    let old = spec(&json!({ "url": "oci://ghcr.io/org/app:v1" }));
    let new = spec(&json!({ "url": "oci://ghcr.io/org/app:v2" }));
    assert_eq!(refused(&judge(&new, Some(&old), &[])), [("spec.url", Code::UrlTag)]);
}

#[test]
fn judge_refuses_the_same_value_in_another_field() {
    let old = spec(&json!({ "secretRef": { "name": "A" } }));
    let new = spec(&json!({ "secretRef": { "name": "A" }, "certSecretRef": { "name": "A" } }));
    assert_eq!(refused(&judge(&new, Some(&old), &[])), [("spec.certSecretRef.name", Code::NameInvalid)]);
}

#[test]
fn judge_says_nothing_about_a_spec_that_stays() {
    let old = spec(&json!({ "insecure": true, "timeout": "0s" }));
    assert_eq!(judge(&old, Some(&old.clone()), &[]), Judgement::default());
}

#[test]
fn judge_warns_where_the_administrator_wants_it() {
    let new = spec(&json!({ "verify": { "provider": "cosign" }, "timeout": "0s" }));
    let judgement = judge(&new, None, &[Code::VerifyAnyone]);
    assert_eq!(refused(&judgement), [("spec.timeout", Code::TimeoutZero)]);
    assert_eq!(warned(&judgement), [Code::VerifyAnyone]);
}

#[test]
fn object_demotes_no_fault_of_the_schema() {
    let object_ = json!({ "spec": { "url": "oci://a.example/b", "interval": "5m", "branch": "x" } });
    let judgement = object(&object_, &[Code::FieldUnknown]);
    assert_eq!(refused(&judgement), [("spec.branch", Code::FieldUnknown)]);
    let object_ = json!({ "spec": { "url": "oci://a.example/b", "interval": "5m", "provider": "github" } });
    let judgement = object(&object_, &[Code::ProviderUnknown]);
    assert_eq!(refused(&judgement), [("spec.provider", Code::EnumUnknown)]);
}

#[test]
fn object_takes_null_for_absent() {
    let mut spec = good_spec();
    spec["timeout"] = Value::Null;
    spec["verify"] = Value::Null;
    assert_eq!(object(&json!({ "spec": spec }), &[]), Judgement::default());
    for empty in [json!({}), json!({ "spec": null }), json!({ "spec": {} })] {
        let judgement = object(&empty, &[]);
        assert_eq!(
            refused(&judgement),
            [("spec.url", Code::UrlMissing), ("spec.interval", Code::IntervalMissing)]
        );
    }
}

#[test]
fn check_lets_a_stored_object_run_as_flux_does() {
    let reference = |fields: Value| checked(&json!({ "ref": fields })).selection;
    let digest = format!("sha256:{}", "cd".repeat(32));
    // What is not used may be wrong.
    let all = json!({ "digest": digest, "semver": "no range", "semverFilter": "(", "tag": "no tag" });
    assert!(matches!(reference(all), Selection::Digest(found) if found.to_string() == digest));
    let two = json!({ "semver": "1.x", "tag": "no tag" });
    assert!(matches!(reference(two), Selection::Range { filter: None, .. }));
    assert!(matches!(
        reference(json!({ "semver": "1.x", "semverFilter": "rc" })),
        Selection::Range { filter: Some(_), .. }
    ));
    assert!(
        matches!(reference(json!({ "semverFilter": "(" })), Selection::Tag(tag) if tag.as_str() == "latest")
    );
    assert!(checked(&json!({ "interval": "0s" })).interval.is_zero());
    assert_eq!(checked(&json!({ "timeout": "0s" })).timeout.as_secs(), 60);
    // What is used must not be.
    for broken in [
        json!({ "tag": "no tag" }),
        json!({ "semver": "no range", "tag": "v1" }),
        json!({ "semver": "*", "semverFilter": "(" }),
    ] {
        let report = check(&spec(&json!({ "ref": broken })));
        assert!(report.checked.is_none(), "{broken}");
        assert!(report.faults.iter().any(|fault| fault.kind == Kind::Unusable), "{broken}");
    }
}

#[test]
fn check_fills_in_what_flux_does() {
    let checked = checked(&json!({}));
    assert_eq!(checked.timeout.as_secs(), 60);
    assert_eq!(checked.interval.as_secs(), 300);
    assert_eq!(checked.repository.to_string(), "ghcr.io/org/app");
    assert!(checked.verify.is_none() && !checked.insecure && !checked.suspend && checked.ignore.is_none());
}

#[test]
fn names_end_at_their_limits() {
    let faults = |name: String| check(&spec(&json!({ "secretRef": { "name": name } }))).faults.len();
    assert_eq!(faults("a".repeat(253)), 0);
    assert_eq!(faults("a".repeat(254)), 1);
    assert_eq!(faults(format!("{}.b", "a".repeat(100))), 0);
    for broken in ["", "A", "a_b", "-a", "a-", "a..b", ".a", "a.", "\u{e4}", "a b"] {
        assert_eq!(faults(broken.to_owned()), 1, "{broken:?}");
    }
}

#[test]
fn warnings_have_room_for_256_characters() {
    let issuer = format!("{}\u{e4}", "x".repeat(4_000));
    let verify =
        json!({ "provider": "cosign", "matchOIDCIdentity": [{ "issuer": issuer, "subject": "^s$" }] });
    let judgement = judge(&spec(&json!({ "verify": verify, "url": "oci://ghcr.io/org/app" })), None, &[]);
    assert_eq!(warned(&judgement), [Code::UnanchoredIdentity]);
    let old = spec(&json!({ "url": format!("oci://ghcr.io/{}", "a".repeat(4_000)), "timeout": "1s" }));
    let new = spec(&json!({ "url": format!("oci://ghcr.io/{}", "a".repeat(4_000)) }));
    let judgement = judge(&new, Some(&old), &[]);
    for warning in judgement.warnings {
        assert!(warning.to_string().chars().count() <= 256, "{warning}");
    }
}
