//! One line: bounded, and without control characters, so that nobody outside can write a line of their own.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::fields::{Fields, Value};
use crate::args::Encoding;

/// Longest line, in bytes.
const LINE: usize = 8 * 1024;
/// Longest message.
const MESSAGE: usize = 4 * 1024;
/// Longest value of another field.
const VALUE: usize = 1024;
/// Room that is left for what ends a line.
const END: usize = 64;

/// The line of an event, with a line feed at its end.
pub(super) fn line(encoding: Encoding, level: &str, now: Timestamp, fields: &Fields) -> String {
    let message = fields.text("message").unwrap_or_default();
    let mut out = String::with_capacity(256);
    match encoding {
        Encoding::Json => {
            let _ = write!(out, "{{\"level\":\"{level}\",\"ts\":\"{now:.3}\",\"msg\":");
            quote(&mut out, message, MESSAGE);
            out.push(',');
            rest(&mut out, fields);
        }
        Encoding::Console => {
            let _ = write!(out, "{now:.3}\t{}\t", level.to_uppercase());
            escape(&mut out, message, MESSAGE);
            out.push_str("\t{");
            rest(&mut out, fields);
            if let Some(before) = out.strip_suffix("\t{}") {
                out.truncate(before.len());
            }
        }
    }
    out.push('\n');
    out
}

/// All other fields, and the brace that ends them. Follows `{` or `,`.
fn rest(out: &mut String, fields: &Fields) {
    if let (Some(namespace), Some(name)) = (fields.text("namespace"), fields.text("name")) {
        let _ = write!(
            out,
            "\"controller\":\"ocirepository\",\"controllerGroup\":\"{}\",\"controllerKind\":\"{kind}\",\"{kind}\":",
            oci_crds::GROUP,
            kind = oci_crds::KIND
        );
        out.push_str("{\"name\":");
        quote(out, name, VALUE);
        out.push_str(",\"namespace\":");
        quote(out, namespace, VALUE);
        out.push_str("},");
    }
    for (name, value) in fields.iter().filter(|(name, _)| *name != "message") {
        let before = out.len();
        quote(out, name, VALUE);
        out.push(':');
        match value {
            Value::Text(text) => quote(out, text, VALUE),
            Value::Plain(text) => out.push_str(text),
        }
        out.push(',');
        if out.len() > LINE - END {
            out.truncate(before);
            out.push_str("\"cut\":true,");
            break;
        }
    }
    if out.ends_with(',') {
        out.pop();
    }
    out.push('}');
}

/// A JSON string of at most about `most` bytes.
fn quote(out: &mut String, text: &str, most: usize) {
    out.push('"');
    escape(out, text, most);
    out.push('"');
}

fn escape(out: &mut String, text: &str, most: usize) {
    let end = out.len().saturating_add(most);
    for c in text.chars() {
        if out.len() >= end {
            out.push('…');
            return;
        }
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            // The two separators end a line for some readers.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}
