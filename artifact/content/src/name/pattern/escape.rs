//! Escapes of one character, as `parseEscape` in Go's `regexp/syntax/parse.go` reads them.

use super::{fault::Fault, source::Source};

/// The character of an escape whose backslash was read. The same in and outside of character classes.
pub(super) fn character(source: &mut Source<'_>) -> Result<char, Fault> {
    let c = source.next().ok_or(Fault::TrailingBackslash)?;
    match c {
        '0' => octal(source, 0),
        // One digit would be a back-reference.
        '1'..='7' if source.rest().starts_with(|c| matches!(c, '0'..='7')) => {
            octal(source, c.to_digit(8).unwrap_or_default())
        }
        '1'..='9' => Err(Fault::BackReference),
        'x' => hexadecimal(source),
        'a' => Ok('\x07'),
        'f' => Ok('\x0C'),
        'n' => Ok('\n'),
        'r' => Ok('\r'),
        't' => Ok('\t'),
        'v' => Ok('\x0B'),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok(c),
        _ => Err(Fault::Escape),
    }
}

/// Up to three digits in all, the first of which was read.
fn octal(source: &mut Source<'_>, first: u32) -> Result<char, Fault> {
    let mut value = first;
    for _ in 0..2 {
        if let Some(digit) = source.rest().chars().next().and_then(|c| c.to_digit(8)) {
            source.next();
            value = value * 8 + digit;
        }
    }
    char::from_u32(value).ok_or(Fault::Escape)
}

/// `7F` or `{10FFFF}`.
fn hexadecimal(source: &mut Source<'_>) -> Result<char, Fault> {
    let digits = if source.eat("{") { source.until("}") } else { source.take(2) };
    let digits = digits.filter(|digits| !digits.is_empty()).ok_or(Fault::Escape)?;
    let value = digits
        .chars()
        .try_fold(0_u32, |value, c| Some(value.saturating_mul(16).saturating_add(c.to_digit(16)?)));
    match value {
        Some(0xD800..=0xDFFF) => Err(Fault::Surrogate),
        Some(value) => char::from_u32(value).ok_or(Fault::Escape),
        None => Err(Fault::Escape),
    }
}
