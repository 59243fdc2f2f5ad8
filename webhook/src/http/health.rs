//! Liveness and readiness.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{Router, extract::State, http::StatusCode, routing::get};
use oci_server::tls::Served;

/// Whether requests may be sent here.
#[derive(Clone, Debug)]
pub struct Health {
    served: Arc<Served>,
    draining: Arc<AtomicBool>,
}

impl Health {
    /// They may, once there is a certificate to serve with, and as long as the process is not about to end.
    pub fn new(served: Arc<Served>) -> Self {
        Self { served, draining: Arc::default() }
    }

    /// The process is about to end.
    pub fn draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Why nothing may be sent here.
    fn trouble(&self) -> Option<&'static str> {
        if self.draining.load(Ordering::Relaxed) {
            Some("shutting down")
        } else if self.served.current().is_some() {
            None
        } else {
            Some("there is no certificate yet")
        }
    }
}

/// `/healthz`: the process answers. `/readyz`: send requests here.
pub(super) fn probes(health: &Health) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(ready))
        .with_state(health.clone())
}

async fn ready(State(health): State<Health>) -> (StatusCode, &'static str) {
    match health.trouble() {
        None => (StatusCode::OK, "ok"),
        Some(trouble) => (StatusCode::SERVICE_UNAVAILABLE, trouble),
    }
}
