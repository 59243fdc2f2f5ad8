//! HTTP around the two pure functions: paths, statuses, limits, deadlines.
//!
//! A review that can be answered gets status 200 and says in itself what is wrong; everything else gets another status
//! and one line of text, which the API server shows to whoever waits.

mod body;
mod health;
mod reject;
mod review;

use std::sync::Arc;

use axum::{
    Router,
    http::{Method, Uri},
    routing::{get, post},
};
use oci_server::{
    Quotas,
    limits::{REJECTIONS_LOGGED, REJECTIONS_SPAN},
};
use tokio::sync::Semaphore;

pub use health::Health;

use crate::{
    admit::Rules,
    http::reject::Rejection,
    limits::Permits,
    observe::{Cause, Metrics},
};

/// What the handlers share.
#[derive(Debug)]
pub struct Webhook {
    rules: Rules,
    permits: Permits,
    health: Health,
    metrics: Arc<Metrics>,
    /// Log lines about rejected requests.
    rejections: Quotas<Option<Cause>>,
    /// In KiB of reviews.
    admissions: Arc<Semaphore>,
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Webhook {
    /// A webhook that judges by these rules.
    pub fn new(rules: Rules, permits: Permits, health: Health, metrics: Arc<Metrics>) -> Arc<Self> {
        let admissions = usize::try_from(permits.admission_kib).unwrap_or(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            rules,
            health,
            metrics,
            rejections: Quotas::new(REJECTIONS_LOGGED, REJECTIONS_SPAN),
            admissions: Arc::new(Semaphore::new(admissions)),
            small: Arc::new(Semaphore::new(permits.small_conversions)),
            large: Arc::new(Semaphore::new(1)),
            permits,
        })
    }

    /// What the API server talks to.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/validate", post(review::validate))
            .route("/convert", post(review::convert))
            .with_state(Arc::clone(self))
            .merge(health::probes(&self.health))
            .fallback(nowhere)
            .method_not_allowed_fallback(not_so)
    }

    /// What kubelet and Prometheus talk to, without TLS.
    pub fn operations(self: &Arc<Self>) -> Router {
        let metrics = Arc::clone(&self.metrics);
        let text = move || {
            let text = metrics.text();
            async { ([(axum::http::header::CONTENT_TYPE, OPEN_METRICS)], text) }
        };
        Router::new()
            .route("/metrics", get(text))
            .merge(health::probes(&self.health))
            .fallback(nowhere)
            .method_not_allowed_fallback(not_so)
    }
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

async fn nowhere(uri: Uri) -> Rejection {
    Rejection::Path(crate::wire::shown(uri.path()))
}

async fn not_so(method: Method, uri: Uri) -> Rejection {
    Rejection::Method { method: crate::wire::shown(method.as_str()), path: crate::wire::shown(uri.path()) }
}
