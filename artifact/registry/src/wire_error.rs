//! The registry's own words about an error.
//!
//! OCI distribution-spec 1.1, "Error Codes". Text is foreign: control characters are escaped, lengths are bounded,
//! and whatever is no error envelope (HTML of a proxy, say) is shown as a short excerpt.

use std::fmt;

use serde::Deserialize;

/// Most errors shown of one envelope.
const SHOWN: usize = 4;
/// Most characters shown of one message.
const MESSAGE_CHARS: usize = 300;

/// One error of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireError {
    /// `TOOMANYREQUESTS`, or empty if the body was no envelope.
    pub code: String,
    /// For people.
    pub message: String,
}

/// All errors of a reply's body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WireErrors(Vec<WireError>);

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    errors: Vec<Entry>,
    /// Token servers and some registries write `{"message": …}`, `{"details": …}` or OAuth's pair; AWS `__type`, with a
    /// small or a capital letter in `message`; Google an object with `status` and `message` as `error`.
    #[serde(alias = "Message")]
    message: Option<String>,
    #[serde(rename = "__type")]
    kind: Option<String>,
    details: Option<String>,
    error: Option<serde_json::Value>,
    error_description: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    code: Option<String>,
    message: Option<String>,
}

impl WireErrors {
    /// Reads what a body says; never fails.
    pub fn parse(body: &[u8]) -> Self {
        if let Ok(envelope) = serde_json::from_slice::<Envelope>(body) {
            let errors = Self::from_envelope(envelope);
            if !errors.is_empty() {
                return errors;
            }
        }
        let text = String::from_utf8_lossy(body);
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.is_empty() || line.starts_with('<') || line == "{}" {
            return Self::default();
        }
        Self(vec![WireError { code: String::new(), message: clean(&line) }])
    }

    fn from_envelope(envelope: Envelope) -> Self {
        let entry = |code: &str, message: &str| WireError { code: clean(code), message: clean(message) };
        if !envelope.errors.is_empty() {
            let shown = envelope.errors.iter().take(SHOWN);
            return Self(
                shown
                    .map(|e| entry(e.code.as_deref().unwrap_or(""), e.message.as_deref().unwrap_or("")))
                    .collect(),
            );
        }
        let error = envelope.error.as_ref();
        let inside = |key| error.and_then(|value| value.get(key)).and_then(|value| value.as_str());
        // The type may come with the name of its service before it.
        let kind = envelope.kind.as_deref().map(|kind| kind.rsplit('#').next().unwrap_or(kind));
        let code = error.and_then(|value| value.as_str()).or(inside("status")).or(kind).unwrap_or("");
        let said = envelope.message.or(envelope.details).or(envelope.error_description);
        Self::one(code, said.as_deref().or(inside("message")).unwrap_or(""))
    }

    /// One error, in the words of a server that has a form of its own; nothing if both are empty.
    pub fn one(code: &str, message: &str) -> Self {
        if code.is_empty() && message.is_empty() {
            return Self::default();
        }
        Self(vec![WireError { code: clean(code), message: clean(message) }])
    }

    /// Whether the body said nothing usable.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of the errors has the code.
    pub fn has(&self, code: &str) -> bool {
        self.0.iter().any(|error| error.code == code)
    }
}

impl fmt::Display for WireErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            match (error.code.as_str(), error.message.as_str()) {
                ("", message) => write!(f, "{separator}{message}")?,
                (code, "") => write!(f, "{separator}{code}")?,
                (code, message) => write!(f, "{separator}{code}: {message}")?,
            }
        }
        Ok(())
    }
}

/// Bounded, control characters escaped.
fn clean(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(MESSAGE_CHARS) {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    if text.chars().nth(MESSAGE_CHARS).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_errors_show_code_and_message() {
        let body =
            br#"{"errors":[{"code":"DENIED","message":"no","detail":{"x":1}},{"code":"X","message":null}]}"#;
        let errors = WireErrors::parse(body);
        assert_eq!(errors.to_string(), "DENIED: no; X");
        assert!(errors.has("DENIED"));
    }

    #[test]
    fn wire_errors_read_the_forms_of_clouds() {
        for (body, said) in [
            (&br#"{"__type":"com.amazonaws#AccessDenied","Message":"no"}"#[..], "AccessDenied: no"),
            (br#"{"__type":"Expired","message":"late"}"#, "Expired: late"),
            (
                br#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"no"}}"#,
                "PERMISSION_DENIED: no",
            ),
            (br#"{"error":"invalid_client","error_description":"AADSTS1"}"#, "invalid_client: AADSTS1"),
        ] {
            assert_eq!(WireErrors::parse(body).to_string(), said);
        }
    }

    #[test]
    fn wire_errors_survive_foreign_bodies() {
        assert_eq!(WireErrors::parse(b"<html>gateway</html>").to_string(), "");
        assert_eq!(WireErrors::parse(b"\xff\xfe\x1b[31mred").to_string(), "\u{fffd}\u{fffd}\\u{1b}[31mred");
        assert_eq!(
            WireErrors::parse(br#"{"details":"incorrect username or password"}"#).to_string(),
            "incorrect username or password"
        );
        assert_eq!(WireErrors::parse(b""), WireErrors::default());
        assert!(WireErrors::parse("x".repeat(10_000).as_bytes()).to_string().chars().count() < 310);
    }
}
