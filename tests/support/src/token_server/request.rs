//! From a request to a reply: read, record, decide, sign.

use std::{convert::Infallible, sync::Arc, time::UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, Response, body::Incoming, header};
use serde_json::{Value, json};

use super::{
    ISSUER, SERVICE, Shared, State,
    grant::{Grant, Refusal},
};
use crate::planted::TOKEN_MARK;

/// The most of a form.
const MOST: usize = 64 * 1024;

/// One request, with everything that it showed.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `GET` or `POST`.
    pub method: String,
    /// `/token`.
    pub path: String,
    /// Names and values of the query, decoded.
    pub query: Vec<(String, String)>,
    /// Names and values of the body, decoded.
    pub form: Vec<(String, String)>,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The status answered.
    pub status: u16,
}

impl Asked {
    /// The first value of a parameter, wherever it is.
    pub fn one(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a parameter.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let both = self.query.iter().chain(&self.form);
        both.filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

pub(super) async fn serve(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let text =
        |name| parts.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let body = Limited::new(body, MOST).collect().await.map(http_body_util::Collected::to_bytes).ok();
    let form = text(header::CONTENT_TYPE).as_deref() == Some("application/x-www-form-urlencoded");
    let mut asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: pairs(parts.uri.query().unwrap_or_default().as_bytes()),
        form: if form { pairs(body.as_deref().unwrap_or_default()) } else { Vec::new() },
        authorization: text(header::AUTHORIZATION),
        status: 0,
    };
    let unread = body.is_none_or(|body| !body.is_empty() && !form);
    let mut state = shared.state.lock().unwrap();
    let (status, reply) = match asked.method.as_str() {
        _ if asked.path != "/token" => (404, error("NOT_FOUND", "there is only /token")),
        "GET" | "POST" if unread => (400, error("INVALID", "the body is no form, or too large")),
        "GET" | "POST" => match state.rules.decide(&asked) {
            Ok(grant) => (200, issue(&shared, &mut state, grant)),
            Err(Refusal::Malformed(reason)) => (400, error("INVALID", &reason)),
            Err(Refusal::Unknown) => (401, error("UNAUTHORIZED", "unknown user or wrong password")),
        },
        _ => (405, error("UNSUPPORTED", "GET or POST")),
    };
    asked.status = status;
    state.asked.push(asked);
    let reply = Full::from(reply.to_string());
    let builder = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
    Ok(builder.body(reply).unwrap())
}

/// The reply with a fresh token.
fn issue(shared: &Shared, state: &mut State, grant: Grant) -> Value {
    let (now, lifetime) = (now(), state.rules.expires_in);
    let (others, seconds) = &mut state.other;
    let ends = if *others > 0 { now.saturating_add_signed(*seconds) } else { now + lifetime };
    *others = others.saturating_sub(1);
    state.issued += 1;
    let begins = now.min(ends - lifetime);
    let token = shared.signer.sign(&json!({
        "iss": ISSUER,
        "sub": grant.subject,
        "aud": SERVICE,
        "exp": ends,
        "nbf": begins,
        "iat": begins,
        "jti": format!("{TOKEN_MARK}-{}", state.issued),
        "access": grant.access,
    }));
    let mut reply = json!({ "token": token, "access_token": token, "expires_in": lifetime });
    if let Some(identity) = grant.identity {
        reply["refresh_token"] = identity.into();
    }
    reply
}

fn error(code: &str, message: &str) -> Value {
    json!({ "errors": [{ "code": code, "message": message }] })
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "the one place of the harness that reads the clock")]
fn now() -> u64 {
    std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
