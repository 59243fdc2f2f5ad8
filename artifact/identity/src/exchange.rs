//! One question to a token service, and its answer.

use oci_registry::{
    Secret, WireErrors,
    web::{Web, WebRequest},
};
use serde::de::DeserializeOwned;

use crate::error::IdentityError;

/// What is attempted, and how the service says no.
pub(crate) struct Exchange {
    /// Such as `getting a token of Entra ID for client 1234`: what was attempted, as whom.
    pub(crate) doing: String,
    /// Reads the service's words about an error.
    pub(crate) words: fn(&[u8]) -> WireErrors,
    /// What to do about a status with these words.
    pub(crate) hint: fn(u16, &WireErrors) -> Option<&'static str>,
}

impl Exchange {
    /// With errors in JSON, and no hints.
    pub(crate) fn new(doing: impl Into<String>) -> Self {
        Self { doing: doing.into(), words: WireErrors::parse, hint: |_, _| None }
    }

    /// With hints for this service's errors.
    pub(crate) fn hints(mut self, hint: fn(u16, &WireErrors) -> Option<&'static str>) -> Self {
        self.hint = hint;
        self
    }

    /// The body of a 2xx answer, which is a secret; anything else is an error with the service's words.
    pub(crate) async fn ask(
        &self,
        web: &Web,
        request: &WebRequest,
    ) -> Result<Secret<Vec<u8>>, IdentityError> {
        let sent = web.send(request).await;
        let reply =
            sent.map_err(|fault| IdentityError::Web { doing: self.doing.clone(), fault: Box::new(fault) })?;
        if (200..300).contains(&reply.status) {
            return Ok(reply.body);
        }
        let errors = (self.words)(reply.body.expose());
        Err(IdentityError::Refused {
            doing: self.doing.clone(),
            server: request.origin(),
            status: reply.status,
            hint: (self.hint)(reply.status, &errors),
            errors,
            retry_after: reply.retry_after,
        })
    }

    /// The same, read as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        web: &Web,
        request: &WebRequest,
    ) -> Result<T, IdentityError> {
        let body = self.ask(web, request).await?;
        // What serde says may quote the body.
        serde_json::from_slice(body.expose())
            .map_err(|_| self.unusable(request, "it is not the JSON expected"))
    }

    /// The answer to `request` cannot be used. `detail` must not quote it.
    pub(crate) fn unusable(&self, request: &WebRequest, detail: &str) -> IdentityError {
        IdentityError::Reply {
            doing: self.doing.clone(),
            server: request.origin(),
            detail: detail.to_owned(),
        }
    }
}
