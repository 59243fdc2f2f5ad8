//! Which artifact a spec means.

use oci_testkit::control_plane::eventually;
use serde_json::{Value, json};

use super::{
    push::Image,
    tenant::{Tenant, condition, is},
    world::LONG,
};

/// The tags of the repository; each has content of its own.
const TAGS: [&str; 9] =
    ["latest", "v1", "6.1.4", "6.1.5", "6.1.6", "6.2.0", "6.2.1-rc.1", "7.0.0-rc.2", "not-a-version"];

/// Name, `spec.ref`, and the tag that is meant; with the tag empty, the digest of `v1`.
fn picked(digest: &str) -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("none", Value::Null, "latest"),
        ("tag", json!({ "tag": "v1" }), "v1"),
        ("range-lower-bound", json!({ "semver": ">= 6.1.0" }), "6.2.0"),
        ("range-tilde", json!({ "semver": "~6.1.0" }), "6.1.6"),
        ("range-upper-bound", json!({ "semver": ">= 6.1.0 <= 6.1.5" }), "6.1.5"),
        ("range-prerelease", json!({ "semver": ">= 6.0.0-0" }), "7.0.0-rc.2"),
        ("filter", json!({ "semver": ">= 6.0.0-0", "semverFilter": "^6.*-rc.*$" }), "6.2.1-rc.1"),
        ("filter-without-range", json!({ "tag": "v1", "semverFilter": "^nothing$" }), "v1"),
        ("range-beats-tag", json!({ "tag": "v1", "semver": "6.1.4" }), "6.1.4"),
        ("digest", json!({ "digest": digest }), ""),
        ("digest-beats-range", json!({ "digest": digest, "semver": "6.x", "tag": "latest" }), ""),
    ]
}

/// Name, `spec.ref`, and the reason why nothing is found.
fn refused() -> Vec<(&'static str, Value, &'static str)> {
    let absent = format!("sha256:{}", "0".repeat(64));
    vec![
        ("tag-unknown", json!({ "tag": "v9" }), "OCIArtifactPullFailed"),
        ("digest-unknown", json!({ "digest": absent }), "OCIArtifactPullFailed"),
        ("range-empty", json!({ "semver": "<= 0.0.1" }), "ReadOperationFailed"),
        ("filter-empty", json!({ "semver": "6.x", "semverFilter": "^nothing$" }), "ReadOperationFailed"),
    ]
}

#[tokio::test]
async fn controller_resolves_references_as_flux_does() {
    let tenant = Tenant::new().await;
    let digests = TAGS.map(|tag| Image::saying(tag).push(&tenant.registry, "org/app", tag).to_string());
    let digest_of = |tag: &str| digests[TAGS.iter().position(|known| *known == tag).unwrap()].as_str();
    let picked = picked(digest_of("v1"));
    for (name, reference, _) in picked.iter().chain(&refused()) {
        tenant.apply(name, &json!({ "ref": reference })).await;
    }
    for (name, _, tag) in picked {
        let object = tenant.ready(name).await;
        let wanted = match tag {
            "" => digest_of("v1").to_owned(),
            tag => format!("{tag}@{}", digest_of(tag)),
        };
        assert_eq!(object["status"]["artifact"]["revision"], wanted, "{name}");
    }
    for (name, _, reason) in refused() {
        tenant.failed(name, "FetchFailed", reason).await;
    }
}

/// Name, fields, and a part of the message. Flux runs these and fails for ever.
fn unusable() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("url-with-tag", json!({ "url": "oci://127.0.0.1:1/org/app:v1" }), "tag"),
        ("url-without-name", json!({ "url": "oci://" }), "url"),
        ("digest-malformed", json!({ "ref": { "digest": "invalid" } }), "digest"),
        ("range-malformed", json!({ "ref": { "semver": "this is no range" } }), "semver"),
        ("filter-malformed", json!({ "ref": { "semver": "1.x", "semverFilter": "(" } }), "semverFilter"),
    ]
}

#[tokio::test]
async fn controller_stalls_on_what_only_an_edit_can_mend() {
    let tenant = Tenant::new().await;
    let digest = Image::saying("one").push(&tenant.registry, "org/app", "v1");
    for (name, fields, _) in unusable() {
        tenant.apply(name, &fields).await;
    }
    for (name, _, part) in unusable() {
        let object = tenant.until(name, "to stall", |object| is(object, "Stalled", "True")).await;
        assert!(is(&object, "Ready", "False"), "{object}");
        assert_eq!(object["status"]["observedGeneration"], object["metadata"]["generation"]);
        assert!(!is(&object, "Reconciling", "True"), "{object}");
        let message = condition(&object, "Stalled")["message"].as_str().unwrap().to_lowercase();
        assert!(message.contains(&part.to_lowercase()), "{name}: {message}");
        if name.starts_with("url") {
            assert_eq!(condition(&object, "Stalled")["reason"], "URLInvalid");
        }
        tenant.apply(name, &json!({ "ref": { "tag": "v1" } })).await;
        tenant.ready_at(name, &format!("v1@{digest}")).await;
    }
}

#[tokio::test]
async fn controller_says_why_it_asks_no_registry_of_somebody_else_for_a_cloud() {
    let tenant = Tenant::new().await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("cloud", &json!({ "ref": { "tag": "v1" }, "provider": "aws" })).await;
    let object = tenant.until("cloud", "to be refused", |object| is(object, "Ready", "False")).await;
    assert!(object["status"]["artifact"].is_null(), "{object}");
    eventually("no request", LONG, async || match tenant.registry.requests().as_slice() {
        [] => Ok(()),
        some => Err(format!("{some:?}")),
    })
    .await;
}
