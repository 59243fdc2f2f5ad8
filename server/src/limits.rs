//! Every bound of a server: bytes, counts and times. A bound is inclusive.

use std::time::Duration;

/// Bytes of the head of a request.
pub const HEAD_BYTES: usize = 16 << 10;

/// Bytes of a file of certificates or of a key.
pub const PEM_BYTES: u64 = 1 << 20;
/// Log lines about rejected clients within [`REJECTIONS_SPAN`], for each cause. Whoever reaches the port can cause one.
pub const REJECTIONS_LOGGED: u32 = 20;
/// See [`REJECTIONS_LOGGED`].
pub const REJECTIONS_SPAN: Duration = Duration::from_mins(1);

/// The bounds that are told to a server when it starts, so that tests can use small ones.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once. More wait in the kernel; idle ones are then closed sooner.
    pub connections: usize,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// From the first byte of a request to the end of its head; also from the handshake to that first byte.
    pub head: Duration,
    /// Between two requests of a connection. Longer than the 90 s after which the API server's client closes one: the
    /// side that closes first decides whether a request can get lost.
    pub idle: Duration,
    /// The same while all connections are taken.
    pub crowded_idle: Duration,
    /// For a client to take some bytes of an answer.
    pub stall: Duration,
    /// Bytes of an answer that wait for a slow client; what its body gives at once may exceed it. At least
    /// [`HEAD_BYTES`].
    pub buffer: usize,
    /// For one more request on an idle connection, once the listener is closed.
    pub linger: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_000,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            idle: Duration::from_mins(3),
            crowded_idle: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            buffer: 400 << 10,
            linger: Duration::from_secs(1),
        }
    }
}
