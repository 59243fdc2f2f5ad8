//! `/healthz`, `/readyz` and `/metrics`.

use std::{
    borrow::Cow,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
    routing::get,
};

use crate::{cluster::call::CallError, storage::Bucket};

/// What probes are told.
#[derive(Clone, Debug, Default)]
pub(super) struct Health(Arc<State>);

#[derive(Debug, Default)]
struct State {
    leading: AtomicBool,
    ready: AtomicBool,
    ending: AtomicBool,
    /// Why the objects are not known, if so.
    unlisted: Mutex<Option<String>>,
    /// Set where everybody serves.
    bucket: OnceLock<Bucket>,
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

    /// The objects cannot be watched.
    pub(super) fn unlisted(&self, why: &CallError) {
        *self.0.unlisted.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.to_string());
    }

    /// All objects are known.
    pub(super) fn listed(&self) {
        *self.0.unlisted.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whoever leads: this process serves from a bucket.
    pub(super) fn serves(&self, bucket: Bucket) {
        let _ = self.0.bucket.set(bucket);
    }

    /// The end has begun: nobody should come here any more.
    pub(super) fn ending(&self) {
        self.0.ending.store(true, Ordering::Relaxed);
    }

    /// Why nobody should come here, if so.
    fn unready(&self) -> Option<Cow<'static, str>> {
        let is = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        let bucket = self.0.bucket.get();
        if is(&self.0.ending) {
            Some("shutting down".into())
        } else if bucket.is_none() && !is(&self.0.leading) {
            // The words of source-controller's check of that name.
            Some("leader-election: manager is not the leader".into())
        } else if is(&self.0.ready) {
            None
        } else if let Some(bucket) = bucket {
            let why = bucket.trouble().unwrap_or_else(|| "the bucket has not answered yet".to_owned());
            Some(format!("storage: {why}").into())
        } else {
            let why = self.0.unlisted.lock().unwrap_or_else(PoisonError::into_inner).clone();
            Some(why.map_or("storage: artifacts are still being read or fetched".into(), Cow::from))
        }
    }

    /// What does not work, although it is no reason not to come here: what was read before is served.
    fn trouble(&self) -> Option<String> {
        self.0.bucket.get()?.trouble()
    }

    /// The probes.
    pub(super) fn router(&self) -> Router {
        let health = self.clone();
        let readiness = move || async move {
            match health.unready() {
                None => (
                    StatusCode::OK,
                    health.trouble().map_or("ok".into(), |why| format!("ok, but: {why}").into()),
                ),
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
    use crate::cluster::call::Cause;

    #[test]
    fn health_is_ready_only_while_leading_with_all_artifacts() {
        let health = Health::default();
        assert!(health.unready().is_some_and(|why| why.contains("not the leader")));
        health.leading();
        assert!(health.unready().is_some_and(|why| why.contains("storage")));
        let why = CallError { attempted: "watching".to_owned(), cause: Cause::NotFound };
        health.unlisted(&why);
        assert_eq!(health.unready().as_deref(), Some("watching: not found"));
        health.listed();
        health.ready();
        assert_eq!(health.unready(), None);
        health.unlisted(&why);
        assert_eq!(health.unready(), None, "what is there is served");
        health.ending();
        assert_eq!(health.unready().as_deref(), Some("shutting down"));
    }
}
