//! Objects as a table, in the columns of the Flux CLI.

use oci_crds::conditions::condition;

use super::object::Stored;
use crate::ui::table;

/// Hex digits of a checksum: what is shorter is none, what is longer is none either.
const CHECKSUM: std::ops::RangeInclusive<usize> = 40..=128;
/// Hex digits that are shown of it.
const SHOWN: usize = 8;

/// Which columns.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Columns {
    pub(crate) namespace: bool,
    pub(crate) wide: bool,
}

/// One line for each object.
pub(crate) fn rows(objects: &[Stored], columns: Columns) -> String {
    let mut headers = vec!["NAME", "REVISION", "SUSPENDED", "READY", "MESSAGE"];
    if columns.namespace {
        headers.insert(0, "NAMESPACE");
    }
    if columns.wide {
        headers.splice(headers.len() - 1..headers.len() - 1, ["URL", "REF", "INTERVAL"]);
    }
    let rows: Vec<Vec<String>> = objects.iter().map(|object| row(object, columns)).collect();
    table(&headers, &rows)
}

fn row(object: &Stored, columns: Columns) -> Vec<String> {
    let state = object.state();
    let ready = state.condition(condition::READY);
    let (status, message) = ready.map_or(("Unknown", "waiting to be reconciled"), |ready| {
        (ready.status.as_str(), ready.message.as_str())
    });
    let suspended = if object.is_suspended() { "True" } else { "False" };
    let text = |pointer: &str| object.text(pointer).unwrap_or_default().to_owned();
    let mut cells = Vec::new();
    if columns.namespace {
        cells.push(object.namespace().to_owned());
    }
    cells.push(object.name().to_owned());
    cells.push(shorten(object.revision().unwrap_or_default()));
    cells.extend([suspended.to_owned(), status.to_owned()]);
    if columns.wide {
        cells.extend([text("/spec/url"), shorten(&reference(object)), text("/spec/interval")]);
    }
    cells.push(shorten(message));
    cells
}

/// What is wanted, as Flux would choose: digest before range before tag.
fn reference(object: &Stored) -> String {
    let named = ["/spec/ref/digest", "/spec/ref/semver", "/spec/ref/tag"];
    let found = named.iter().filter_map(|pointer| object.text(pointer)).find(|text| !text.is_empty());
    found.unwrap_or("latest").to_owned()
}

/// Checksums cut to eight digits: `latest@sha256:ab12cd34`.
pub(crate) fn shorten(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let hex = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        let (digits, after) = rest.split_at(hex);
        let shown = if CHECKSUM.contains(&hex) { digits.get(..SHOWN).unwrap_or(digits) } else { digits };
        out.push_str(shown);
        let other = after.find(|c: char| c.is_ascii_hexdigit()).unwrap_or(after.len());
        let (between, next) = after.split_at(other);
        out.push_str(between);
        rest = next;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shorten_cuts_checksums_only() {
        let hex = "ab12cd34".repeat(8);
        assert_eq!(shorten(&format!("latest@sha256:{hex}")), "latest@sha256:ab12cd34");
        assert_eq!(shorten(&format!("stored '{hex}' ü '{hex}'")), "stored 'ab12cd34' ü 'ab12cd34'");
        assert_eq!(shorten(&"a".repeat(40)), "aaaaaaaa");
        for text in ["", "deadbeef", "v1.2.3", &"a".repeat(39), &"a".repeat(129)] {
            assert_eq!(shorten(text), text);
        }
    }
}
