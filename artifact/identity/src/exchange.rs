//! One question to a token service, and its answer.

use jiff::Timestamp;
use oci_registry::{
    Secret, WireErrors,
    web::{Web, WebReply, WebRequest},
};
use serde::de::DeserializeOwned;

use crate::{error::IdentityError, lease::Lease, oauth::TokenReply};

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
        let reply = self.send(web, request).await?;
        if is_success(&reply) { Ok(reply.body) } else { Err(self.refused(request, &reply)) }
    }

    /// An answer of any status.
    pub(crate) async fn send(&self, web: &Web, request: &WebRequest) -> Result<WebReply, IdentityError> {
        let sent = web.send(request).await;
        sent.map_err(|fault| IdentityError::Web { doing: self.doing.clone(), fault: Box::new(fault) })
    }

    /// The answer to `request` says no.
    pub(crate) fn refused(&self, request: &WebRequest, reply: &WebReply) -> IdentityError {
        let errors = (self.words)(reply.body.expose());
        IdentityError::Refused {
            doing: self.doing.clone(),
            server: request.origin(),
            status: reply.status,
            hint: (self.hint)(reply.status, &errors),
            errors,
            retry_after: reply.retry_after,
        }
    }

    /// The same, read as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        web: &Web,
        request: &WebRequest,
    ) -> Result<T, IdentityError> {
        let body = self.ask(web, request).await?;
        self.parse(request, &body)
    }

    /// The body of an answer, read as JSON.
    pub(crate) fn parse<T: DeserializeOwned>(
        &self,
        request: &WebRequest,
        body: &Secret<Vec<u8>>,
    ) -> Result<T, IdentityError> {
        // What serde says may quote the body.
        serde_json::from_slice(body.expose())
            .map_err(|_| self.unusable(request, "it is not the JSON expected"))
    }

    /// The token of the answer to `request`, as OAuth2 has it. `now` is from before the request.
    pub(crate) fn token(
        &self,
        request: &WebRequest,
        body: &Secret<Vec<u8>>,
        now: Timestamp,
    ) -> Result<Lease<Secret<String>>, IdentityError> {
        let reply: TokenReply = self.parse(request, body)?;
        reply.lease(now).map_err(|detail| self.unusable(request, detail))
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

/// Whether the service says yes.
pub(crate) fn is_success(reply: &WebReply) -> bool {
    (200..300).contains(&reply.status)
}
