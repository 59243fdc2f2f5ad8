//! Admission as a table: reviews in, replies out.

use oci_crds::validate::Code;
use oci_webhook::admit::{Error, Rules, Verdict, admit};
use serde_json::{Value, json};

use crate::reviews::{admission, bytes, create, object, wrong};

fn reply(review: &Value) -> Value {
    let reply = admit(&bytes(review), &Rules::default()).unwrap();
    let reply: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(reply["apiVersion"], "admission.k8s.io/v1");
    assert_eq!(reply["kind"], "AdmissionReview");
    assert_eq!(reply["response"]["uid"], review["request"]["uid"]);
    reply["response"].clone()
}

fn allows(review: &Value) {
    let response = reply(review);
    assert_eq!(response["allowed"], true, "{response}");
    assert_eq!(response.get("status"), None);
}

fn refuses(review: &Value, fields: &[&str]) -> Value {
    let response = reply(review);
    assert_eq!(response["allowed"], false, "{response}");
    let status = &response["status"];
    assert_eq!((&status["status"], &status["reason"]), (&json!("Failure"), &json!("Invalid")));
    assert_eq!(status["code"], 422);
    let causes = status["details"]["causes"].as_array().unwrap();
    let found: Vec<&str> = causes.iter().map(|cause| cause["field"].as_str().unwrap()).collect();
    assert_eq!(found, fields, "{response}");
    status.clone()
}

#[test]
fn admit_allows_a_good_object() {
    let reply = admit(&bytes(&create(&object())), &Rules::default()).unwrap();
    assert_eq!(reply.verdict, Verdict::Allowed);
    allows(&create(&object()));
}

#[test]
fn admit_refuses_with_one_cause_per_fault() {
    let status = refuses(&create(&wrong()), &["spec.url", "spec.ref", "spec.interval"]);
    let details = &status["details"];
    assert_eq!(details["name"], "app");
    assert_eq!(details["group"], "source.toolkit.fluxcd.io");
    assert_eq!(details["kind"], "OCIRepository");
    assert_eq!(details["causes"][0]["reason"], "FieldValueInvalid");
    let message = status["message"].as_str().unwrap();
    assert!(
        message.starts_with("OCIRepository.source.toolkit.fluxcd.io \"app\" is invalid: [spec.url: `oci")
    );
    for cause in details["causes"].as_array().unwrap() {
        assert!(message.contains(cause["message"].as_str().unwrap()));
    }
}

#[test]
fn admit_tells_the_log_who_was_refused_what() {
    let reply = admit(&bytes(&create(&wrong())), &Rules::default()).unwrap();
    let Verdict::Refused(refused) = reply.verdict else { panic!("{:?}", reply.verdict) };
    assert_eq!((refused.operation, refused.user.as_str()), ("CREATE", "jane"));
    assert_eq!((refused.namespace.as_str(), refused.name.as_str()), ("default", "app"));
    assert_eq!(refused.codes, [Code::UrlTag, Code::RefAmbiguous, Code::IntervalZero]);
}

#[test]
fn admit_names_what_is_required() {
    let mut object = object();
    object["spec"] = json!({});
    let status = refuses(&create(&object), &["spec.url", "spec.interval"]);
    assert_eq!(status["details"]["causes"][0]["reason"], "FieldValueRequired");
    object.as_object_mut().unwrap().remove("spec");
    refuses(&create(&object), &["spec.url", "spec.interval"]);
    object["spec"] = Value::Null;
    refuses(&create(&object), &["spec.url", "spec.interval"]);
}

#[test]
fn admit_warns_where_the_administrator_says_so() {
    let rules = Rules { warn_only: vec![Code::UrlTag, Code::RefAmbiguous, Code::IntervalZero] };
    let reply = admit(&bytes(&create(&wrong())), &rules).unwrap();
    assert_eq!(reply.verdict, Verdict::Allowed);
    let reply: Value = serde_json::from_slice(&reply.body).unwrap();
    let warnings = reply["response"]["warnings"].as_array().unwrap();
    assert!(warnings.len() >= 3, "{warnings:?}");
    assert!(warnings.iter().all(|warning| warning.as_str().unwrap().chars().count() <= 256));
}

