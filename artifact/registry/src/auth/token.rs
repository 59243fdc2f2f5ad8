//! Tokens: what a token server's reply holds, and for how long.
//!
//! Distribution, "Token Authentication Specification" and "OAuth2 Token Authentication".

use std::time::Duration;

use oci_artifact::limits;
use serde::Deserialize;
use tokio::time::Instant;

use super::{LoginFault, Secret};

/// Lifetime of a token whose server does not say (distribution's own default).
const DEFAULT_LIFETIME: u64 = 60;
/// Longest time that a token is kept, whatever its server says.
const LONGEST_LIFETIME: u64 = 24 * 60 * 60;

/// A bearer token and when to stop using it.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) value: Secret<String>,
    expires: Instant,
}

#[derive(Deserialize)]
struct Reply {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<serde_json::Value>,
}

impl Token {
    /// Reads a reply. Tokens are used for four fifths of their lifetime.
    pub(crate) fn parse(body: &[u8], realm: &str, now: Instant) -> Result<Self, LoginFault> {
        let broken = |detail: &str| LoginFault::Reply { realm: realm.to_owned(), detail: detail.to_owned() };
        if body.len() as u64 > limits::TOKEN_REPLY_BYTES {
            return Err(broken("the reply is too large"));
        }
        let reply: Reply =
            serde_json::from_slice(body).map_err(|_| broken("the reply is not a JSON object"))?;
        let value = [reply.token, reply.access_token].into_iter().flatten().find(|text| !text.is_empty());
        let value = value.ok_or_else(|| broken("the reply has no token"))?;
        if !value.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(broken("the token has characters that no HTTP header can carry"));
        }
        let seconds = match reply.expires_in {
            Some(serde_json::Value::Number(number)) => number.as_u64().unwrap_or(DEFAULT_LIFETIME),
            Some(serde_json::Value::String(text)) => text.parse().unwrap_or(DEFAULT_LIFETIME),
            _ => DEFAULT_LIFETIME,
        };
        // Zero and absurd values are read as "not said": a token that is never used would loop.
        let seconds = if seconds == 0 { DEFAULT_LIFETIME } else { seconds.min(LONGEST_LIFETIME) };
        Ok(Self { value: Secret::new(value), expires: now + Duration::from_secs(seconds) * 4 / 5 })
    }

    /// Whether the token may still be used.
    pub(crate) fn is_fresh(&self, now: Instant) -> bool {
        now < self.expires
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<Token, LoginFault> {
        Token::parse(body.as_bytes(), "https://t.example", Instant::now())
    }

    #[tokio::test]
    async fn token_takes_the_member_that_is_not_empty() {
        assert_eq!(parse(r#"{"token":"a"}"#).unwrap().value.expose(), "a");
        assert_eq!(parse(r#"{"token":"","access_token":"b"}"#).unwrap().value.expose(), "b");
    }

    #[tokio::test]
    async fn token_lives_for_a_sane_time() {
        let now = Instant::now();
        for (expires, alive, dead) in [
            ("300", 239, 241),
            ("0", 47, 49),
            ("-1", 47, 49),
            ("1e308", 47, 49),
            ("\"300\"", 239, 241),
            ("999999999", 24 * 3600 * 4 / 5 - 1, 24 * 3600),
        ] {
            let body = format!(r#"{{"token":"a","expires_in":{expires}}}"#);
            let token = Token::parse(body.as_bytes(), "", now).unwrap();
            assert!(token.is_fresh(now + Duration::from_secs(alive)), "{expires}");
            assert!(!token.is_fresh(now + Duration::from_secs(dead)), "{expires}");
        }
    }

    #[tokio::test]
    async fn token_refuses_hostile_replies() {
        for body in
            ["", "[]", "{}", "<html>", r#"{"token":null}"#, r#"{"token":"a\r\nb"}"#, r#"{"token":"ä"}"#]
        {
            assert!(parse(body).is_err(), "{body}");
        }
        assert!(parse(&format!(r#"{{"token":"{}"}}"#, "a".repeat(70_000))).is_err());
    }
}
