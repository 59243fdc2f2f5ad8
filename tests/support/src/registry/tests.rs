//! The registry driven by a plain HTTP client.

use std::time::Duration;

use oci_artifact::name::Digest;
use reqwest::{Client, StatusCode};

use super::{Act, Auth, Bearer, Class, Fault, Match, Registry};
use crate::tls::Tls;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn client() -> Client {
    Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

async fn get(url: String) -> reqwest::Result<reqwest::Response> {
    client().get(url).timeout(Duration::from_secs(20)).send().await
}

fn a_manifest(registry: &Registry, name: &str) -> String {
    let config = registry.put_blob(name, b"{}");
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{{"mediaType":"x/y","digest":"{config}","size":2}},"layers":[]}}"#
    )
}

#[tokio::test]
async fn registry_takes_a_blob_in_one_post() {
    let registry = Registry::start();
    let digest = Digest::of(b"hello");
    let url = format!("{}/v2/org/app/blobs/uploads/?digest={digest}", registry.origin());
    let reply = client().post(url).body("hello").send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::CREATED);
    assert_eq!(registry.blob("org/app", &digest).unwrap(), b"hello");
    assert_eq!(registry.requests()[0].body_bytes, 5);
}

#[tokio::test]
async fn registry_takes_a_large_blob_in_chunks_and_serves_ranges() {
    let registry = Registry::builder().single_post(false).start();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|i| i.to_le_bytes()[0]).collect();
    let digest = Digest::of(&bytes);
    let opened = client()
        .post(format!("{}/v2/org/app/blobs/uploads/?digest={digest}", registry.origin()))
        .send()
        .await
        .unwrap();
    assert_eq!(opened.status(), StatusCode::ACCEPTED);
    let session = format!("{}{}", registry.origin(), opened.headers()["location"].to_str().unwrap());
    let patched = client().patch(&session).body(bytes[..2_000_000].to_vec()).send().await.unwrap();
    assert_eq!(patched.headers()["range"], "0-1999999");
    let put = client()
        .put(format!("{session}?digest={digest}"))
        .body(bytes[2_000_000..].to_vec())
        .send()
        .await
        .unwrap();
    assert_eq!(put.status(), StatusCode::CREATED);
    let url = format!("{}/v2/org/app/blobs/{digest}", registry.origin());
    assert_eq!(get(url.clone()).await.unwrap().bytes().await.unwrap(), bytes);
    let part = client().get(&url).header("range", "bytes=2999998-").send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.bytes().await.unwrap(), bytes[2_999_998..]);
    let head = client().head(&url).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], "3000000");
}

#[tokio::test]
async fn registry_refuses_wrong_digests_and_missing_blobs() {
    let registry = Registry::start();
    let other = Digest::of(b"other");
    let url = format!("{}/v2/org/app/blobs/uploads/?digest={other}", registry.origin());
    assert_eq!(client().post(url).body("hello").send().await.unwrap().status(), 400);
    let manifest = a_manifest(&registry, "elsewhere");
    let url = format!("{}/v2/org/app/manifests/v1", registry.origin());
    let reply =
        client().put(&url).header("content-type", MANIFEST).body(manifest.clone()).send().await.unwrap();
    assert_eq!(reply.status(), 400);
    assert!(reply.text().await.unwrap().contains("MANIFEST_BLOB_UNKNOWN"));
    a_manifest(&registry, "org/app");
    let reply =
        client().put(&url).header("content-type", MANIFEST).body(manifest.clone()).send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::CREATED);
    assert_eq!(registry.tags("org/app"), ["v1"]);
    let got = get(url).await.unwrap();
    assert_eq!(got.headers()["content-type"], MANIFEST);
    assert_eq!(got.text().await.unwrap(), manifest);
}

