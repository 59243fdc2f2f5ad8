//! Liveness and readiness.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{Router, extract::State, http::StatusCode, routing::get};

/// Whether requests may be sent here.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    certified: AtomicBool,
    draining: AtomicBool,
}

impl Health {
    /// There is a certificate to serve with.
    pub fn certified(&self) {
        self.0.certified.store(true, Ordering::Relaxed);
    }

    /// The process is about to end.
    pub fn draining(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// Why nothing may be sent here.
    fn trouble(&self) -> Option<&'static str> {
        if self.0.draining.load(Ordering::Relaxed) {
            Some("shutting down")
        } else if self.0.certified.load(Ordering::Relaxed) {
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
