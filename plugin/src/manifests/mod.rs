//! Manifests on disk: which files are meant, which objects of ours are in them, what is wrong with those, and their
//! move to another version of the API.

mod files;
mod lint;
mod objects;
mod place;
mod report;
mod rewrite;

pub(crate) use files::{FileArgs, Source};
pub(crate) use lint::{lint, lint_text};
pub(crate) use place::replace;
pub(crate) use report::{Finding, Report as LintReport, counted};
pub(crate) use rewrite::{Edit, Obstacle, rewrite};

use crate::yaml::{Mark, Problem};

/// Whether a text looks like a template that nobody rendered yet.
pub(crate) fn is_template(text: &str) -> bool {
    text.contains("{{")
}

/// The bytes as text.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<String, Problem> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = valid.split(|byte| *byte == b'\n').count();
        let column = valid.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        Problem::new(Mark { line, column }, "this is not UTF-8")
    })
}
