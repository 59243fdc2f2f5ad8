//! Objects to decide about.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use oci_crds::v1::{OciRepository, Status};
use oci_decide::{Choice, Judged, Observed, Resolved, Settings, Signature, Stored};
use serde_json::{Value, json};

/// Of a manifest.
pub(crate) const ONE: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
/// Of another manifest.
pub(crate) const TWO: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";
/// Of another stored file.
pub(crate) const OTHER_FILE: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
/// Of a stored file.
pub(crate) const FILE: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// When the status was written.
pub(crate) const BEFORE: &str = "2026-01-01T00:00:00Z";

/// When a run is.
pub(crate) fn now() -> Timestamp {
    BEFORE.parse::<Timestamp>().unwrap() + SignedDuration::from_mins(5)
}

/// `base` with the members of `over` in place of its own (RFC 7386); `null` removes.
pub(crate) fn merged(mut base: Value, over: &Value) -> Value {
    let Some(over) = over.as_object() else {
        return over.clone();
    };
    if !base.is_object() {
        base = json!({});
    }
    let fields = base.as_object_mut().unwrap();
    for (name, value) in over {
        if value.is_null() {
            fields.remove(name);
        } else {
            let old = fields.remove(name).unwrap_or_default();
            fields.insert(name.clone(), merged(old, value));
        }
    }
    base
}

fn new_object() -> Value {
    json!({
        "metadata": { "namespace": "apps", "name": "web", "generation": 2 },
        "spec": { "url": "oci://ghcr.io/org/app", "ref": { "tag": "v1" }, "interval": "10m" },
        "status": { "observedGeneration": -1 },
    })
}

fn look(object: Value) -> Observed {
    let object: OciRepository = serde_json::from_value(object).unwrap();
    let settings = Settings { advertised: "http://store.flux-system.svc".to_owned(), ..Settings::default() };
    let stored = match object.status.as_ref().and_then(|status| status.artifact.as_ref()) {
        Some(_) => Stored::Whole,
        None => Stored::Nothing,
    };
    Observed::new(&object, stored, 0, (now(), 0.5), Arc::new(settings))
}

/// The object `apps/web` in its second generation that was never looked at, with these differences: its spec has a tag
/// and an interval.
pub(crate) fn observed(over: &Value) -> Observed {
    look(merged(new_object(), over))
}

/// A condition that was written before.
pub(crate) fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "observedGeneration": 2, "lastTransitionTime": BEFORE,
    })
}

/// The status after a run that stored `v1@ONE`.
pub(crate) fn good_status() -> Value {
    let message = format!("stored artifact for digest 'v1@{ONE}'");
    json!({
        "observedGeneration": 2,
        "conditions": [
            condition("Ready", "True", "Succeeded", &message),
            condition("ArtifactInStorage", "True", "Succeeded", &message),
        ],
        "artifact": {
            "digest": FILE,
            "lastUpdateTime": BEFORE,
            "path": format!("ocirepository/apps/web/{ONE}.tar.gz"),
            "revision": format!("v1@{ONE}"),
            "size": 1000,
            "url": format!("http://store.flux-system.svc/ocirepository/apps/web/{ONE}.tar.gz"),
        },
        "url": "http://store.flux-system.svc/ocirepository/apps/web/latest.tar.gz",
    })
}

/// [`observed`] after a run that stored `v1@ONE`, with these differences.
pub(crate) fn ready(over: &Value) -> Observed {
    look(merged(merged(new_object(), &json!({ "status": good_status() })), over))
}

/// What the registry said.
pub(crate) fn resolved(revision: &str) -> Resolved {
    Resolved { revision: revision.parse().unwrap(), choice: Choice::Tag, signature: None }
}

/// What tells apart what signatures are verified by.
pub(crate) const TRUST: &str = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";

/// The same once it was verified in this run.
pub(crate) fn verified(resolved: Resolved) -> Resolved {
    let judged = Some(Judged::Verified { let_pass: None });
    Resolved { signature: Some(Signature { fingerprint: TRUST.to_owned(), judged }), ..resolved }
}

/// The same where the policy asks for nobody's signature.
pub(crate) fn ignored(resolved: Resolved) -> Resolved {
    let judged = Some(Judged::Ignored { why: "the policy skips it".to_owned() });
    Resolved { signature: Some(Signature { fingerprint: TRUST.to_owned(), judged }), ..resolved }
}

/// The same once it is known what verifies it.
pub(crate) fn trusted(resolved: Resolved) -> Resolved {
    Resolved { signature: Some(Signature { fingerprint: TRUST.to_owned(), judged: None }), ..resolved }
}

/// That a signature is asked for, and what an earlier run said about that of `v1@ONE`.
pub(crate) fn signed(status: &str) -> Value {
    let reason = if status == "True" { "Succeeded" } else { "VerificationError" };
    let message = format!("verified signature of revision v1@{ONE}");
    let stored = format!("stored artifact for digest 'v1@{ONE}'");
    json!({
        "spec": { "verify": { "provider": "cosign", "secretRef": { "name": "keys" } } },
        "status": {
            "sourceVerificationFingerprint": TRUST,
            "conditions": [
                condition("ArtifactInStorage", "True", "Succeeded", &stored),
                condition("SourceVerified", status, reason, &message),
            ],
        },
    })
}

/// `v1@ONE`
pub(crate) fn v1() -> Resolved {
    resolved(&format!("v1@{ONE}"))
}

/// `v1@TWO`
pub(crate) fn moved() -> Resolved {
    resolved(&format!("v1@{TWO}"))
}

/// The object with `v1@ONE` after a run in which something else went wrong than what is looked at: with a condition of
/// that type.
pub(crate) fn failing(kind: &str, status: &str) -> Observed {
    let stored = condition(
        "ArtifactInStorage",
        "True",
        "Succeeded",
        &format!("stored artifact for digest 'v1@{ONE}'"),
    );
    let conditions = json!([
        condition("Ready", "False", "Earlier", "it was so"),
        condition("Reconciling", "True", "ProgressingWithRetry", "it was so"),
        stored,
        condition(kind, status, "Earlier", "it was so"),
    ]);
    ready(&json!({ "status": { "conditions": conditions } }))
}

/// The conditions without their texts, in their order.
pub(crate) fn told(status: &Status) -> String {
    let one = |told: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition| {
        format!("{}={}:{}", told.type_, told.status, told.reason)
    };
    status.conditions.iter().flatten().map(one).collect::<Vec<_>>().join(" ")
}
