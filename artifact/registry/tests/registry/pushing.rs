//! Pushes: few requests, and nothing sent that is there.

use oci_artifact::{Classify as _, manifest::CONFIG_BYTES, name::Digest};
use oci_registry::Uploaded;
use oci_testkit::registry::{Act, Class, Fault, Match, Registry};

use crate::support::{NAME, artifact, seed, tag, writer};

#[tokio::test]
async fn push_of_new_content_takes_six_requests() {
    let registry = Registry::start();
    let pushed = writer(&registry).push(&artifact(b"new"), &[tag("v1")]).await.unwrap();
    assert_eq!(pushed.layer, Uploaded::Sent);
    assert_eq!(registry.digest(NAME, "v1"), Some(pushed.digest));
    assert_eq!(registry.requests().len(), 6, "{:?}", registry.requests());
}

#[tokio::test]
async fn push_of_known_content_takes_two_requests() {
    let registry = Registry::start();
    seed(&registry, "v1", b"known");
    let pushed = writer(&registry).push(&artifact(b"known"), &[tag("v2")]).await.unwrap();
    assert_eq!(pushed.layer, Uploaded::Present);
    assert_eq!(registry.requests().len(), 2, "{:?}", registry.requests());
}

#[tokio::test]
async fn push_sends_the_config_when_the_registry_lacks_it() {
    let registry = Registry::start();
    registry.put_blob(NAME, b"known");
    writer(&registry).push(&artifact(b"known"), &[tag("v1")]).await.unwrap();
    assert!(registry.blob(NAME, &Digest::of(CONFIG_BYTES)).is_some());
    assert!(registry.digest(NAME, "v1").is_some());
}

#[tokio::test]
async fn push_survives_a_registry_that_lies_about_the_layer() {
    let registry = Registry::start();
    let head = Match::class(Class::Blob).method("HEAD");
    registry.fault(Fault::once(head, Act::Status { code: 200, headers: Vec::new(), body: "".into() }));
    writer(&registry).push(&artifact(b"not there"), &[tag("v1")]).await.unwrap();
    assert!(registry.blob(NAME, &Digest::of(b"not there")).is_some());
}

#[tokio::test]
async fn push_takes_a_forbidden_head_for_absent() {
    let registry = Registry::start();
    registry.fault(Fault::always(Match::class(Class::Blob).method("HEAD"), Act::status(403)));
    assert!(writer(&registry).push(&artifact(b"new"), &[tag("v1")]).await.is_ok());
}

#[tokio::test]
async fn push_stores_every_tag_with_one_request_more() {
    let registry = Registry::start();
    seed(&registry, "v0", b"known");
    writer(&registry).push(&artifact(b"known"), &[tag("a"), tag("b"), tag("c")]).await.unwrap();
    assert_eq!(registry.requests().len(), 4);
    assert_eq!(registry.tags(NAME), ["a", "b", "c", "v0"]);
}

#[tokio::test]
async fn push_begins_a_new_upload_when_one_breaks() {
    let registry = Registry::start();
    registry.fault(Fault::once(Match::class(Class::Upload).method("PUT"), Act::status(503)));
    registry.fault(Fault::once(Match::class(Class::Upload).method("PUT"), Act::Close));
    writer(&registry).push(&artifact(b"new"), &[tag("v1")]).await.unwrap();
    assert_eq!(registry.count(|r| r.class == Class::Upload && r.method == "POST"), 4);
}

#[tokio::test]
async fn push_goes_on_in_its_session_when_requests_are_limited() {
    let registry = Registry::start();
    let put = Match::class(Class::Upload).method("PUT");
    registry.fault(Fault::times(7, put, Act::too_many_requests("0")));
    writer(&registry).push(&artifact(b"new"), &[tag("v1")]).await.unwrap();
    assert_eq!(registry.count(|r| r.class == Class::Upload && r.method == "POST"), 2, "layer and config");
}

#[tokio::test]
async fn push_shows_why_the_registry_refused() {
    let registry = Registry::start();
    registry.fault(Fault::always(Match::class(Class::Upload), Act::status(403)));
    let error = writer(&registry).push(&artifact(b"new"), &[tag("v1")]).await.unwrap_err();
    assert_eq!(error.reason(), "AccessDenied");
    assert!(error.to_string().contains("uploading blob sha256:"), "{error}");
}

#[tokio::test]
async fn push_needs_a_usable_location() {
    for location in ["", "file:///etc/passwd", "http://user:pw@127.0.0.1/x"] {
        let registry = Registry::start();
        registry.fault(Fault::always(Match::class(Class::Upload).method("POST"), Act::location(location)));
        let error = writer(&registry).push(&artifact(b"new"), &[tag("v1")]).await.unwrap_err();
        let reason = error.reason();
        assert!(matches!(reason, "RedirectRefused" | "NotFound" | "RegistryError"), "{location}: {error}");
    }
}

#[tokio::test]
async fn push_without_a_location_is_a_protocol_error() {
    let registry = Registry::start();
    let post = Match::class(Class::Upload).method("POST");
    registry.fault(Fault::always(post, Act::Header("location".to_owned(), None)));
    let error = writer(&registry).push(&artifact(b"new"), &[tag("v1")]).await.unwrap_err();
    assert_eq!(error.reason(), "ProtocolError", "{error}");
}
