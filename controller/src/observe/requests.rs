//! Requests to the API server, as client-go counts them.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};

/// The value of `code` where there was no answer.
const NO_ANSWER: &str = "<error>";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Labels {
    code: String,
    host: Arc<str>,
    method: String,
}

/// By host, method and answer.
pub(super) type Answers = Family<Labels, Counter>;

/// Counts the requests to one API server; clones count together.
#[derive(Clone, Debug)]
pub struct Requests {
    pub(super) answers: Answers,
    pub(super) host: Arc<str>,
}

impl Requests {
    /// One was answered; `None` if it was not.
    pub fn answered(&self, method: &Method, answer: Option<StatusCode>) {
        let code = answer.map_or_else(|| NO_ANSWER.to_owned(), |status| status.as_str().to_owned());
        let labels = Labels { code, host: Arc::clone(&self.host), method: method.as_str().to_owned() };
        self.answers.get_or_create(&labels).inc();
    }
}
