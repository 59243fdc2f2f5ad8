//! Regular expressions as Flux's users write them: in the syntax and with the meaning of Go's `regexp`.
//!
//! The `regex` crate runs them. It shares Go's model (RE2: linear time, no look-around, no back-references), but not all
//! of its syntax: `\d` and `\b` are Unicode's there, `[a&&b]` is an intersection, `{,5}` a repetition, `\Q` unknown. So an
//! expression is parsed as Go does it and handed over in a form in which nothing is left to interpretation. What Go
//! refuses is refused; what only we refuse is said by [`PatternFault::is_ours`].
//!
//! Specification: the documentation of Go's package `regexp/syntax` and its parser, Go 1.26. Tests compare with the real
//! one (`tests/compat/tests/compat/regexp.rs`).

mod class;
mod escape;
mod fault;
mod node;
mod parse;
mod property;
mod source;

use std::{fmt, str::FromStr, sync::OnceLock};

use regex::{Regex, RegexBuilder};

pub use fault::{PatternError, PatternFault};

use self::node::Node;
use crate::limits::{PATTERN_BYTES, PATTERN_MEMORY, PATTERN_PROPERTIES};

/// Text for `regex`, as [`Node::weight`](node::Node::weight) counts it, up to which an expression cannot take more than
/// [`PATTERN_MEMORY`], whatever is in it. It is then translated and compiled when it is first used: who only judges
/// expressions, as admission does, would spend nine tenths of the time on machines that never run.
const LIGHT: u64 = 1_000;

/// A regular expression with Go's meaning.
#[derive(Clone)]
pub struct Pattern {
    original: Box<str>,
    regex: OnceLock<Option<Regex>>,
    anchored: bool,
}

impl Pattern {
    /// Parses an expression. One that is valid but large is compiled at once, to see whether it stays within bounds.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let refuse = |(offset, fault)| PatternError::new(text, offset, fault);
        if text.len() > PATTERN_BYTES {
            return Err(refuse((None, PatternFault::Long(text.len()))));
        }
        let root = parse::parse(text).map_err(refuse)?;
        let regex = OnceLock::new();
        if root.weight() > LIGHT {
            let compiled = compile(&root).map_err(|fault| refuse((None, fault)))?;
            regex.get_or_init(|| Some(compiled));
        }
        Ok(Self { original: text.into(), regex, anchored: root.begins() && root.ends() })
    }

    /// The expression that matches exactly `text`.
    pub fn exactly(text: &str) -> Result<Self, PatternError> {
        let mut expression = String::from("^");
        for c in text.chars() {
            if r"\.+*?()|[]{}^$".contains(c) {
                expression.push('\\');
            }
            expression.push(c);
        }
        Self::parse(&(expression + "$"))
    }

    /// Whether there is a match anywhere in `text`, as Go's `MatchString`.
    pub fn is_match(&self, text: &str) -> bool {
        // A light expression always compiles; if one did not, it would match nothing.
        let regex = self.regex.get_or_init(|| compile(&parse::parse(&self.original).ok()?).ok());
        regex.as_ref().is_some_and(|regex| regex.is_match(text))
    }

    /// The expression as it was parsed.
    pub fn as_str(&self) -> &str {
        &self.original
    }

    /// Whether every alternative begins with `^` or `\A` and ends with `$` or `\z`, so that only whole texts match.
    ///
    /// With the flag `m`, `^` and `$` are ends of lines and do not count.
    pub fn is_anchored(&self) -> bool {
        self.anchored
    }

    /// Whether there can be a match inside something longer without the expression saying so: one that ends in `.*` says
    /// so, and an empty one matches everything by itself.
    pub fn is_open(&self) -> bool {
        if self.original.is_empty() || self.anchored {
            return false;
        }
        let closed = self.original.ends_with(".*").then(|| Self::parse(&format!("{}$", self.original)));
        !closed.is_some_and(|closed| closed.is_ok_and(|closed| closed.is_anchored()))
    }
}

fn compile(root: &Node) -> Result<Regex, PatternFault> {
    let mut translated = String::new();
    root.write(&mut translated);
    if translated.matches(property::START).count() > PATTERN_PROPERTIES {
        return Err(PatternFault::Large);
    }
    let mut builder = RegexBuilder::new(&translated);
    builder.size_limit(PATTERN_MEMORY).dfa_size_limit(PATTERN_MEMORY).build().map_err(|error| engine(&error))
}

fn engine(error: &regex::Error) -> PatternFault {
    match error {
        regex::Error::CompiledTooBig(_) => PatternFault::Large,
        // The message draws the expression with a marker below; its last line says what is wrong.
        error => {
            let text = error.to_string();
            let fault = text.lines().last().unwrap_or_default().trim();
            PatternFault::Engine(fault.strip_prefix("error: ").unwrap_or(fault).to_owned())
        }
    }
}

/// The expression as it was parsed.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.original)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.original, f)
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests;
