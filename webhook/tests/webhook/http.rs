//! Statuses, limits and metrics over real TLS.

use std::time::Duration;

use oci_server::limits::Limits;
use oci_webhook::limits::{ADMISSION_BYTES, CONVERSION_BYTES, Permits};

use crate::{
    client::{head, post},
    reviews::{
        V1, V1BETA2, around_chunks, bytes, conversion, convert, create, object, padded, stored, wrong,
    },
    served::Server,
};

#[tokio::test(flavor = "multi_thread")]
async fn server_answers_reviews_on_one_connection() {
    let server = Server::start();
    let mut client = server.client().await;
    for _ in 0..10 {
        let answer = client.post("/validate", &bytes(&create(&object()))).await;
        assert_eq!(answer.status, 200);
        assert!(answer.head.contains("content-type: application/json"));
        assert_eq!(answer.json()["response"]["allowed"], true);
        let answer = client.post("/validate", &bytes(&create(&wrong()))).await;
        assert_eq!((answer.status, &answer.json()["response"]["status"]["code"]), (200, &422.into()));
        let answer = client.post("/convert", &conversion(V1, &[stored(V1BETA2, 0, 9)])).await;
        assert_eq!(answer.json()["response"]["convertedObjects"][0]["apiVersion"], V1);
        assert!(!answer.closes());
    }
    assert!(server.counted(r#"oci_webhook_reviews_total{endpoint="validate",verdict="allowed"} 10"#));
    assert!(server.counted(r#"oci_webhook_reviews_total{endpoint="validate",verdict="refused"} 10"#));
    assert!(server.counted(r#"oci_webhook_reviews_total{endpoint="convert",verdict="converted"} 10"#));
    assert!(server.counted(r#"oci_webhook_faults_total{code="UrlTag"} 10"#));
    assert!(server.counted(r#"oci_webhook_connections{listener="webhook"} 1"#));
    assert!(server.counted(r#"oci_webhook_reviews_in_flight{endpoint="validate"} 0"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn server_sends_converted_lists_as_they_are() {
    let server = Server::start();
    let mut client = server.client().await;
    let many = conversion(V1, &(0..5_000).map(|n| stored(V1BETA2, n, n)).collect::<Vec<_>>());
    let lists = around_chunks().flat_map(|length| [padded(1, length), padded(50, length)]);
    for review in lists.chain([conversion(V1, &[]), many]) {
        let wanted = convert(&review).unwrap().body.to_vec();
        let answer = client.post("/convert", &review).await;
        assert_eq!(answer.status, 200);
        let length = format!("\ncontent-length: {}\r", wanted.len());
        assert!(
            answer.head.contains(&length) && !answer.head.contains("transfer-encoding"),
            "{}",
            answer.head
        );
        assert!(answer.body == wanted, "{} bytes", wanted.len());
    }
    // The next answer begins where the last one ended.
    assert_eq!(client.get("/healthz").await.text(), "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn server_tells_probes_whether_it_is_ready() {
    let server = Server::start();
    let mut client = server.client().await;
    assert_eq!(client.get("/healthz").await.status, 200);
    assert_eq!(client.get("/readyz").await.status, 200);
    server.health.draining();
    let answer = client.get("/readyz").await;
    assert_eq!((answer.status, answer.text().as_str()), (503, "shutting down"));
    assert_eq!(client.get("/healthz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn server_rejects_what_is_no_request_for_a_review() {
    let server = Server::start();
    let mut client = server.client().await;
    assert_eq!(client.get("/nowhere").await.status, 404);
    let answer = client.get("/validate").await;
    assert_eq!(answer.status, 405);
    assert!(answer.head.contains("allow: post"));
    for (header, part) in [
        ("Content-Type: application/json; charset=utf-8", None),
        ("Content-Type: APPLICATION/JSON", None),
        ("Content-Type: text/json", Some("not `text/json`")),
        ("Content-Type: application/jsonx", Some("not `application/jsonx`")),
        ("X: y", Some("not ``")),
        ("Content-Type: application/json\r\nContent-Encoding: gzip", Some("encoding `gzip`")),
        ("Content-Type: application/json\r\nContent-Encoding: identity", None),
    ] {
        let review = String::from_utf8(post("/validate", &bytes(&create(&object())))).unwrap();
        let request = review.replace("Content-Type: application/json", header);
        let answer = server.client().await.request(request.as_bytes()).await.unwrap();
        match part {
            None => assert_eq!(answer.status, 200, "{header}"),
            Some(part) => {
                assert_eq!(answer.status, 415, "{header}");
                assert!(answer.text().contains(part), "{}", answer.text());
            }
        }
    }
    assert!(
        server.counted(r#"oci_webhook_rejected_requests_total{endpoint="validate",cause="unsupported"} 4"#)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn server_says_what_is_wrong_with_a_body_and_goes_on() {
    let server = Server::start();
    let mut client = server.client().await;
    let review = bytes(&create(&object()));
    for (path, body) in [
        ("/validate", &b""[..]),
        ("/validate", b"{"),
        ("/validate", &review[..review.len() - 1]),
        ("/validate", &conversion(V1, &[])),
        ("/convert", b"null"),
        ("/convert", &review),
    ] {
        let answer = client.post(path, body).await;
        assert_eq!(answer.status, 400);
        assert!(answer.head.contains("content-type: text/plain"));
        let text = answer.text();
        assert!(text.starts_with("the body is ") && !text.contains('\n'), "{text}");
    }
    assert_eq!(client.post("/validate", &review).await.status, 200);
    assert!(
        server.counted(r#"oci_webhook_rejected_requests_total{endpoint="validate",cause="malformed"} 4"#)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn server_bounds_bodies() {
    let server = Server::start();
    for (path, limit, review) in [
        ("/validate", ADMISSION_BYTES, bytes(&create(&object()))),
        ("/convert", CONVERSION_BYTES, conversion(V1, &[stored(V1BETA2, 0, 9)])),
    ] {
        let mut body = review;
        body.resize(limit, b' ');
        let answer = server.client().await.post(path, &body).await;
        assert_eq!((answer.status, answer.text().contains("\"response\"")), (200, true));
        // Announced: not a byte of it has to be sent.
        let mut client = server.client().await;
        let answer = client.request(head(path, limit + 1).as_bytes()).await.unwrap();
        assert_eq!(answer.status, 413);
        assert_eq!(answer.text(), format!("the body is larger than the limit of {limit} bytes"));
        client.closed().await;
    }
    assert!(server.counted(r#"oci_webhook_rejected_requests_total{endpoint="convert",cause="too_large"} 1"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn server_bounds_bodies_of_unknown_length() {
    let server = Server::start();
    let review = bytes(&create(&object()));
    let chunked = "POST /validate HTTP/1.1\r\nHost: w\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = |body: &[u8]| {
        let mut chunk = format!("{:x}\r\n", body.len()).into_bytes();
        chunk.extend_from_slice(body);
        chunk.extend_from_slice(b"\r\n");
        chunk
    };
    for (length, status) in [(review.len(), 200), (ADMISSION_BYTES, 200), (ADMISSION_BYTES + 1, 413)] {
        let mut body = review.clone();
        body.resize(length, b' ');
        let mut client = server.client().await;
        client.send(chunked.as_bytes()).await.unwrap();
        for part in body.chunks(1 << 20) {
            client.send(&chunk(part)).await.unwrap();
        }
        // The last chunk is more than a server needs that has had enough.
        let _ = client.send(b"0\r\n\r\n").await;
        assert_eq!(client.answer().await.unwrap().status, status, "{length}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn server_bounds_heads() {
    let server = Server::start();
    let line = |bytes: usize| format!("GET /healthz HTTP/1.1\r\nHost: w\r\nX: {}\r\n\r\n", "x".repeat(bytes));
    for (request, status) in [
        (line(10_000), 200),
        (line(20_000), 431),
        (format!("GET /healthz HTTP/1.1\r\nHost: w\r\n{}\r\n", "X: y\r\n".repeat(1_000)), 431),
        ("GET /healthz HTTP/1.1\r\nHost: w\r\n X: y\r\n\r\n".to_owned(), 400),
        ("GET /healthz HTTP/1.1\r\nHost: w\r\nX: \0\r\n\r\n".to_owned(), 400),
        ("POST /validate HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx".to_owned(), 400),
        ("NONSENSE\r\n\r\n".to_owned(), 400),
    ] {
        let answer = server.client().await.request(request.as_bytes()).await.unwrap();
        assert_eq!(answer.status, status, "{request:.60}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn server_answers_many_requests_sent_at_once() {
    let server = Server::start();
    let mut client = server.client().await;
    let one = post("/validate", &bytes(&create(&object())));
    client.send(&one.repeat(100)).await.unwrap();
    for _ in 0..100 {
        assert_eq!(client.answer().await.unwrap().status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn server_is_busy_when_its_permits_are_taken() {
    let short = Duration::from_millis(50);
    let permits = Permits { admission_kib: 1, admission_deadline: short, ..Permits::default() };
    let server = Server::with(Limits::default(), permits);
    let mut client = server.client().await;
    let answer = client.post("/validate", &bytes(&create(&object()))).await;
    assert_eq!((answer.status, answer.text().as_str()), (503, "too many reviews are in work, try again"));
    assert!(answer.head.contains("retry-after: 1"));
    assert!(server.counted(r#"oci_webhook_rejected_requests_total{endpoint="validate",cause="busy"} 1"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn server_waits_for_a_body_until_its_deadline() {
    let short = Duration::from_millis(50);
    let permits = Permits { admission_deadline: short, conversion_body: short, ..Permits::default() };
    let server = Server::with(Limits::default(), permits);
    for path in ["/validate", "/convert"] {
        let mut client = server.client().await;
        let answer = client.request(head(path, 100).as_bytes()).await.unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (503, "the body did not come within 50ms"));
        client.closed().await;
    }
    assert!(server.counted(r#"oci_webhook_rejected_requests_total{endpoint="convert",cause="deadline"} 1"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn server_converts_small_lists_while_a_large_one_holds_its_permit() {
    let server = Server::start();
    let large = conversion(V1, &(0..10_000).map(|n| stored(V1BETA2, n, 700)).collect::<Vec<_>>());
    let small = conversion(V1, &[stored(V1BETA2, 0, 100)]);
    let mut holder = server.client().await;
    let (begin, end) = large.split_at(large.len() / 2);
    holder.send(head("/convert", large.len()).as_bytes()).await.unwrap();
    holder.send(begin).await.unwrap();
    for _ in 0..20 {
        assert_eq!(server.client().await.post("/convert", &small).await.status, 200);
    }
    holder.send(end).await.unwrap();
    let answer = holder.answer().await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["response"]["convertedObjects"].as_array().unwrap().len(), 10_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn server_works_on_one_large_list_at_a_time() {
    let permits = Permits { conversion_deadline: Duration::from_secs(5), ..Permits::default() };
    let server = Server::with(Limits::default(), permits);
    let objects: Vec<String> = (0..100).map(|number| stored(V1BETA2, number, 160_000)).collect();
    let large = conversion(V1, &objects);
    // Its reply is more than fits on the way to a client that does not read: the permit stays with the reply.
    let mut first = server.client().await;
    first.send(&post("/convert", &large)).await.unwrap();
    while !server.counted(r#"oci_webhook_reviews_total{endpoint="convert",verdict="converted"} 1"#) {
        tokio::task::yield_now().await;
    }
    let answer = server.client().await.request(head("/convert", large.len()).as_bytes()).await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (503, "too many reviews are in work, try again"));
    assert_eq!(server.client().await.post("/convert", &conversion(V1, &[])).await.status, 200);
    assert_eq!(first.answer().await.unwrap().status, 200);
    assert_eq!(server.client().await.post("/convert", &large).await.status, 200);
}
