//! Clients that are slow, silent or too many do not hinder others.

use std::{net::TcpStream, time::Duration};

use oci_server::limits::Limits;
use oci_webhook::limits::Permits;

use crate::{
    client::head,
    reviews::{bytes, create, object},
    served::Server,
};

fn short() -> Limits {
    Limits {
        handshake: Duration::from_secs(1),
        head: Duration::from_secs(1),
        idle: Duration::from_secs(1),
        crowded_idle: Duration::from_millis(50),
        ..Limits::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn server_closes_connections_that_stay_silent() {
    let server = Server::with(short(), Permits::default());
    // No handshake.
    let mut silent = TcpStream::connect(server.running.address()).unwrap();
    // A handshake, but no request.
    let mut fresh = server.client().await;
    // The beginning of a request.
    let mut begun = server.client().await;
    begun.send(b"GET /heal").await.unwrap();
    // One request and no other.
    let mut idle = server.client().await;
    assert_eq!(idle.get("/healthz").await.status, 200);
    fresh.closed().await;
    begun.closed().await;
    idle.closed().await;
    let ended = tokio::task::spawn_blocking(move || std::io::copy(&mut silent, &mut std::io::sink()));
    // An end or a reset, depending on what was sent.
    drop(ended.await.unwrap());
    while !server.counted(r#"oci_webhook_connections{listener="webhook"} 0"#) {
        tokio::task::yield_now().await;
    }
    assert!(server.counted(r#"oci_webhook_connection_timeouts_total{listener="webhook"} 3"#));
    assert!(server.counted(r#"oci_webhook_handshake_failures_total{listener="webhook"} 1"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn server_answers_others_beside_slow_clients() {
    let server = Server::start();
    let body = bytes(&create(&object()));
    let mut slow = Vec::new();
    for number in 0..200 {
        let mut client = server.client().await;
        match number % 4 {
            0 => {}
            1 => client.send(b"POST /vali").await.unwrap(),
            2 => client.send(head("/convert", 1 << 20).as_bytes()).await.unwrap(),
            _ => client.send(b"\r\n").await.unwrap(),
        }
        slow.push(client);
    }
    let mut client = server.client().await;
    for _ in 0..50 {
        assert_eq!(client.post("/validate", &body).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn server_makes_room_by_closing_idle_connections() {
    let limits = Limits { connections: 4, crowded_idle: Duration::from_millis(50), ..Limits::default() };
    let server = Server::with(limits, Permits::default());
    let mut idle = Vec::new();
    for _ in 0..4 {
        let mut client = server.client().await;
        assert_eq!(client.get("/healthz").await.status, 200);
        idle.push(client);
    }
    // Waits for its place, and gets it.
    let mut fifth = server.client().await;
    assert_eq!(fifth.get("/healthz").await.status, 200);
    idle[0].closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_survives_connections_that_are_cut() {
    let server = Server::start();
    let body = bytes(&create(&object()));
    for cut in [0, 1, 50, 150, 300] {
        let mut client = server.client().await;
        let mut request = head("/validate", body.len()).into_bytes();
        request.extend_from_slice(&body);
        client.send(&request[..cut]).await.unwrap();
        drop(client);
    }
    // No TLS at all.
    let mut plain = TcpStream::connect(server.running.address()).unwrap();
    std::io::Write::write_all(&mut plain, b"GET /healthz HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(server.client().await.post("/validate", &body).await.status, 200);
}
