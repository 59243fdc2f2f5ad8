//! Values as text.

use serde::Serialize;

use crate::{args::Output, error::Error};

/// A value as indented JSON or as YAML, with a newline at the end. Members of YAML documents are sorted.
pub(crate) fn document(value: &impl Serialize, output: Output) -> Result<String, Error> {
    let broken = |error: &dyn std::fmt::Display| Error::usage(format!("cannot print the result: {error}"));
    let mut text = match output {
        Output::Yaml => {
            // One line for one value, however long: `grep` and `cut` work on it.
            let yaml = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
            let sorted = serde_json::to_value(value).map_err(|error| broken(&error))?;
            serde_saphyr::to_string_with_options(&sorted, yaml).map_err(|error| broken(&error))?
        }
        Output::Json | Output::Name => serde_json::to_string_pretty(value).map_err(|error| broken(&error))?,
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// The JSON of `bytes`, indented, members in their order.
pub(crate) fn indented(bytes: &[u8]) -> Result<String, Error> {
    let broken = |error: serde_json::Error| Error::usage(format!("cannot print the manifest: {error}"));
    let parsed: oci_artifact::manifest::Manifest = serde_json::from_slice(bytes).map_err(broken)?;
    document(&parsed, Output::Json)
}

/// Each text on a line of its own.
pub(crate) fn lines(texts: impl Iterator<Item = String>) -> String {
    texts.fold(String::new(), |out, text| out + &text + "\n")
}

/// Foreign text for a terminal: control characters are escaped, so that nothing can move the cursor or colour lines.
pub(crate) fn clean(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Bytes for people, in powers of 1024.
pub(crate) fn size(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_leaves_no_escape_sequences() {
        assert_eq!(clean("a\u{1b}[31mb\nc\u{9b}"), "a\\u{1b}[31mb\\nc\\u{9b}");
        assert_eq!(clean("grün ✔"), "grün ✔");
    }
}
