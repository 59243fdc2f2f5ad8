//! Keys that can be keys.
//!
//! They end up in HTTP headers and signatures, so a line end or a stray byte is an error here, with the name of the place
//! that had it, instead of a signature that AWS refuses later.

use jiff::Timestamp;
use oci_registry::Secret;
use serde::Deserialize;

use crate::lease::{Keys, Lease};

/// Bytes of an access key's id, and of its secret.
const KEY_BYTES: usize = 256;
/// Bytes of a session's token; AWS promises no bound, theirs have one to two thousand.
const SESSION_BYTES: usize = 16 << 10;

/// Keys of these texts; the error says which one is none, and does not quote it.
pub(super) fn keys(id: &str, secret: &str, session: Option<&str>) -> Result<Keys, &'static str> {
    if !is_word(id, KEY_BYTES) || id.contains(['/', ',']) {
        return Err("the access key id is empty, too long, or has characters that no such id has");
    }
    if !is_word(secret, KEY_BYTES) {
        return Err("the secret access key is empty, too long, or has characters that no key has");
    }
    let session = session.filter(|session| !session.is_empty());
    if session.is_some_and(|session| !is_word(session, SESSION_BYTES)) {
        return Err("the session token is too long, or has characters that no token has");
    }
    Ok(Keys {
        id: Secret::new(id.to_owned()),
        secret: Secret::new(secret.to_owned()),
        session: session.map(|session| Secret::new(session.to_owned())),
    })
}

/// Printable ASCII without blanks.
pub(super) fn is_word(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// The end of a life, as AWS writes it; `None` where it is not said.
pub(super) fn expiry(text: Option<&str>) -> Result<Option<Timestamp>, &'static str> {
    let text = text.filter(|text| !text.is_empty());
    text.map(|text| text.parse().map_err(|_| "the expiration is no time")).transpose()
}

/// How metadata services, container agents and programs write keys.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Written {
    /// Of programs; 1.
    pub(super) version: Option<u32>,
    /// Of the metadata service; `Success`.
    pub(super) code: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    /// Programs say `SessionToken`.
    #[serde(alias = "SessionToken")]
    token: Option<String>,
    expiration: Option<String>,
}

impl Written {
    /// The keys, if they can be some.
    pub(super) fn lease(&self) -> Result<Lease<Keys>, &'static str> {
        let id = self.access_key_id.as_deref().ok_or("it has no AccessKeyId")?;
        let secret = self.secret_access_key.as_deref().ok_or("it has no SecretAccessKey")?;
        let value = keys(id, secret, self.token.as_deref())?;
        Ok(Lease { value, expires: expiry(self.expiration.as_deref())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(id: &str, secret: &str, session: Option<&str>) -> &'static str {
        keys(id, secret, session).err().unwrap_or_default()
    }

    #[test]
    fn keys_have_no_blanks_and_no_line_ends() {
        for bad in ["", " ", "AK\n", "\rAK", "A K", "A\u{e9}", "A\0", &"A".repeat(KEY_BYTES + 1)] {
            assert!(fault(bad, "s", None).starts_with("the access key id"), "{bad:?}");
            assert!(fault("AKID", bad, None).starts_with("the secret access key"), "{bad:?}");
        }
        assert!(fault("AK/20260101", "s", None).starts_with("the access key id"));
        for bad in ["\n", "a b", &"t".repeat(SESSION_BYTES + 1)] {
            assert!(fault("AKID", "s", Some(bad)).starts_with("the session token"), "{bad:?}");
        }
        assert!(keys("AKID", &"s".repeat(KEY_BYTES), Some(&"t".repeat(SESSION_BYTES))).is_ok());
        assert!(keys("AKID", "a/b+c=", Some("")).is_ok_and(|keys| keys.session.is_none()));
    }

    #[test]
    fn written_keys_are_read_in_both_spellings() {
        for session in ["Token", "SessionToken"] {
            let text = format!(
                r#"{{"AccessKeyId":"AKID","SecretAccessKey":"s","{session}":"t","Expiration":"2030-01-01T00:00:00Z","x":1}}"#
            );
            let lease = serde_json::from_str::<Written>(&text).unwrap().lease().unwrap();
            assert_eq!(lease.expires, Some("2030-01-01T00:00:00Z".parse().unwrap()));
            assert!(lease.value.session.unwrap().expose() == "t");
        }
        for (text, fault) in [
            ("{}", "it has no AccessKeyId"),
            (r#"{"AccessKeyId":"AKID"}"#, "it has no SecretAccessKey"),
            (
                r#"{"AccessKeyId":"AKID","SecretAccessKey":"s","Expiration":"tomorrow"}"#,
                "the expiration is no time",
            ),
        ] {
            assert_eq!(serde_json::from_str::<Written>(text).unwrap().lease().err(), Some(fault));
        }
    }
}
