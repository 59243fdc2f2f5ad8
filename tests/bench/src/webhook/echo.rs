//! The peer: the same connections, TLS and HTTP, and a handler that does nothing.

use std::{fs, net::TcpListener, sync::Arc};

use axum::{Router, body::Bytes, routing::post};
use oci_server::{
    Options,
    limits::Limits,
    serve,
    tls::{self, Served, source::Material},
};
use oci_webhook::{app, observe::Metrics};

/// Serves until it is killed: `echo PORT CERTIFICATE KEY`.
pub(crate) fn run() {
    let arguments: Vec<String> = std::env::args().skip(2).collect();
    let material =
        Material { certificate: fs::read(&arguments[1]).unwrap(), key: fs::read(&arguments[2]).unwrap() };
    let served = Arc::new(Served::default());
    served.replace(material.identity(app::now()).unwrap());
    let router = Router::new().route("/validate", post(async |body: Bytes| body));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = Options {
            tls: Some(tls::server_config(served).unwrap()),
            limits: Limits::default(),
            connections: Metrics::new().connections("webhook"),
        };
        let listener = TcpListener::bind(format!("127.0.0.1:{}", arguments[0])).unwrap();
        let _running = serve(listener, router, options).unwrap();
        std::future::pending::<()>().await;
    });
}
