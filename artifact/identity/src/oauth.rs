//! Answers of OAuth2 token services (RFC 6749, section 5.1), and what their tokens may look like.

use jiff::{SignedDuration, Timestamp};
use oci_registry::Secret;
use serde::Deserialize;

use crate::lease::Lease;

/// Bytes of a token: headers of 16 KiB are the most that servers take.
const TOKEN_BYTES: usize = 16 << 10;

/// An answer with a token. Clouds write numbers as text, too, and their metadata services the instant of the end.
#[derive(Deserialize)]
pub(crate) struct TokenReply {
    access_token: Option<String>,
    expires_in: Option<Number>,
    expires_on: Option<Number>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(i64),
    Real(f64),
    Text(String),
}

impl Number {
    fn read(&self) -> Result<i64, &'static str> {
        match self {
            Self::Whole(number) => Ok(*number),
            // Saturates; a life without a fraction is near enough.
            #[expect(clippy::cast_possible_truncation, reason = "the fraction is not wanted")]
            Self::Real(real) => Ok(*real as i64),
            Self::Text(text) => text.trim().parse().map_err(|_| "it does not say when its token ends"),
        }
    }
}

impl TokenReply {
    /// The token. `now` is when it was asked for.
    pub(crate) fn lease(self, now: Timestamp) -> Result<Lease<Secret<String>>, &'static str> {
        let value = usable(self.access_token.unwrap_or_default())?;
        let expires = match (self.expires_in, self.expires_on) {
            (Some(seconds), _) => Some(after(now, seconds.read()?)),
            (None, Some(instant)) => Some(after(Timestamp::UNIX_EPOCH, instant.read()?)),
            (None, None) => None,
        };
        Ok(Lease { value, expires })
    }
}

/// So many seconds later; the end of time if that is too far.
pub(crate) fn after(instant: Timestamp, seconds: i64) -> Timestamp {
    let end = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    instant.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(end)
}

/// A token that a header can carry; an error says what is wrong, without the token.
pub(crate) fn usable(token: String) -> Result<Secret<String>, &'static str> {
    if token.is_empty() {
        return Err("it has no token");
    }
    if token.len() > TOKEN_BYTES {
        return Err("its token is too large");
    }
    if !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("its token has characters that no token has");
    }
    Ok(Secret::new(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn lease(body: &str) -> Result<(String, Option<i64>), &'static str> {
        let reply: TokenReply = serde_json::from_str(body).map_err(|_| "no reply")?;
        let lease = reply.lease(Timestamp::from_second(NOW).unwrap())?;
        Ok((lease.value.expose().clone(), lease.expires.map(Timestamp::as_second)))
    }

    #[test]
    fn reply_says_when_its_token_ends() {
        for (fields, expected) in [
            (r#","expires_in":3600"#, Some(NOW + 3_600)),
            (r#","expires_in":"3600""#, Some(NOW + 3_600)),
            (r#","expires_in":3599.5"#, Some(NOW + 3_599)),
            (r#","expires_on":"1800000100""#, Some(NOW + 100)),
            (r#","expires_in":-5"#, Some(NOW - 5)),
            (r#","expires_in":null"#, None),
            ("", None),
        ] {
            assert_eq!(
                lease(&format!(r#"{{"access_token":"t"{fields}}}"#)),
                Ok(("t".into(), expected)),
                "{fields}"
            );
        }
        let far = lease(&format!(r#"{{"access_token":"t","expires_in":{}}}"#, i64::MAX)).unwrap();
        assert_eq!(far.1, Some(Timestamp::MAX.as_second()));
        let past = lease(&format!(r#"{{"access_token":"t","expires_in":{}}}"#, i64::MIN)).unwrap();
        assert_eq!(past.1, Some(Timestamp::MIN.as_second()));
        assert!(lease(r#"{"access_token":"t","expires_in":"soon"}"#).is_err());
    }

    #[test]
    fn reply_without_a_usable_token_is_refused() {
        let long = "a".repeat(TOKEN_BYTES + 1);
        for token in ["", "a\\nb", "a b", "\\u00e4", "a\\u0000", &long] {
            let refused = lease(&format!(r#"{{"access_token":"{token}","expires_in":1}}"#)).unwrap_err();
            assert!(token.is_empty() || !refused.contains(token), "{refused}");
        }
        assert_eq!(lease("{}"), Err("it has no token"));
        assert_eq!(lease("[]"), Err("no reply"));
    }
}
