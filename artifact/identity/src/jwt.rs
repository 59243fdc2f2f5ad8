//! What we read of JSON Web Tokens (RFC 7519) that are not for us: when they end.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::Deserialize;

use crate::oauth;

#[derive(Deserialize)]
struct Claims {
    exp: f64,
}

/// The claim `exp`; `None` if it is no JWT or has none. Nobody has checked the signature.
pub(crate) fn expires(token: &str) -> Option<Timestamp> {
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let Claims { exp } = serde_json::from_slice(&claims).ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "it saturates, and a fraction is not wanted")]
    let seconds = exp as i64;
    Some(oauth::after(Timestamp::UNIX_EPOCH, seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(claims: &str) -> Option<i64> {
        let claims = BASE64_URL_SAFE_NO_PAD.encode(claims);
        expires(&format!("e30.{claims}.c2ln")).map(Timestamp::as_second)
    }

    #[test]
    fn jwt_tells_its_end() {
        assert_eq!(with(r#"{"exp":1800000000,"sub":"x"}"#), Some(1_800_000_000));
        assert_eq!(with(r#"{"exp":1800000000.9}"#), Some(1_800_000_000));
        assert_eq!(with(r#"{"exp":1e300}"#), Some(Timestamp::MAX.as_second()));
        assert_eq!(with(r#"{"exp":-1e300}"#), Some(Timestamp::MIN.as_second()));
    }

    #[test]
    fn jwt_without_an_end_has_none() {
        for claims in ["{}", r#"{"exp":"soon"}"#, r#"{"exp":null}"#, "[]", "", "nonsense"] {
            assert_eq!(with(claims), None, "{claims}");
        }
        for token in
            ["", "a", "a.b", "e30.eyJleHAiOjF9.x.x", "e30.eyJleHAiOjF9", "..", "\u{e4}.\u{e4}.\u{e4}"]
        {
            assert_eq!(expires(token), None, "{token}");
        }
    }
}
