//! Requests that get no review as their answer.

use axum::{
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};

use crate::{observe::Cause, wire};

/// Why, for the client: a status and one line of text.
#[derive(Debug, thiserror::Error)]
pub(super) enum Rejection {
    #[error("there is nothing at `{0}`: POST /validate or /convert, GET /healthz or /readyz")]
    Path(String),
    #[error("`{path}` does not answer {method}")]
    Method { method: String, path: String },
    #[error("the content type must be application/json, not `{0}`")]
    ContentType(String),
    #[error("the content encoding `{0}` is not understood: send the review as it is")]
    Encoding(String),
    #[error("the body is larger than the limit of {0} bytes")]
    TooLarge(usize),
    #[error("the body broke off: {0}")]
    Aborted(String),
    #[error(transparent)]
    Malformed(#[from] wire::Error),
    #[error("too many reviews are in work, try again")]
    Busy,
    #[error("the body did not come within {0:?}")]
    Slow(std::time::Duration),
    #[error("the work did not end: {0}")]
    Lost(String),
}

impl Rejection {
    fn status(&self) -> StatusCode {
        match self {
            Self::Path(_) => StatusCode::NOT_FOUND,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentType(_) | Self::Encoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Aborted(_) | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Busy | Self::Slow(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Lost(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What the metric says; nothing for what is no request for a review.
    pub(super) fn cause(&self) -> Option<Cause> {
        match self {
            Self::Path(_) | Self::Method { .. } => None,
            Self::ContentType(_) | Self::Encoding(_) => Some(Cause::Unsupported),
            Self::TooLarge(_) => Some(Cause::TooLarge),
            Self::Aborted(_) => Some(Cause::Aborted),
            Self::Malformed(_) => Some(Cause::Malformed),
            Self::Busy => Some(Cause::Busy),
            Self::Slow(_) | Self::Lost(_) => Some(Cause::Deadline),
        }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = (status, self.to_string()).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            // With this header the API server's client tries again by itself.
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
