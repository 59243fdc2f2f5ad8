//! Artifacts over HTTP: GET and HEAD of what the storage's index has, and of nothing else.
//!
//! ```text
//!  request ─► path: looked up as text ─► conditions ─► range ─► small: from the cache, in one write
//!                    │ unknown: 404       304, 412      416     large: streamed, a piece at a time
//! ```
//!
//! No path is joined, no folder is listed, no link is followed. A file goes out only while it is the one that was
//! stored, and a transfer that cannot be finished ends with a cut connection, never with a short answer.

mod answer;
mod body;
mod cache;
mod conditions;
mod range;

use std::{io, net::TcpListener, time::Duration};

use oci_server::{Options, Running, limits::Limits};

use crate::storage::Storage;

/// Bounds for consumers: many of them, each with an idle connection, and some so slow that the kernel's buffer does
/// not move for minutes.
pub fn limits() -> Limits {
    Limits { connections: 4_096, stall: Duration::from_mins(5), buffer: 64 << 10, ..Limits::default() }
}

/// Serves the artifacts of a storage. Must be called inside a tokio runtime.
pub fn serve(listener: TcpListener, storage: Storage, options: Options) -> io::Result<Running> {
    oci_server::serve(listener, answer::Artifacts::new(storage), options)
}
