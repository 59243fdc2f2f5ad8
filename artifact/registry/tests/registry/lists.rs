//! Tags and referrers: page by page, at the registry only.

use oci_artifact::{Classify as _, manifest::OCI_INDEX, name::Digest};
use oci_testkit::registry::{Act, Class, Fault, Match, Registry};

use crate::support::{NAME, layer, reader, seed};

fn with_tags(page: usize, count: usize) -> Registry {
    let registry = Registry::builder().page_size(page).start();
    seed(&registry, "t000", b"content");
    let digest = registry.digest(NAME, "t000").unwrap();
    for number in 1..count {
        registry.put_tag(NAME, &format!("t{number:03}"), &digest);
    }
    registry
}

#[tokio::test]
async fn tags_follow_every_page() {
    let registry = with_tags(10, 25);
    let tags = reader(&registry).tags().await.unwrap();
    assert_eq!(tags.len(), 25);
    assert_eq!(registry.requests().len(), 3);
}

#[tokio::test]
async fn tags_never_leave_the_registry() {
    let other = Registry::start();
    let registry = with_tags(10, 25);
    let link = format!(r#"<{}/v2/org/app/tags/list>; rel="next""#, other.origin());
    registry.fault(Fault::always(Match::class(Class::Tags), Act::link(&link)));
    let error = reader(&registry).tags().await.unwrap_err();
    assert_eq!(error.reason(), "RedirectRefused", "{error}");
    assert_eq!(other.requests().len(), 0);
}

#[tokio::test]
async fn tags_end_when_pages_do_not() {
    let registry = with_tags(10, 25);
    let same = r#"</v2/org/app/tags/list?n=1000&last=t001>; rel="next""#;
    registry.fault(Fault::always(Match::class(Class::Tags), Act::link(same)));
    let error = reader(&registry).tags().await.unwrap_err();
    assert_eq!(error.reason(), "RedirectRefused", "{error}");
    assert!(registry.requests().len() <= 3);
}

#[tokio::test]
async fn tags_end_after_a_hundred_pages() {
    let registry = with_tags(10, 25);
    for page in 0..=100 {
        let next = format!(r#"</v2/org/app/tags/list?last=p{page}>; rel="next""#);
        registry.fault(Fault::once(Match::class(Class::Tags), Act::link(&next)));
    }
    let error = reader(&registry).tags().await.unwrap_err();
    assert_eq!(error.reason(), "RedirectRefused", "{error}");
    assert_eq!(registry.count(|request| request.class == Class::Tags), 100);
}

#[tokio::test]
async fn tags_survive_hostile_lists() {
    for (body, expected) in [
        (r#"{"name":"x","tags":null}"#, Some(0)),
        (r#"{"tags":["ok","../x","","a/b","ok"]}"#, Some(1)),
        (r#"{"tags":[1,2]}"#, None),
        ("[]", None),
        ("<html>", None),
    ] {
        let registry = with_tags(10, 1);
        registry.fault(Fault::always(Match::class(Class::Tags), Act::json(body)));
        let tags = reader(&registry).tags().await;
        assert_eq!(tags.ok().map(|tags| tags.len()), expected, "{body}");
    }
}

#[tokio::test]
async fn tags_of_an_endless_page_are_refused() {
    let registry = with_tags(10, 1);
    registry.fault(Fault::always(Match::class(Class::Tags), Act::Endless));
    let error = reader(&registry).tags().await.unwrap_err();
    assert_eq!(error.reason(), "TooLarge", "{error}");
}

fn with_referrer(api: bool) -> (Registry, Digest, Digest) {
    let registry = Registry::builder().referrers(api).start();
    seed(&registry, "v1", b"content");
    let subject = registry.digest(NAME, "v1").unwrap();
    let bytes = registry.manifest(NAME, "v1").unwrap();
    let mut manifest: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    manifest["artifactType"] = "application/vnd.example.sbom".into();
    manifest["subject"] = serde_json::json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": subject, "size": bytes.len()
    });
    let bytes = serde_json::to_vec(&manifest).unwrap();
    let attached = layer(&bytes).digest;
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    registry.put_manifest(NAME, &attached.to_string(), media_type, &bytes);
    if !api {
        let index = serde_json::json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
            {"mediaType": media_type, "digest": attached, "size": bytes.len()}]});
        let tag = subject.to_string().replace(':', "-");
        registry.put_manifest(NAME, &tag, OCI_INDEX, &serde_json::to_vec(&index).unwrap());
    }
    (registry, subject, attached)
}

#[tokio::test]
async fn referrers_come_from_the_api() {
    let (registry, subject, attached) = with_referrer(true);
    let found = reader(&registry).referrers(&subject).await.unwrap();
    assert_eq!(found.iter().map(|d| &d.digest).collect::<Vec<_>>(), [&attached]);
    assert_eq!(registry.requests().len(), 1);
}

#[tokio::test]
async fn referrers_come_from_the_tag_without_the_api() {
    let (registry, subject, attached) = with_referrer(false);
    let found = reader(&registry).referrers(&subject).await.unwrap();
    assert_eq!(found.iter().map(|d| &d.digest).collect::<Vec<_>>(), [&attached]);
}

#[tokio::test]
async fn referrers_of_a_plain_manifest_are_none() {
    for api in [true, false] {
        let registry = Registry::builder().referrers(api).start();
        seed(&registry, "v1", b"content");
        let digest = registry.digest(NAME, "v1").unwrap();
        assert!(reader(&registry).referrers(&digest).await.unwrap().is_empty());
    }
}
