//! Versions in tags, read as tolerantly as Flux reads them.
//!
//! The rules are those of Masterminds/semver v3 `NewVersion`, which Flux uses: a leading `v`, missing minor and patch
//! numbers and leading zeros of numbers are accepted. Order: Semantic Versioning 2.0.0, item 11.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use semver::{BuildMetadata, Prerelease};

use super::digest::excerpt;

/// Bytes of a version; tags have at most 128.
const VERSION_BYTES: usize = 256;

/// A version, and the text that it was read from.
///
/// Equality and order are those of precedence: build metadata and the way of writing do not count, so `v1.2` equals
/// `1.2.0+b`.
#[derive(Clone)]
pub struct Version {
    parts: semver::Version,
    original: Box<str>,
}

/// Why a text is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// Not `1`, `1.2` or `1.2.3` with what may follow.
    #[error("version `{0}` is not of the form 1.2.3, 1.2.3-rc.1 or 1.2.3+build")]
    Form(String),
    /// A number that no version has.
    #[error("version `{0}` has a number larger than 18446744073709551615")]
    Number(String),
    /// An empty part, or a number with leading zeros.
    #[error("pre-release of version `{0}` has an empty part or a number with leading zeros")]
    Prerelease(String),
    /// Flux asks for three parts in tags.
    #[error("version `{0}` does not have three parts separated by dots")]
    Parts(String),
}

impl crate::Classify for VersionError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Form(_) | Self::Number(_) | Self::Prerelease(_) | Self::Parts(_) => "VersionInvalid",
        }
    }

    fn class(&self) -> crate::Class {
        match self {
            Self::Form(_) | Self::Number(_) | Self::Prerelease(_) | Self::Parts(_) => crate::Class::Terminal,
        }
    }
}

impl Version {
    /// Parses a version tolerantly: `1`, `v1.2`, `01.2.3-rc.1+build`.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        let form = || VersionError::Form(excerpt(text));
        if text.len() > VERSION_BYTES {
            return Err(form());
        }
        let rest = text.strip_prefix('v').unwrap_or(text);
        let (rest, build) = match rest.split_once('+') {
            Some((rest, build)) => (rest, BuildMetadata::new(build).ok().filter(|build| !build.is_empty())),
            None => (rest, Some(BuildMetadata::EMPTY)),
        };
        let (numbers, pre) = match rest.split_once('-') {
            Some((numbers, pre)) if is_identifiers(pre) => (numbers, Some(pre)),
            Some(_) => return Err(form()),
            None => (rest, None),
        };
        let mut parsed = [0; 3];
        let mut slots = parsed.iter_mut();
        for part in numbers.split('.') {
            let slot = slots.next().ok_or_else(form)?;
            if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(form());
            }
            *slot = part.parse().map_err(|_| VersionError::Number(excerpt(text)))?;
        }
        let build = build.ok_or_else(form)?;
        let pre = pre.map_or(Ok(Prerelease::EMPTY), Prerelease::new);
        let pre = pre.map_err(|_| VersionError::Prerelease(excerpt(text)))?;
        let [major, minor, patch] = parsed;
        Ok(Self { parts: semver::Version { major, minor, patch, pre, build }, original: text.into() })
    }

    /// As [`Self::parse`], for tags: Flux passes over tags without at least two dots, so that `v1` and `1.2` (which
    /// move) are no versions. It counts dots of the whole text, and so do we: `1.0-rc.1` passes.
    pub fn parse_tag_strict(text: &str) -> Result<Self, VersionError> {
        if text.bytes().filter(|b| *b == b'.').count() < 2 {
            return Err(VersionError::Parts(excerpt(text)));
        }
        Self::parse(text)
    }

    /// The first number.
    pub fn major(&self) -> u64 {
        self.parts.major
    }

    /// The second number.
    pub fn minor(&self) -> u64 {
        self.parts.minor
    }

    /// The third number.
    pub fn patch(&self) -> u64 {
        self.parts.patch
    }

    /// What follows `-`; empty for a release.
    pub fn prerelease(&self) -> &str {
        self.parts.pre.as_str()
    }

    /// What follows `+`; may be empty.
    pub fn build(&self) -> &str {
        self.parts.build.as_str()
    }

    /// Whether this comes before a release.
    pub fn is_prerelease(&self) -> bool {
        !self.parts.pre.is_empty()
    }

    /// The text as it was parsed.
    pub fn original(&self) -> &str {
        &self.original
    }

    pub(super) fn compare_prerelease(&self, other: &Self) -> Ordering {
        self.parts.pre.cmp(&other.parts.pre)
    }
}

