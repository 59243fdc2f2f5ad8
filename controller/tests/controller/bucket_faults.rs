//! Buckets that do not do what they are asked, and those of the other clouds.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use oci_artifact::{Class, Classify as _};
use oci_controller::storage::{Bucket, BucketOptions, OpenBucketError, StorageOptions, Surroundings};
use oci_identity::Environment;
use oci_registry::Proxies;
use oci_testkit::{
    planted::{AWS_SECRET_KEY, assert_clean},
    scripted::{Asked, Reply, Scripted},
};
use serde_json::json;

use crate::{
    bucket_world::{Replica, environment, keys},
    storage_volume::now,
};

/// A bucket in memory, which answers as one of the clouds, or with what a test says.
#[derive(Clone, Default)]
struct Shelf {
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    fault: Arc<Mutex<Option<Reply>>>,
}

impl Shelf {
    /// Answers each request from now on.
    fn breaks(&self, fault: Reply) {
        *self.fault.lock().unwrap() = Some(fault);
    }

    fn heals(&self) {
        *self.fault.lock().unwrap() = None;
    }

    fn answer(&self, asked: &Asked) -> Reply {
        if asked.path.ends_with("/token") {
            let token =
                json!({ "access_token": "planted-token", "expires_in": 3_600, "token_type": "Bearer" });
            return Reply::json(200, &token).header("metadata-flavor", "Google");
        }
        if let Some(fault) = self.fault.lock().unwrap().clone() {
            return fault;
        }
        let key = asked.path.strip_prefix("/artifacts").unwrap().trim_start_matches('/').replace("%3A", ":");
        let mut files = self.files.lock().unwrap();
        let query =
            |name: &str| asked.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        match (asked.method.as_str(), key.as_str()) {
            ("GET", "") => page(&files, query("comp").is_some(), &query("prefix").unwrap()),
            ("PUT", _) => {
                files.insert(key, asked.body.clone());
                Reply::text(201, "")
            }
            ("DELETE", _) => match files.remove(&key) {
                Some(_) => Reply::text(202, ""),
                None => Reply::text(404, "<Error><Code>BlobNotFound</Code></Error>"),
            },
            (method, _) => match files.get(&key) {
                None => Reply::text(404, "<Error><Code>NoSuchKey</Code></Error>"),
                // The server makes the length of an empty body.
                Some(bytes) if method == "HEAD" => {
                    Reply::text(200, "").header("content-length", &bytes.len().to_string())
                }
                Some(bytes) => Reply::Answer { status: 200, headers: Vec::new(), body: bytes.clone() },
            },
        }
    }
}

/// A list in pages of one file.
fn page(files: &BTreeMap<String, Vec<u8>>, azure: bool, prefix: &str) -> Reply {
    let listed = files.iter().filter(|(key, _)| key.starts_with(prefix)).map(|(key, bytes)| {
        let size = bytes.len();
        if azure {
            let about = format!(
                "<Last-Modified>Thu, 01 Jan 2026 00:00:01 GMT</Last-Modified><Content-Length>{size}</Content-Length>"
            );
            format!("<Blob><Name>{key}</Name><Properties>{about}</Properties></Blob>")
        } else {
            let modified = "<LastModified>2026-01-01T00:00:01.000Z</LastModified>";
            format!("<Contents><Key>{key}</Key>{modified}<Size>{size}</Size></Contents>")
        }
    });
    let listed: String = listed.collect();
    let body = if azure {
        format!("<EnumerationResults><Blobs>{listed}</Blobs><NextMarker /></EnumerationResults>")
    } else {
        format!("<ListBucketResult>{listed}</ListBucketResult>")
    };
    Reply::text(200, &body)
}

/// A server with a shelf.
fn start() -> (Shelf, Scripted) {
    let shelf = Shelf::default();
    let answering = shelf.clone();
    (shelf, Scripted::start(move |asked| answering.answer(asked)))
}

fn options(root: &Path, place: &str, server: &Scripted) -> BucketOptions {
    BucketOptions {
        place: place.parse().unwrap(),
        endpoint: Some(format!("http://{}", server.address()).parse().unwrap()),
        region: None,
        root: root.to_owned(),
        cache_size: 16 << 20,
        storage: StorageOptions::default(),
        list_every: Duration::from_hours(1),
        fresh: Duration::from_hours(1),
    }
}

