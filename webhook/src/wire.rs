//! What both kinds of review share on the wire: the head of a review, statuses, and foreign text made fit to be shown.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, de::Error as _};

use crate::limits::SHOWN;

/// Why bytes are no review that can be answered. The client gets the text with status 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No JSON, cut off, or not shaped like a review.
    #[error("the body is no {kind}: {why}")]
    Malformed {
        /// The kind that was wanted.
        kind: &'static str,
        /// What the parser says.
        why: String,
    },
    /// A review of another kind or version.
    #[error(
        "the body is a {kind} of `{group_version}`, but this path answers {wanted} only; check `path` and \
         `admissionReviewVersions` or `conversionReviewVersions` of the configuration"
    )]
    Other {
        /// Its kind, cut.
        kind: String,
        /// Its version, cut.
        group_version: String,
        /// Kind and version that are answered.
        wanted: &'static str,
    },
    /// There is no request inside.
    #[error("the {0} has no request")]
    NoRequest(&'static str),
    /// The request has no UID, so no reply could be told from another's.
    #[error("the request of the {0} has no uid")]
    NoUid(&'static str),
}

/// As much of a review as says what it is. Read when the whole cannot be.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Head<'a> {
    #[serde(borrow, rename = "apiVersion")]
    pub(crate) group_version: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) request: Option<HeadRequest<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct HeadRequest<'a> {
    #[serde(borrow)]
    pub(crate) uid: Cow<'a, str>,
}

/// A kind of review: what its head must say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) kind: &'static str,
    pub(crate) group_version: &'static str,
    /// Both, for messages.
    pub(crate) name: &'static str,
}

impl Form {
    /// Whether kind and version are these.
    pub(crate) fn check(&self, kind: &str, group_version: &str) -> Result<(), Error> {
        if kind == self.kind && group_version == self.group_version {
            return Ok(());
        }
        Err(Error::Other { kind: shown(kind), group_version: shown(group_version), wanted: self.name })
    }

    /// What is wrong with a body that `error` came of: the UID, if the reply can be a review; an error if not.
    pub(crate) fn salvage(&self, body: &[u8], error: &serde_json::Error) -> Result<String, Error> {
        let malformed = Error::Malformed { kind: self.kind, why: error.to_string() };
        let head = serde_json::from_slice::<Head<'_>>(body).ok().filter(|_| is_object(body));
        let Some(head) = head else {
            return Err(malformed);
        };
        self.check(&head.kind, &head.group_version)?;
        let request = head.request.ok_or(Error::NoRequest(self.kind))?;
        self.uid(&request.uid)?;
        Ok(request.uid.into_owned())
    }

    /// Parses a review.
    pub(crate) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, serde_json::Error> {
        if is_object(body) {
            return serde_json::from_slice(body);
        }
        Err(serde_json::Error::custom("it is no JSON object"))
    }

    /// The UID, which must not be empty.
    pub(crate) fn uid(&self, uid: &str) -> Result<(), Error> {
        if uid.is_empty() { Err(Error::NoUid(self.kind)) } else { Ok(()) }
    }
}

/// Whether JSON text is an object: serde also takes a list for a structure, field by field.
pub(crate) fn is_object(text: &[u8]) -> bool {
    text.trim_ascii_start().first() == Some(&b'{')
}

/// `metav1.Status`, as much of it as is used.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the API's own names")]
pub(crate) struct Status<'a> {
    pub(crate) status: &'static str,
    pub(crate) message: String,
    pub(crate) reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) details: Option<Details<'a>>,
    pub(crate) code: u16,
}

/// `metav1.StatusDetails`
#[derive(Serialize)]
pub(crate) struct Details<'a> {
    pub(crate) name: &'a str,
    pub(crate) group: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) causes: &'a [Cause],
}

/// `metav1.StatusCause`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Cause {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) field: String,
}

/// A status without details.
pub(crate) fn failure(code: u16, reason: &'static str, message: String) -> Status<'static> {
    Status { status: "Failure", message, reason, details: None, code }
}

/// Foreign text for a message or a log line: short and on one line.
pub(crate) fn shown(text: &str) -> String {
    // What nearly every name is: nothing in it has to be escaped.
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\'' | b'\\');
    if text.len() <= SHOWN && text.bytes().all(plain) {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() {
        out.push('…');
    }
    out
}
