//! What is counted of connections.

use prometheus_client::metrics::{counter::Counter, gauge::Gauge};

/// Connections of one listener.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    /// Open connections.
    pub open: Gauge,
    /// TLS handshakes that failed or took too long.
    pub handshake_failures: Counter,
    /// Connections that were closed because their client was too slow, or idle for too long.
    pub timeouts: Counter,
}

/// Counts a connection, a request or whatever else for as long as it lives.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Counted {
    /// Counts until it is dropped.
    pub fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Connections {
    /// Counts one more connection.
    pub fn open(&self) -> Counted {
        Counted::new(&self.open)
    }
}
