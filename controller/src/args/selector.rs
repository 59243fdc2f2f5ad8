//! The syntax of label selectors, so that a slip is told at the start and not by a server that refuses every list.
//!
//! Grammar: `key`, `!key`, `key=value`, `key==value`, `key!=value`, `key in (a, b)`, `key notin (a, b)`, `key>1`,
//! `key<1`, with commas between.

use oci_crds::validate::is_name;

/// Why a text is no label selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// Nothing between two commas.
    #[error("a requirement is empty")]
    Empty,
    /// Something that is neither a key nor an operator.
    #[error("`{0}` is no requirement such as `key`, `!key`, `key=value` or `key in (a, b)`")]
    Requirement(String),
    /// A key that no label can have.
    #[error("`{0}` is no key of a label")]
    Key(String),
    /// A value that no label can have.
    #[error("`{0}` is no value of a label")]
    Value(String),
    /// `>` or `<` without a number.
    #[error("`{0}` is no whole number")]
    Number(String),
}

/// Checks a selector that is not empty.
pub(super) fn check(text: &str) -> Result<(), SelectorError> {
    let mut rest = text;
    loop {
        let (one, after) = requirement(rest);
        judge(one.trim())?;
        match after {
            Some(after) => rest = after,
            None => return Ok(()),
        }
    }
}

/// The text until the next comma outside of parentheses, and what follows the comma.
fn requirement(text: &str) -> (&str, Option<&str>) {
    let mut inside = false;
    let comma = text.char_indices().find(|&(_, c)| {
        inside = (inside || c == '(') && c != ')';
        c == ',' && !inside
    });
    match comma.and_then(|(at, _)| text.split_at_checked(at)) {
        Some((one, rest)) => (one, rest.get(1..)),
        None => (text, None),
    }
}

fn judge(text: &str) -> Result<(), SelectorError> {
    let wrong = || SelectorError::Requirement(text.to_owned());
    if text.is_empty() {
        return Err(SelectorError::Empty);
    }
    if let Some(name) = text.strip_prefix('!') {
        return key(name.trim());
    }
    let end = text.find(|c: char| c.is_whitespace() || "=!<>(".contains(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    key(name)?;
    let rest = rest.trim();
    if rest.is_empty() {
        return Ok(());
    }
    for operator in ["==", "!=", "="] {
        if let Some(given) = rest.strip_prefix(operator) {
            return value(given.trim());
        }
    }
    if let Some(given) = rest.strip_prefix(['>', '<']) {
        let number = given.trim();
        return number.parse::<i64>().map(drop).map_err(|_| SelectorError::Number(number.to_owned()));
    }
    let list = rest.strip_prefix("notin").or_else(|| rest.strip_prefix("in")).ok_or_else(wrong)?;
    let list = list.trim().strip_prefix('(').and_then(|list| list.strip_suffix(')')).ok_or_else(wrong)?;
    list.split(',').try_for_each(|one| value(one.trim()))
}

/// `[prefix/]name`
fn key(text: &str) -> Result<(), SelectorError> {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    if prefix.is_none_or(is_name) && !name.is_empty() && word(name) {
        Ok(())
    } else {
        Err(SelectorError::Key(text.to_owned()))
    }
}

fn value(text: &str) -> Result<(), SelectorError> {
    if text.is_empty() || word(text) { Ok(()) } else { Err(SelectorError::Value(text.to_owned())) }
}

/// At most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends.
fn word(text: &str) -> bool {
    let end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    text.len() <= 63
        && end(bytes.first())
        && end(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}