#[test]
fn admit_warns_beside_allowing() {
    let mut object = object();
    object["spec"]["insecure"] = json!(true);
    let response = reply(&create(&object));
    assert_eq!(response["allowed"], true);
    assert!(response["warnings"][0].as_str().unwrap().starts_with("spec.insecure: "));
}

#[test]
fn admit_does_the_same_in_a_dry_run() {
    let mut review = create(&wrong());
    let wet = refuses(&review, &["spec.url", "spec.ref", "spec.interval"]);
    review["request"]["dryRun"] = json!(true);
    assert_eq!(refuses(&review, &["spec.url", "spec.ref", "spec.interval"]), wet);
}

#[test]
fn admit_judges_every_version_alike() {
    let mut review = create(&wrong());
    review["request"]["kind"]["version"] = json!("v1beta2");
    review["request"]["object"]["apiVersion"] = json!("source.toolkit.fluxcd.io/v1beta2");
    refuses(&review, &["spec.url", "spec.ref", "spec.interval"]);
}

#[test]
fn admit_passes_deletions_statuses_and_what_is_being_deleted() {
    allows(&admission("DELETE", &Value::Null, &wrong()));
    allows(&admission("DELETE", &Value::Null, &Value::Null));
    allows(&admission("CONNECT", &wrong(), &Value::Null));
    let mut status = admission("UPDATE", &wrong(), &object());
    status["request"]["subResource"] = json!("status");
    allows(&status);
    let mut deleted = wrong();
    deleted["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    allows(&admission("UPDATE", &deleted, &object()));
    deleted["metadata"]["deletionTimestamp"] = Value::Null;
    refuses(&admission("UPDATE", &deleted, &object()), &["spec.url", "spec.ref", "spec.interval"]);
}

#[test]
fn admit_refuses_new_faults_of_an_update_only() {
    let mut relabelled = wrong();
    relabelled["metadata"]["labels"] = json!({ "a": "b" });
    allows(&admission("UPDATE", &relabelled, &wrong()));
    let mut suspended = wrong();
    suspended["spec"]["suspend"] = json!(true);
    let response = reply(&admission("UPDATE", &suspended, &wrong()));
    assert_eq!(response["allowed"], true);
    assert!(response["warnings"].as_array().unwrap().len() >= 3, "old faults are still told");
    suspended["spec"]["timeout"] = json!("0s");
    refuses(&admission("UPDATE", &suspended, &wrong()), &["spec.timeout"]);
    // Without the old object everything is new.
    refuses(&admission("UPDATE", &wrong(), &Value::Null), &["spec.url", "spec.ref", "spec.interval"]);
}

#[test]
fn admit_does_not_ratchet_on_create() {
    refuses(&admission("CREATE", &wrong(), &wrong()), &["spec.url", "spec.ref", "spec.interval"]);
}

#[test]
fn admit_passes_other_kinds_with_a_warning() {
    for (group, kind) in [("source.toolkit.fluxcd.io", "GitRepository"), ("", "Pod"), ("x", "OCIRepository")]
    {
        let mut review = create(&wrong());
        review["request"]["kind"] = json!({ "group": group, "version": "v1", "kind": kind });
        let response = reply(&review);
        assert_eq!(response["allowed"], true);
        let warning = response["warnings"][0].as_str().unwrap();
        assert!(warning.contains("nothing of this") && warning.contains(kind), "{warning}");
    }
}

#[test]
fn admit_names_the_field_of_another_type() {
    let mut object = object();
    object["spec"]["ref"] = json!({ "tag": 5 });
    object["spec"]["insecure"] = json!("yes");
    let status = refuses(&create(&object), &["spec.insecure", "spec.ref.tag"]);
    assert_eq!(status["details"]["causes"][0]["reason"], "FieldValueTypeInvalid");
    for spec in [json!("text"), json!([]), json!(["oci://ghcr.io/org/app"]), json!(5)] {
        object["spec"] = spec;
        refuses(&create(&object), &["spec"]);
    }
}

#[test]
fn admit_ratchets_fields_of_another_type() {
    let mut old = object();
    old["spec"]["timeout"] = json!(60);
    let mut new = old.clone();
    new["spec"]["suspend"] = json!(true);
    let response = reply(&admission("UPDATE", &new, &old));
    assert_eq!(response["allowed"], true, "{response}");
    assert!(response["warnings"][0].as_str().unwrap().starts_with("spec.timeout: "));
    new["spec"]["insecure"] = json!(1);
    refuses(&admission("UPDATE", &new, &old), &["spec.insecure"]);
    // Repaired at last.
    allows(&admission("UPDATE", &object(), &old));
}

#[test]
fn admit_refuses_what_is_no_object() {
    for value in [json!(null), json!(5), json!([]), json!([{}]), json!("x"), json!({ "metadata": 5 })] {
        let response = reply(&create(&value));
        assert_eq!(response["allowed"], false, "{value}");
        assert_eq!(response["status"]["code"], 422);
    }
}

#[test]
fn admit_uses_the_generated_name() {
    let mut review = create(&wrong());
    review["request"].as_object_mut().unwrap().remove("name");
    review["request"]["object"]["metadata"] = json!({ "generateName": "app-" });
    let status = refuses(&review, &["spec.url", "spec.ref", "spec.interval"]);
    assert_eq!(status["details"]["name"], "app-");
}

#[test]
fn admit_lists_a_hundred_causes_and_counts_the_rest() {
    let mut object = object();
    let identities = vec![json!({ "issuer": "", "subject": "^x$" }); 250];
    object["spec"]["verify"] = json!({ "provider": "cosign", "matchOIDCIdentity": identities });
    let response = reply(&create(&object));
    let causes = response["status"]["details"]["causes"].as_array().unwrap();
    assert_eq!(causes.len(), 101);
    assert_eq!(causes[100]["message"], "150 more faults are not listed");
}

#[test]
fn admit_refuses_a_request_that_cannot_be_read_if_it_has_a_uid() {
    for (field, value) in [("operation", json!("PATCH")), ("kind", json!(5)), ("name", json!({}))] {
        let mut review = create(&object());
        review["request"][field] = value;
        let response = reply(&review);
        assert_eq!(response["allowed"], false);
        assert_eq!(response["status"]["code"], 400);
        assert!(response["status"]["message"].as_str().unwrap().starts_with("the request cannot be read: "));
    }
}

fn error(review: &Value) -> Error {
    admit(&bytes(review), &Rules::default()).unwrap_err()
}

#[test]
fn admit_answers_no_other_reviews() {
    let mut review = create(&object());
    review["apiVersion"] = json!("admission.k8s.io/v1beta1");
    assert!(matches!(error(&review), Error::Other { .. }));
    review["apiVersion"] = json!("admission.k8s.io/v1");
    review["kind"] = json!("ConversionReview");
    let text = error(&review).to_string();
    assert!(
        text.starts_with("the body is a ConversionReview of `admission.k8s.io/v1`, but this path"),
        "{text}"
    );
    assert!(matches!(error(&json!({})), Error::Other { .. }));
    assert!(matches!(error(&json!([])), Error::Malformed { .. }));
    review["kind"] = json!("AdmissionReview");
    review["request"]["uid"] = json!("");
    assert!(matches!(error(&review), Error::NoUid(_)));
    review["request"]["uid"] = json!(7);
    assert!(matches!(error(&review), Error::Malformed { .. }));
    review["request"] = Value::Null;
    assert!(matches!(error(&review), Error::NoRequest(_)));
    review.as_object_mut().unwrap().remove("request");
    assert!(matches!(error(&review), Error::NoRequest(_)));
}

#[test]
fn admit_echoes_a_strange_uid() {
    let mut review = create(&object());
    review["request"]["uid"] = json!("\"\\\u{0}\u{7f}ü\u{2028}");
    allows(&review);
}
