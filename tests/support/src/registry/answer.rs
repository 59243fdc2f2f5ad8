//! Building answers in the words of the distribution specification.

use hyper::{
    Response,
    header::{HeaderName, HeaderValue},
};
use oci_artifact::name::Digest;

use super::{payload::Payload, store::Content};

/// An answer of the registry.
pub(super) type Reply = Response<Payload>;

/// No body.
pub(super) fn empty(code: u16) -> Reply {
    respond(code, Payload::empty())
}

/// A body of JSON.
pub(super) fn json(code: u16, value: &serde_json::Value) -> Reply {
    let body = Content::Memory(value.to_string().into());
    respond(code, Payload::new(body)).with("content-type", "application/json")
}

/// The error document of the specification.
pub(super) fn error(code: u16, name: &str, message: &str) -> Reply {
    json(code, &serde_json::json!({ "errors": [{ "code": name, "message": message }] }))
}

/// Any body.
pub(super) fn respond(code: u16, payload: Payload) -> Reply {
    let mut reply = Response::new(payload);
    *reply.status_mut() = code.try_into().unwrap();
    reply
}

/// 201 with the place and the digest of what was stored.
pub(super) fn created(location: &str, digest: &Digest) -> Reply {
    empty(201).with("location", location).with("docker-content-digest", &digest.to_string())
}

/// Chaining of headers.
pub(super) trait With {
    /// The same with one header set.
    fn with(self, name: &str, value: &str) -> Self;
}

impl With for Reply {
    fn with(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        self.headers_mut().insert(name, value);
        self
    }
}
