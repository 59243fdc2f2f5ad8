//! Downloads: nothing but the right bytes, and never more than announced.

use oci_artifact::{Classify as _, limits, manifest::Descriptor};
use oci_registry::Error;
use oci_testkit::registry::{Act, Class, Fault, Match, Registry};

use crate::support::{download, reader, seed};

const CONTENT: &[u8] = &[7; 300_000];

fn on_blob(act: Act) -> Fault {
    Fault::always(Match::class(Class::Blob).method("GET"), act)
}

async fn refused(act: Act) -> Error {
    let registry = Registry::start();
    let layer = seed(&registry, "v1", CONTENT);
    registry.fault(on_blob(act));
    download(&reader(&registry), &layer).await.unwrap_err()
}

#[tokio::test]
async fn blob_arrives_in_one_request() {
    let registry = Registry::start();
    let layer = seed(&registry, "v1", CONTENT);
    assert_eq!(download(&reader(&registry), &layer).await.unwrap(), CONTENT);
    assert_eq!(registry.requests().len(), 1);
}

#[tokio::test]
async fn blob_with_a_flipped_byte_is_refused() {
    let error = refused(Act::Corrupt(1_234)).await;
    assert_eq!(error.reason(), "DigestMismatch", "{error}");
}

#[tokio::test]
async fn blob_longer_than_its_descriptor_is_refused() {
    let error = refused(Act::ExtraBytes(10)).await;
    assert_eq!(error.reason(), "SizeMismatch", "{error}");
}

#[tokio::test]
async fn blob_without_end_is_refused() {
    let error = refused(Act::Endless).await;
    assert_eq!(error.reason(), "SizeMismatch", "{error}");
}

#[tokio::test]
async fn blob_shorter_than_its_descriptor_is_refused() {
    let error = refused(Act::Body((&b"short"[..]).into())).await;
    assert!(matches!(error.reason(), "SizeMismatch" | "ConnectionBroken"), "{error}");
}

#[tokio::test]
async fn blob_that_breaks_off_is_continued_where_it_ended() {
    let registry = Registry::start();
    let layer = seed(&registry, "v1", CONTENT);
    registry.fault(Fault::once(Match::class(Class::Blob), Act::Truncate(100_000)));
    assert_eq!(download(&reader(&registry), &layer).await.unwrap(), CONTENT);
    let requests = registry.requests();
    assert_eq!(requests.len(), 2);
    let range = requests[1].header("range").unwrap();
    let from: u64 = range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap();
    assert!((1..=100_000).contains(&from), "{range}");
}

#[tokio::test]
async fn blob_that_always_breaks_off_at_the_start_ends_in_an_error() {
    let error = refused(Act::Truncate(0)).await;
    assert_eq!(error.reason(), "ConnectionBroken", "{error}");
}

#[tokio::test]
async fn blob_over_the_layer_limit_is_not_even_asked_for() {
    let registry = Registry::start();
    let layer = seed(&registry, "v1", CONTENT);
    let huge = Descriptor { size: limits::LAYER_BYTES + 1, ..layer };
    let error = download(&reader(&registry), &huge).await.unwrap_err();
    assert_eq!(error.reason(), "TooLarge", "{error}");
    assert_eq!(registry.requests().len(), 0);
}
