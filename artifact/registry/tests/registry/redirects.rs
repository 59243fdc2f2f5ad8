//! Redirects: followed by hand, without credentials to anybody else.

use oci_artifact::Classify as _;
use oci_registry::Access;
use oci_testkit::registry::{Act, Auth, Class, Fault, Match, Registry};

use crate::support::{artifact, as_user, download, open, reader, seed, tag};

fn on_blob(to: String) -> Fault {
    Fault::always(Match::class(Class::Blob).method("GET"), Act::Redirect { to, status: 307 })
}

#[tokio::test]
async fn redirect_to_another_origin_carries_no_credentials() {
    let storage = Registry::start();
    let registry = Registry::builder().auth(Auth::basic("tester", "s3cret-pass")).start();
    seed(&storage, "v1", b"content");
    let layer = seed(&registry, "v1", b"content");
    registry.fault(on_blob(format!("{}{{path}}", storage.origin())));
    let client = open(&registry, as_user("tester", "s3cret-pass"), Access::Pull);
    client.manifest(&tag("v1")).await.unwrap();
    assert_eq!(download(&client, &layer).await.unwrap(), b"content");
    assert_eq!(storage.requests().len(), 1);
    let seen = &storage.requests()[0];
    assert!(seen.authorization().is_none() && seen.header("cookie").is_none(), "{seen:?}");
    assert!(seen.header("referer").is_none(), "{seen:?}");
}

#[tokio::test]
async fn redirect_target_s_challenge_gets_no_answer() {
    let storage = Registry::builder().auth(Auth::basic("tester", "s3cret-pass")).start();
    let registry = Registry::builder().auth(Auth::basic("tester", "s3cret-pass")).start();
    let layer = seed(&registry, "v1", b"content");
    seed(&storage, "v1", b"content");
    registry.fault(on_blob(format!("{}{{path}}", storage.origin())));
    let client = open(&registry, as_user("tester", "s3cret-pass"), Access::Pull);
    client.manifest(&tag("v1")).await.unwrap();
    let error = download(&client, &layer).await.unwrap_err();
    assert_eq!(error.reason(), "AccessDenied", "{error}");
    assert_eq!(storage.count(|r| r.authorization().is_some()), 0);
}

#[tokio::test]
async fn redirect_content_is_checked_like_any_other() {
    let storage = Registry::start();
    let registry = Registry::start();
    let layer = seed(&registry, "v1", b"content");
    storage.put_blob_as("org/app", &layer.digest, b"CONTENT");
    registry.fault(on_blob(format!("{}{{path}}", storage.origin())));
    let error = download(&reader(&registry), &layer).await.unwrap_err();
    assert_eq!(error.reason(), "DigestMismatch", "{error}");
}

#[tokio::test]
async fn redirect_loop_ends() {
    let registry = Registry::start();
    let layer = seed(&registry, "v1", b"content");
    registry.fault(on_blob("{path}".to_owned()));
    let error = download(&reader(&registry), &layer).await.unwrap_err();
    assert_eq!(error.reason(), "RedirectRefused", "{error}");
    assert_eq!(registry.requests().len(), 11, "ten hops, not more");
}

#[tokio::test]
async fn redirect_to_another_scheme_is_refused() {
    for to in ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:text/plain,x", "http://u:p@127.0.0.1/"] {
        let registry = Registry::start();
        let layer = seed(&registry, "v1", b"content");
        registry.fault(on_blob(to.to_owned()));
        let error = download(&reader(&registry), &layer).await.unwrap_err();
        assert_eq!(error.reason(), "RedirectRefused", "{to}: {error}");
    }
}

#[tokio::test]
async fn upload_location_at_another_origin_gets_the_bytes_but_no_credentials() {
    let storage = Registry::start();
    let registry = Registry::builder().auth(Auth::basic("tester", "s3cret-pass")).start();
    let elsewhere = format!("{}/v2/org/app/blobs/uploads/none", storage.origin());
    registry.fault(Fault::always(Match::class(Class::Upload).method("POST"), Act::location(&elsewhere)));
    let client = open(&registry, as_user("tester", "s3cret-pass"), Access::Push);
    assert!(client.push(&artifact(b"new"), &[tag("v1")]).await.is_err());
    assert!(storage.count(|r| r.method == "PUT") > 0);
    assert_eq!(storage.count(|r| r.authorization().is_some()), 0);
}