/// Dot-separated, not empty, `[0-9A-Za-z-]`.
fn is_identifiers(text: &str) -> bool {
    text.split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
}

/// The canonical form `1.2.3-rc.1+build`; see [`Version::original`] for the text that was parsed.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.parts, f)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.original)
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts.cmp_precedence(&other.parts)
    }
}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.parts.major, self.parts.minor, self.parts.patch, &self.parts.pre).hash(state);
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_read_tolerantly() {
        for (text, canonical) in [
            ("1", "1.0.0"),
            ("v1", "1.0.0"),
            ("1.2", "1.2.0"),
            ("v1.2.3", "1.2.3"),
            ("01.002.0003", "1.2.3"),
            ("1.2-beta.5", "1.2.0-beta.5"),
            ("1-2", "1.0.0-2"),
            ("1.2.3-alpha.-1", "1.2.3-alpha.-1"),
            ("1.2.3-rc.1+build.007", "1.2.3-rc.1+build.007"),
            ("1.2.3+a-b", "1.2.3+a-b"),
            ("v2.3.5-20161202202307-sha.e8fc5e5", "2.3.5-20161202202307-sha.e8fc5e5"),
            ("18446744073709551615.0.0", "18446744073709551615.0.0"),
        ] {
            let version = Version::parse(text).unwrap();
            assert_eq!((version.to_string().as_str(), version.original()), (canonical, text));
        }
    }

    #[test]
    fn version_refuses_the_rest() {
        let words = "v V1.2.3 vv1 x 1. 1..2 .1 1.2.3.4 1.2.x -1 1.2.3- 1.2.3-a..b 1.2.3+ 1.2.3+a..b 1.2.3-beta_1 1.2.3-\u{e4} \
                     +1.2.3 latest 1.2.3+a+b 1,2 1.2.3-01 1.2.3-rc.00 18446744073709551616";
        let long = "1".repeat(300);
        for text in words.split(' ').chain(["", "1.2.3 ", " 1.2.3", &long]) {
            assert!(Version::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn version_of_a_tag_needs_two_dots() {
        for text in ["1.2.3", "v1.2.3", "1.2.3-rc.1", "01.2.3", "1.0-rc.1"] {
            assert!(Version::parse_tag_strict(text).is_ok(), "{text}");
        }
        for text in ["1", "v1", "1.2", "1.2-rc", "latest", "1.2.3.4", "a.b.c"] {
            assert!(Version::parse_tag_strict(text).is_err(), "{text}");
        }
    }

    #[test]
    fn version_order_is_that_of_precedence() {
        let ascending = "0.0.1 1.0.0-0 1.0.0-9 1.0.0-103 1.0.0--1 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta \
                         1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1 v1.0.1 1.9 1.10.0 2";
        let ascending: Vec<_> = ascending.split(' ').collect();
        for pair in ascending.windows(2) {
            let [low, high] = [pair[0], pair[1]].map(|text| Version::parse(text).unwrap());
            assert!(low < high, "{low} < {high}");
        }
        assert_eq!(Version::parse("v1.2").unwrap(), Version::parse("1.2.0+build").unwrap());
    }
}
