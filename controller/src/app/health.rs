//! `/healthz`, `/readyz` and `/metrics`.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
    routing::get,
};

/// What probes are told.
#[derive(Clone, Debug, Default)]
pub(super) struct Health(Arc<State>);

#[derive(Debug, Default)]
struct State {
    leading: AtomicBool,
    ready: AtomicBool,
    ending: AtomicBool,
}

impl Health {
    /// This process leads.
    pub(super) fn leading(&self) {
        self.0.leading.store(true, Ordering::Relaxed);
    }

    /// Every artifact that a status names is served.
    pub(super) fn ready(&self) {
        self.0.ready.store(true, Ordering::Relaxed);
    }

    /// The end has begun: nobody should come here any more.
    pub(super) fn ending(&self) {
        self.0.ending.store(true, Ordering::Relaxed);
    }

    /// Why nobody should come here, if so.
    fn unready(&self) -> Option<&'static str> {
        let is = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        if is(&self.0.ending) {
            Some("shutting down")
        } else if !is(&self.0.leading) {
            // The words of source-controller's check of that name.
            Some("leader-election: manager is not the leader")
        } else if !is(&self.0.ready) {
            Some("storage: artifacts are still being read or fetched")
        } else {
            None
        }
    }

    /// The probes.
    pub(super) fn router(&self) -> Router {
        let health = self.clone();
        let readiness = move || async move {
            match health.unready() {
                None => (StatusCode::OK, "ok"),
                Some(why) => (StatusCode::SERVICE_UNAVAILABLE, why),
            }
        };
        Router::new().route("/healthz", get(|| async { "ok" })).route("/readyz", get(readiness))
    }
}

/// `/metrics`, whose text is made at each request.
pub(super) fn metrics(text: impl Fn() -> String + Clone + Send + Sync + 'static) -> Router {
    Router::new().route("/metrics", get(move || async move { page(text()) }))
}

fn page(text: String) -> Response {
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_is_ready_only_while_leading_with_all_artifacts() {
        let health = Health::default();
        assert!(health.unready().is_some_and(|why| why.contains("not the leader")));
        health.leading();
        assert!(health.unready().is_some_and(|why| why.contains("storage")));
        health.ready();
        assert_eq!(health.unready(), None);
        health.ending();
        assert_eq!(health.unready(), Some("shutting down"));
    }
}
