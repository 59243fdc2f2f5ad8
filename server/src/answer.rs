//! What answers the requests of a server.

use std::future::Future;

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    http::{Request, Response},
};
pub use hyper::body::{Frame, Incoming, SizeHint};
use tower::Service as _;

/// Answers requests. A [`Router`] does; whoever needs no routes saves its cost.
pub trait Answer: Send + Sync + 'static {
    /// The body of its responses. An error in it cuts the connection.
    type Body: HttpBody<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static;

    /// Answers one request.
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Response<Self::Body>> + Send;
}

impl Answer for Router {
    type Body = Body;

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        match self.clone().call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}
