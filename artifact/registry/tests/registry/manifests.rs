//! Manifests: checked before anybody sees them.

use oci_artifact::{
    Class, Classify as _,
    manifest::OCI_MANIFEST,
    name::{Digest, Target},
};
use oci_registry::Fault as Failure;
use oci_testkit::registry::{Act, Class as Kind, Fault, Match, Registry};

use crate::support::{NAME, reader, seed, tag, writer};

fn on_manifest(act: Act) -> Fault {
    Fault::always(Match::class(Kind::Manifest).method("GET"), act)
}

#[tokio::test]
async fn manifest_is_fetched_by_tag_and_digest() {
    let registry = Registry::start();
    seed(&registry, "v1", b"content");
    let client = reader(&registry);
    let by_tag = client.manifest(&tag("v1")).await.unwrap();
    let by_digest = client.manifest(&Target::Digest(by_tag.digest.clone())).await.unwrap();
    assert_eq!(by_tag.bytes, by_digest.bytes);
    assert_eq!(by_tag.media_type, OCI_MANIFEST);
    assert_eq!(registry.requests().len(), 2, "one request each: no ping, no HEAD");
}

#[tokio::test]
async fn manifest_that_does_not_exist_is_not_found() {
    let registry = Registry::start();
    seed(&registry, "v1", b"content");
    let error = reader(&registry).manifest(&tag("v2")).await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!((error.reason(), error.class()), ("NotFound", Class::Terminal));
}

#[tokio::test]
async fn manifest_refuses_other_bytes_than_its_digest() {
    let registry = Registry::start();
    seed(&registry, "v1", b"content");
    let digest = registry.digest(NAME, "v1").unwrap();
    registry.fault(on_manifest(Act::Corrupt(20)));
    let error = reader(&registry).manifest(&Target::Digest(digest)).await.unwrap_err();
    assert_eq!(error.reason(), "DigestMismatch", "{error}");
}

#[tokio::test]
async fn manifest_refuses_bytes_that_the_registry_s_own_digest_denies() {
    let registry = Registry::start();
    seed(&registry, "v1", b"content");
    registry.fault(on_manifest(Act::digest_header(&Digest::of(b"else").to_string())));
    let error = reader(&registry).manifest(&tag("v1")).await.unwrap_err();
    assert_eq!(error.reason(), "DigestMismatch", "{error}");
}

#[tokio::test]
async fn manifest_refuses_a_digest_header_that_is_garbage() {
    let registry = Registry::start();
    seed(&registry, "v1", b"content");
    registry.fault(on_manifest(Act::digest_header("sha256:../../etc")));
    let error = reader(&registry).manifest(&tag("v1")).await.unwrap_err();
    assert_eq!(error.reason(), "ProtocolError", "{error}");
}

#[tokio::test]
async fn manifest_without_a_digest_header_is_fine() {
    let registry = Registry::start();
    seed(&registry, "v1", b"content");
    registry.fault(on_manifest(Act::Header("docker-content-digest".to_owned(), None)));
    assert!(reader(&registry).manifest(&tag("v1")).await.is_ok());
}

#[tokio::test]
async fn manifest_is_never_read_without_end() {
    let registry = Registry::start();
    seed(&registry, "v1", b"content");
    registry.fault(on_manifest(Act::Endless));
    let error = reader(&registry).manifest(&tag("v1")).await.unwrap_err();
    assert_eq!(error.reason(), "TooLarge", "{error}");
}

#[tokio::test]
async fn manifest_of_another_content_type_is_refused() {
    let registry = Registry::start();
    seed(&registry, "v1", b"content");
    let index = "application/vnd.oci.image.index.v1+json".to_owned();
    registry.fault(on_manifest(Act::Header("content-type".to_owned(), Some(index))));
    let error = reader(&registry).manifest(&tag("v1")).await.unwrap_err();
    assert_eq!(error.reason(), "ManifestInvalid", "{error}");
}

#[tokio::test]
async fn put_manifest_notices_a_digest_that_is_not_ours() {
    let registry = Registry::start();
    seed(&registry, "v1", b"content");
    let bytes = registry.manifest(NAME, "v1").unwrap();
    let other = Digest::of(b"else").to_string();
    registry.fault(Fault::always(Match::class(Kind::Manifest).method("PUT"), Act::digest_header(&other)));
    let error = writer(&registry).put_manifest(&tag("v2"), OCI_MANIFEST, bytes.into()).await.unwrap_err();
    assert!(matches!(*error.fault, Failure::Digest { .. }), "{error}");
}

#[tokio::test]
async fn error_shows_the_registry_s_own_words() {
    let registry = Registry::start();
    let body = r#"{"errors":[{"code":"DENIED","message":"quota \u001b[31mexceeded"}]}"#;
    let act = Act::Status { code: 403, headers: Vec::new(), body: body.into() };
    registry.fault(on_manifest(act));
    let error = reader(&registry).manifest(&tag("v1")).await.unwrap_err();
    let text = error.to_string();
    assert!(text.ends_with(r"403 DENIED: quota \u{1b}[31mexceeded"), "{text}");
    assert!(text.contains(&format!("{}/{NAME}:v1", registry.host())), "{text}");
    assert_eq!(error.class(), Class::Denied);
}