fn replica(server: &Scripted) -> Replica {
    Replica::of(|root| options(root, "s3://artifacts", server), keys())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_refuses_says_why_and_what_to_do() {
    let (shelf, server) = start();
    let leader = replica(&server);
    leader.lead().await;
    let kept = leader.publish("kept", "r1", b"kept").await;
    let error = |code: &str| format!("<Error><Code>{code}</Code><Message>said</Message></Error>");
    for (status, body, reason, hint, tries) in [
        (403, error("AccessDenied"), "BucketDenied", "needs the rights to read, write, delete and list", 2),
        (403, error("RequestTimeTooSkewed"), "BucketDenied", "the clock of this computer is wrong", 2),
        (404, error("NoSuchBucket"), "BucketMissing", "create the bucket", 1),
        (301, error("PermanentRedirect"), "BucketFailed", "--storage-bucket-region", 1),
        (507, error("XMinioStorageFull"), "BucketFailed", "the bucket is full", 1),
        (500, error("InternalError"), "BucketFailed", "", 3),
        (503, "busy".to_owned(), "BucketFailed", "", 3),
    ] {
        shelf.breaks(Reply::text(status, &body));
        let before = server.asked().len();
        let error = leader.try_publish("app", "r1", b"new").await.unwrap_err();
        assert_eq!(error.reason(), reason, "{error}");
        assert!(error.hint().unwrap_or_default().contains(hint), "{error}: {:?}", error.hint());
        assert!(matches!(error.class(), Class::Retry { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("storing s3://artifacts/ocirepository/apps/app/sha256:"), "{text}");
        assert!(text.contains(&format!("status {status}")), "{text}");
        assert_eq!(server.asked().len() - before, tries, "{text}");
        assert_eq!(leader.bucket.trouble(), Some(text));
        // What was read before is served, whatever the bucket says.
        assert_eq!(leader.get(&kept.path, &[]).await, (200, b"kept".to_vec()));
        assert_eq!(leader.get(&format!("{}x", kept.path), &[]).await.0, 404);
        let other = replica(&server);
        assert_eq!(other.get(&kept.path, &[]).await.0, 503);
    }
    shelf.heals();
    let path = leader.publish("app", "r1", b"new").await.path;
    assert_eq!(leader.bucket.trouble(), None);
    assert_eq!(shelf.files.lock().unwrap().get(&path).map(Vec::as_slice), Some(&b"new"[..]));
    for asked in server.asked() {
        assert_clean("a request", format!("{:?}", (&asked.path, &asked.query, &asked.headers)).as_bytes());
    }
    let signed = server.asked().into_iter().find(|asked| asked.method == "PUT").unwrap();
    assert_eq!(signed.header("x-amz-content-sha256"), Some(oci_artifact::name::Digest::of(b"kept").hex()));
    assert!(!format!("{signed:?}").contains(AWS_SECRET_KEY));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_does_not_answer_is_no_reason_not_to_serve_what_it_had() {
    let (shelf, server) = start();
    let asking =
        |root: &Path| BucketOptions { fresh: Duration::ZERO, ..options(root, "s3://artifacts", &server) };
    let leader = Replica::of(asking, keys());
    leader.lead().await;
    let artifact = leader.publish("app", "r1", b"text").await;
    shelf.breaks(Reply::text(503, "busy"));
    let before = server.asked().len();
    assert_eq!(leader.get(&artifact.path, &[]).await, (200, b"text".to_vec()));
    assert!(server.asked().len() > before, "the bucket was asked");
    assert!(leader.bucket.trouble().unwrap().contains("status 503"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_of_the_service_is_heard() {
    let (shelf, server) = start();
    let leader = replica(&server);
    leader.lead().await;
    shelf.breaks(Reply::text(429, "").header("retry-after", "77"));
    let before = server.asked().len();
    let error = leader.try_publish("app", "r1", b"new").await.unwrap_err();
    assert_eq!(error.class(), Class::Retry { after: Some(Duration::from_secs(77)) });
    assert_eq!(server.asked().len() - before, 1, "nobody waits that long here");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_did_not_arrive_whole_is_none() {
    let shelf = Shelf::default();
    let answering = shelf.clone();
    // Takes less than it is given.
    let server = Scripted::start(move |asked| {
        let cut = Asked { body: asked.body.get(..2).unwrap_or_default().to_vec(), ..asked.clone() };
        answering.answer(&cut)
    });
    let leader = replica(&server);
    leader.lead().await;
    let error = leader.try_publish("app", "r1", b"whole").await.unwrap_err();
    assert!(error.to_string().contains("it has 2 bytes"), "{error}");
    assert!(shelf.files.lock().unwrap().is_empty(), "what is not whole is removed");
    assert_eq!(leader.storage().stats().files, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_of_google_is_used_by_the_token_of_the_process() {
    let (shelf, server) = start();
    let host = server.address().to_string();
    let leader = Replica::of(
        |root| options(root, "gs://artifacts/flux", &server),
        environment(&[("GCE_METADATA_HOST", &host)]),
    );
    goes_round(&leader, &shelf, "flux/").await;
    let asked: Vec<_> =
        server.asked().into_iter().filter(|asked| asked.path.starts_with("/artifacts")).collect();
    assert!(asked.iter().all(|asked| asked.header("authorization") == Some("Bearer planted-token")));
    assert_eq!(server.asked().len() - asked.len(), 1, "one token for all");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_of_azure_is_used_by_the_token_of_the_process() {
    let (shelf, server) = start();
    let endpoint = format!("http://{}/token", server.address());
    let variables = [
        ("AZURE_STORAGE_ACCOUNT", "flux"),
        ("IDENTITY_ENDPOINT", &*endpoint),
        ("IDENTITY_HEADER", "planted-header"),
    ];
    let leader = Replica::of(|root| options(root, "az://artifacts", &server), environment(&variables));
    goes_round(&leader, &shelf, "").await;
    let (tokens, asked): (Vec<_>, Vec<_>) =
        server.asked().into_iter().partition(|asked| asked.path == "/token");
    assert_eq!(tokens.len(), 1);
    let resource = ("resource".to_owned(), "https://storage.azure.com".to_owned());
    assert!(tokens[0].query.contains(&resource), "{:?}", tokens[0].query);
    for asked in asked {
        assert_eq!(asked.header("authorization"), Some("Bearer planted-token"));
        assert_eq!(asked.header("x-ms-version"), Some("2021-12-02"));
        assert_eq!(asked.header("x-ms-blob-type").is_some(), asked.method == "PUT");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_of_azure_is_used_by_the_key_of_its_account() {
    let (shelf, server) = start();
    let variables = [("AZURE_STORAGE_ACCOUNT", "flux"), ("AZURE_STORAGE_KEY", "cGxhbnRlZA==")];
    let leader = Replica::of(|root| options(root, "az://artifacts", &server), environment(&variables));
    goes_round(&leader, &shelf, "").await;
    for asked in server.asked() {
        assert!(asked.header("authorization").unwrap().starts_with("SharedKey flux:"), "{asked:?}");
        assert_eq!(asked.header("x-ms-date"), Some("Tue, 14 Nov 2023 22:13:20 GMT"));
    }
}

/// Publishes, serves, finds again and removes.
async fn goes_round(leader: &Replica, shelf: &Shelf, prefix: &str) {
    leader.lead().await;
    let artifact = leader.publish("app", "r1", b"text").await;
    let key = format!("{prefix}{}", artifact.path);
    assert_eq!(shelf.files.lock().unwrap().keys().collect::<Vec<_>>(), [&key]);
    assert_eq!(leader.get(&artifact.path, &[]).await, (200, b"text".to_vec()));
    leader.lead().await;
    assert_eq!(leader.storage().stats().files, 1);
    let owner = crate::storage_volume::owner("app");
    leader.storage().forget(&owner).await.unwrap();
    assert!(shelf.files.lock().unwrap().is_empty());
    assert_eq!(leader.get(&artifact.path, &[]).await.0, 404);
}

#[tokio::test]
async fn a_bucket_that_cannot_be_is_refused_before_anybody_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let open = |place: &str, environment: Environment| {
        let server = Scripted::start(|_| Reply::text(500, ""));
        let options = BucketOptions { endpoint: None, ..options(folder.path(), place, &server) };
        let error = Bucket::open(options, Surroundings { environment, proxies: Proxies::none(), now });
        error.map(drop).unwrap_err().to_string()
    };
    assert!(open("s3://artifacts", environment(&[])).contains("--storage-bucket-region"));
    assert!(open("az://artifacts", environment(&[])).contains("AZURE_STORAGE_ACCOUNT"));
    let wrong = [("AZURE_STORAGE_ACCOUNT", "flux"), ("AZURE_STORAGE_KEY", "no Base64")];
    assert!(open("az://artifacts", environment(&wrong)).contains("AZURE_STORAGE_KEY: it is no key"));
    let options = |root: &Path| BucketOptions {
        region: Some("eu-west-1".to_owned()),
        endpoint: None,
        ..options(root, "s3://artifacts", &Scripted::start(|_| Reply::text(500, "")))
    };
    let surroundings = || Surroundings { environment: keys(), proxies: Proxies::none(), now };
    let _held = Bucket::open(options(folder.path()), surroundings()).unwrap();
    let second = Bucket::open(options(folder.path()), surroundings());
    assert!(matches!(second, Err(OpenBucketError::Scratch(_))), "one process for a folder");
}
