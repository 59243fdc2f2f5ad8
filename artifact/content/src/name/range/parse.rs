//! Reading a range. One pass over the text; nothing is rewritten, so that a fault can be shown where it is.

use super::{Alternative, Comparator, Open, RANGE_BYTES, RANGE_TERMS, RangeError, Term};
use crate::name::{Version, VersionError, digest::excerpt};

/// A term that is broken: where, and why.
#[derive(Clone, Copy)]
struct Fault<'a> {
    term: &'a str,
    fault: &'static str,
}

pub(super) fn alternatives(text: &str) -> Result<Vec<Alternative>, RangeError> {
    if text.len() > RANGE_BYTES {
        return Err(RangeError::Long { text: excerpt(text), length: text.len() });
    }
    let mut found = Vec::new();
    let mut terms = 0;
    for part in if is_blank(text) { "*" } else { text }.split("||") {
        if is_blank(part) {
            return Err(RangeError::Empty(excerpt(text)));
        }
        let alternative = alternative(part).map_err(|Fault { term, fault }| RangeError::Term {
            text: excerpt(text),
            term: excerpt(term),
            fault,
        })?;
        terms += alternative.terms.len();
        if terms > RANGE_TERMS {
            return Err(RangeError::Terms(excerpt(text)));
        }
        found.push(alternative);
    }
    Ok(found)
}

fn alternative(part: &str) -> Result<Alternative, Fault<'_>> {
    let mut terms = Vec::new();
    let mut rest = skip_blank(part);
    while !rest.is_empty() {
        let start = rest;
        let (comparator, after) = split(rest, |b| !b"=!<>~^".contains(&b));
        let (version, after) = split(skip_blank(after), |b| b.is_ascii_whitespace() || b == b',');
        let first = Fault { term: between(start, after), fault: "" };
        let after = skip_blank(after);
        rest = match (hyphen(after), comparator) {
            (None, _) => {
                terms.push(term(self::comparator(comparator), version, first)?);
                after
            }
            (Some(upper), "") => {
                let (upper, after) = split(upper, |b| b.is_ascii_whitespace() || b == b',');
                let both = || Fault { term: between(start, after), fault: "" };
                terms.push(term(Some(Comparator::GreaterOrEqual), version, both())?);
                terms.push(term(Some(Comparator::LessOrEqual), upper, both())?);
                skip_blank(after)
            }
            (Some(_), _) => {
                return Err(Fault { fault: "a hyphen range takes no comparator", ..first });
            }
        };
        if let Some(after) = rest.strip_prefix(',') {
            rest = skip_blank(after);
            if rest.is_empty() {
                return Err(Fault { term: start, fault: "nothing after the comma" });
            }
        }
    }
    let prereleases = terms.iter().any(|term| term.version.is_prerelease());
    Ok(Alternative { terms, prereleases })
}

fn term<'a>(comparator: Option<Comparator>, version: &str, at: Fault<'a>) -> Result<Term, Fault<'a>> {
    let Some(comparator) = comparator else {
        return Err(Fault { fault: "no such comparator", ..at });
    };
    match bound(version) {
        Ok((version, open)) => Ok(Term { comparator, version, open }),
        Err(fault) => Err(Fault { fault, ..at }),
    }
}

fn comparator(text: &str) -> Option<Comparator> {
    match text {
        "" | "=" => Some(Comparator::Equal),
        "!=" => Some(Comparator::NotEqual),
        ">" => Some(Comparator::Greater),
        ">=" | "=>" => Some(Comparator::GreaterOrEqual),
        "<" => Some(Comparator::Less),
        "<=" | "=<" => Some(Comparator::LessOrEqual),
        "~" | "~>" => Some(Comparator::Tilde),
        "^" => Some(Comparator::Caret),
        _ => None,
    }
}

/// A version of which numbers may be missing or wildcards. What follows the first open number counts for nothing.
fn bound(text: &str) -> Result<(Version, Open), &'static str> {
    if text.is_empty() {
        return Err("a version is missing");
    }
    let rest = text.strip_prefix('v').unwrap_or(text);
    let numbers = rest.split(['-', '+']).next().unwrap_or_default();
    let suffix = rest.strip_prefix(numbers).unwrap_or_default();
    let mut closed = Vec::new();
    let mut is_open = false;
    let mut count = 0;
    for number in numbers.split('.') {
        count += 1;
        match number {
            "x" | "X" | "*" => is_open = true,
            _ if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) => {
                return Err("not a version: numbers, `x` or `*`, separated by dots, are wanted");
            }
            _ if !is_open => closed.push(number),
            _ => {}
        }
    }
    if count > 3 {
        return Err("a version has three numbers at most");
    }
    let open = match closed.len() {
        0 => Open::Major,
        1 => Open::Minor,
        2 => Open::Patch,
        _ => Open::Nothing,
    };
    closed.resize(3, "0");
    let version = Version::parse(&format!("{}{suffix}", closed.join("."))).map_err(|error| match error {
        VersionError::Form(_) | VersionError::Parts(_) => {
            "what follows the numbers is no pre-release or build"
        }
        VersionError::Number(_) => "a number is too large",
        VersionError::Prerelease(_) => "a number in the pre-release has leading zeros",
    })?;
    Ok((version, open))
}

/// What follows a hyphen that stands alone.
fn hyphen(text: &str) -> Option<&str> {
    let after = text.strip_prefix('-')?;
    after.starts_with(|c: char| c.is_ascii_whitespace()).then(|| skip_blank(after))
}

/// Up to the first byte for which `ends` holds, and the rest.
fn split(text: &str, ends: impl Fn(u8) -> bool) -> (&str, &str) {
    // `ends` holds for ASCII only or for everything but ASCII, and then at the first byte of a character.
    let end = text.bytes().position(ends).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// What of `start` comes before `rest`, its end.
fn between<'a>(start: &'a str, rest: &str) -> &'a str {
    start.strip_suffix(rest).unwrap_or(start)
}

fn skip_blank(text: &str) -> &str {
    text.trim_ascii_start()
}

fn is_blank(text: &str) -> bool {
    text.trim_ascii().is_empty()
}
