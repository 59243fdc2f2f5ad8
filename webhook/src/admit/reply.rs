//! The reply to an `AdmissionReview`.

use std::fmt::Write as _;

use oci_crds::{GROUP, KIND};
use serde::Serialize;

use super::FORM;
use crate::wire::{Cause, Details, Status, failure, shown};

/// Bytes that a refusal with some causes has.
const USUAL: usize = 2_048;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Serialize)]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
}

/// The write may go on.
pub(super) fn allowed(uid: &str, warnings: &[String]) -> Vec<u8> {
    write(Response { uid, allowed: true, status: None, warnings })
}

/// The write is refused, with one cause per fault: kubectl lists them by their fields.
pub(super) fn refused(uid: &str, name: &str, causes: &[Cause], warnings: &[String]) -> Vec<u8> {
    let status = Status {
        status: "Failure",
        message: sentence(name, causes),
        reason: "Invalid",
        details: Some(Details { name, group: GROUP, kind: KIND, causes }),
        code: 422,
    };
    write(Response { uid, allowed: false, status: Some(status), warnings })
}

/// The request cannot be read.
pub(super) fn bad_request(uid: &str, message: String) -> Vec<u8> {
    write(Response { uid, allowed: false, status: Some(failure(400, "BadRequest", message)), warnings: &[] })
}

/// All causes in one line, as the API server itself writes them: for clients that show nothing else.
fn sentence(name: &str, causes: &[Cause]) -> String {
    let mut out = format!("{KIND}.{GROUP} \"{}\" is invalid: ", shown(name));
    let (open, close) = if causes.len() > 1 { ("[", "]") } else { ("", "") };
    out.push_str(open);
    for (index, cause) in causes.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let colon = if cause.field.is_empty() { "" } else { ": " };
        // Writing into a string cannot fail.
        let _ = write!(out, "{comma}{}{colon}{}", cause.field, cause.message);
    }
    out.push_str(close);
    out
}

fn write(response: Response<'_>) -> Vec<u8> {
    let review = Review { api_version: FORM.group_version, kind: FORM.kind, response };
    let mut out = Vec::with_capacity(USUAL);
    // Strings, numbers and lists of them always serialise, and a vector takes everything.
    let _ = serde_json::to_writer(&mut out, &review);
    out
}