#[tokio::test]
async fn registry_pages_tags() {
    let registry = Registry::builder().page_size(2).start();
    let digest = Digest::of(b"x");
    for tag in ["a", "b", "c"] {
        registry.put_tag("org/app", tag, &digest);
    }
    let first = get(format!("{}/v2/org/app/tags/list", registry.origin())).await.unwrap();
    assert_eq!(first.headers()["link"], "</v2/org/app/tags/list?last=b&n=2>; rel=\"next\"");
    let second = get(format!("{}/v2/org/app/tags/list?last=b&n=2", registry.origin())).await.unwrap();
    assert!(second.headers().get("link").is_none());
    assert_eq!(second.text().await.unwrap(), r#"{"name":"org/app","tags":["c"]}"#);
}

#[tokio::test]
async fn registry_lists_referrers_only_when_it_may() {
    let registry = Registry::start();
    let subject = Digest::of(b"subject");
    let body = format!(r#"{{"artifactType":"a/b","subject":{{"digest":"{subject}"}}}}"#);
    let digest = Digest::of(body.as_bytes());
    registry.put_manifest("org/app", &digest.to_string(), MANIFEST, body.as_bytes());
    let url = format!("{}/v2/org/app/referrers/{subject}", registry.origin());
    assert!(get(url.clone()).await.unwrap().text().await.unwrap().contains(digest.hex()));
    let filtered = get(format!("{url}?artifactType=c/d")).await.unwrap();
    assert_eq!(filtered.headers()["oci-filters-applied"], "artifactType");
    assert!(!filtered.text().await.unwrap().contains(digest.hex()));
    registry.set_referrers(false);
    assert_eq!(get(url).await.unwrap().status(), 404);
}

#[tokio::test]
async fn basic_auth_lets_only_the_user_in() {
    let registry = Registry::builder().auth(Auth::basic("tester", "pass")).start();
    let url = format!("{}/v2/", registry.origin());
    let refused = get(url.clone()).await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["www-authenticate"], "Basic realm=\"registry\"");
    assert_eq!(client().get(&url).basic_auth("tester", Some("pass")).send().await.unwrap().status(), 200);
    assert_eq!(client().get(&url).basic_auth("tester", Some("no")).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn bearer_auth_checks_scope_end_and_revocation() {
    let auth = Auth::Bearer(Bearer {
        login: Some(("tester".to_owned(), "pass".to_owned())),
        anonymous_pull: true,
        ..Bearer::default()
    });
    let registry = Registry::builder().auth(auth).start();
    let digest = registry.put_blob("org/app", b"x");
    let blob = format!("{}/v2/org/app/blobs/{digest}", registry.origin());
    let refused = get(blob.clone()).await.unwrap();
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.ends_with(",scope=\"repository:org/app:pull\""), "{challenge}");
    let scope = "service=x&scope=repository:org/app:pull,push";
    let reply = get(format!("{}/token?{scope}", registry.origin())).await.unwrap().text().await.unwrap();
    let token = serde_json::from_str::<serde_json::Value>(&reply).unwrap()["token"].clone();
    let token = token.as_str().unwrap();
    assert_eq!(client().get(&blob).bearer_auth(token).send().await.unwrap().status(), 200);
    let uploads = format!("{}/v2/org/app/blobs/uploads/", registry.origin());
    let refused = client().post(&uploads).bearer_auth(token).send().await.unwrap();
    assert!(refused.headers()["www-authenticate"].to_str().unwrap().contains("insufficient_scope"));
    registry.revoke_tokens();
    assert_eq!(client().get(&blob).bearer_auth(token).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn fault_status_is_used_up() {
    let registry = Registry::start();
    registry.fault(Fault::once(Match::class(Class::Ping), Act::too_many_requests("7")));
    let url = format!("{}/v2/", registry.origin());
    let limited = get(url.clone()).await.unwrap();
    assert_eq!((limited.status().as_u16(), &limited.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    assert_eq!(get(url).await.unwrap().status(), 200);
    assert_eq!(registry.requests().iter().map(|r| r.status).collect::<Vec<_>>(), [429, 200]);
}

#[tokio::test]
async fn fault_damages_a_body_in_each_way() {
    let registry = Registry::start();
    let digest = registry.put_blob("org/app", b"0123456789");
    let url = format!("{}/v2/org/app/blobs/{digest}", registry.origin());
    let blob = Match::class(Class::Blob);
    registry.fault(Fault::once(blob.clone(), Act::Corrupt(1)));
    assert_eq!(get(url.clone()).await.unwrap().bytes().await.unwrap(), "0023456789");
    registry.fault(Fault::once(blob.clone(), Act::ExtraBytes(2)));
    assert_eq!(get(url.clone()).await.unwrap().bytes().await.unwrap(), "0123456789  ");
    registry.fault(Fault::once(blob.clone(), Act::Truncate(4)));
    let mut cut = get(url.clone()).await.unwrap();
    assert_eq!(cut.headers()["content-length"], "10");
    assert_eq!(cut.chunk().await.unwrap().unwrap(), "0123");
    assert!(cut.chunk().await.is_err());
    registry.fault(Fault::once(blob.clone(), Act::Endless));
    let mut endless = get(url.clone()).await.unwrap();
    let mut total = 0;
    while total < 1_000_000 {
        total += endless.chunk().await.unwrap().unwrap().len();
    }
    drop(endless);
    registry.fault(Fault::once(blob.clone(), Act::digest_header("sha256:lie")));
    assert_eq!(get(url.clone()).await.unwrap().headers()["docker-content-digest"], "sha256:lie");
    registry.fault(Fault::once(blob, Act::StallBody(4)));
    let mut stalled = get(url).await.unwrap();
    assert_eq!(stalled.chunk().await.unwrap().unwrap(), "0123");
    assert!(tokio::time::timeout(Duration::from_millis(50), stalled.chunk()).await.is_err());
}

#[tokio::test]
async fn fault_speaks_below_http() {
    let registry = Registry::start();
    let url = format!("{}/v2/", registry.origin());
    registry.fault(Fault::once(Match::any(), Act::RawReply("HTTP/1.1 299 Odd\r\nX: y\r\n\r\nraw".into())));
    let odd = get(url.clone()).await.unwrap();
    assert_eq!((odd.status().as_u16(), odd.text().await.unwrap().as_str()), (299, "raw"));
    registry.fault(Fault::once(Match::any(), Act::Close).after(0));
    assert!(get(url.clone()).await.is_err());
    registry.fault(Fault::once(Match::any(), Act::Stall));
    let stalled = client().get(&url).timeout(Duration::from_millis(100)).send().await;
    assert!(stalled.unwrap_err().is_timeout());
    registry.fault(Fault::once(
        Match::any(),
        Act::Redirect { to: "http://other.test{path}".to_owned(), status: 307 },
    ));
    assert_eq!(get(url).await.unwrap().headers()["location"], "http://other.test/v2/");
}

#[tokio::test]
async fn log_counts_connections_and_requests_in_flight() {
    let registry = Registry::builder().latency(Duration::from_millis(100)).start();
    let url = format!("{}/v2/", registry.origin());
    let (one, two) = tokio::join!(get(url.clone()), get(url));
    assert_eq!((one.unwrap().status(), two.unwrap().status()), (StatusCode::OK, StatusCode::OK));
    assert_eq!((registry.accepts(), registry.max_in_flight(), registry.requests().len()), (2, 2, 2));
    registry.reset();
    assert_eq!((registry.accepts(), registry.requests().len()), (0, 0));
}

#[tokio::test]
async fn mutual_tls_demands_the_client_certificate() {
    let tls = Tls::new();
    let registry = Registry::builder().mutual_tls(&tls).start();
    let url = format!("{}/v2/", registry.origin());
    let root = reqwest::Certificate::from_pem(tls.ca_pem.as_bytes()).unwrap();
    let builder = || Client::builder().no_proxy().tls_certs_only([root.clone()]);
    assert!(builder().build().unwrap().get(&url).send().await.is_err());
    let pem = format!("{}{}", tls.client_key_pem, tls.client_cert_pem);
    let identity = reqwest::Identity::from_pem(pem.as_bytes()).unwrap();
    let reply = builder().identity(identity).build().unwrap().get(&url).send().await.unwrap();
    assert_eq!(reply.status(), 200);
}

#[test]
fn registry_stops_with_its_value() {
    let mut registry = Registry::start();
    let address = registry.address();
    assert!(std::net::TcpStream::connect(address).is_ok());
    registry.stop();
    assert!(std::net::TcpStream::connect(address).is_err());
}
