//! Version ranges such as `>=1.0.0 <2.0.0 || ^3`, in the language of Masterminds/semver v3, which Flux uses.
//!
//! - A term is a comparator and a version: `= != > >= => < <= =< ~ ~> ^`, or none, which means `=`.
//! - Terms that stand beside each other, with a comma or without, must all hold; `||` separates alternatives.
//! - `1.2 - 3.4` means `>=1.2 <=3.4`.
//! - Numbers may be missing or `x`, `X`, `*`. A comparator then speaks of the whole range that they leave open:
//!   `=1.2` and `~1.2` are `>=1.2.0 <1.3.0`, `>1.2` is `>=1.3.0`, `<=1.2` is `<1.3.0`, `!=1.2` excludes all of it.
//! - Pre-releases match only an alternative in which some term has a pre-release (`>=1.0.0-0` is the usual way to ask
//!   for them), but then they match by precedence alone, unlike in other dialects.
//! - A blank range means `*`: every release.
//!
//! Compared with Masterminds 3.5: a blank range and a hyphen range after a space are accepted here and refused there.
//! Refused here and accepted there by accident of its rewriting: a hyphen range with a comparator right behind it
//! (`1 - 2>=1.5`), and letters, stars or `|` mixed into numbers (`1.2.xx`, `1.x|2`).

mod matching;
mod parse;

use std::{fmt, str::FromStr};

use super::Version;
use crate::{Class, Classify, limits::RANGE_BYTES};

/// Terms of one range.
pub const RANGE_TERMS: usize = 256;

/// A set of versions.
#[derive(Clone)]
pub struct Range {
    alternatives: Vec<Alternative>,
    original: Box<str>,
}

/// Terms that must all hold.
#[derive(Clone, Debug)]
struct Alternative {
    terms: Vec<Term>,
    /// Whether any term has a pre-release.
    prereleases: bool,
}

#[derive(Clone, Debug)]
struct Term {
    comparator: Comparator,
    /// Numbers that are open are zero.
    version: Version,
    open: Open,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Tilde,
    Caret,
}

/// The first number of a term that is missing or a wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Major,
    Minor,
    Patch,
    Nothing,
}

/// Why a text is no version range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// Too long.
    #[error("version range `{text}` has {length} bytes, more than {RANGE_BYTES}")]
    Long {
        /// The range, cut.
        text: String,
        /// Its length.
        length: usize,
    },
    /// Too many terms.
    #[error("version range `{0}` has more than {RANGE_TERMS} terms")]
    Terms(String),
    /// Nothing on one side of `||`.
    #[error("version range `{0}` has nothing before or after `||`")]
    Empty(String),
    /// One term is broken.
    #[error("version range `{text}`: {fault} in `{term}`")]
    Term {
        /// The range.
        text: String,
        /// The term at fault.
        term: String,
        /// What is wrong with it.
        fault: &'static str,
    },
}

impl Classify for RangeError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Long { .. } | Self::Terms(_) | Self::Empty(_) | Self::Term { .. } => "RangeInvalid",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Long { .. } | Self::Terms(_) | Self::Empty(_) | Self::Term { .. } => Class::Terminal,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Empty(_) | Self::Term { .. } => {
                Some("write ranges like `>=1.0.0 <2.0.0`, `~1.2`, `^1.2.3` or `1.x || 2.x`".into())
            }
            Self::Long { .. } | Self::Terms(_) => None,
        }
    }
}

impl Range {
    /// Parses a range.
    pub fn parse(text: &str) -> Result<Self, RangeError> {
        Ok(Self { alternatives: parse::alternatives(text)?, original: text.into() })
    }

    /// Whether `version` is in the range.
    pub fn matches(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|alternative| alternative.matches(version))
    }

    /// The text as it was parsed.
    pub fn original(&self) -> &str {
        &self.original
    }
}

/// The text as it was parsed.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.original)
    }
}

impl fmt::Debug for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.original, f)
    }
}

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests;
