//! Choosing and ordering tags.

use std::cmp::{Ordering, Reverse};

use super::{Pattern, PatternError, Range, RangeError, Tag, Version};
use crate::{Class, Classify};

/// The tag with the highest version in `range`, among those that `filter` finds a match in.
///
/// As Flux: a tag needs two dots to be a version (see [`Version::parse_tag_strict`]), others are passed over, and the
/// filter is not anchored. Where Flux leaves it open which of equal versions wins (`v1.0.0` and `1.0.0`, or build
/// metadata), the tag that is greater in byte order does, so the choice never depends on the registry's order.
///
/// One pass: a version is parsed for each tag, and nothing is sorted.
pub fn newest<'a>(
    tags: impl IntoIterator<Item = &'a Tag>,
    range: &Range,
    filter: Option<&Pattern>,
) -> Option<Tag> {
    tags.into_iter()
        .filter(|tag| filter.is_none_or(|filter| filter.is_match(tag.as_str())))
        .filter_map(|tag| Some((Version::parse_tag_strict(tag.as_str()).ok()?, tag)))
        .filter(|(version, _)| range.matches(version))
        .max()
        .map(|(_, tag)| tag.clone())
}

/// The order of a list for people: versions (as [`newest`] sees them), newest first, then all other tags in
/// descending natural order, in which `build-10` is above `build-9`.
pub fn sort_for_list(mut tags: Vec<Tag>) -> Vec<Tag> {
    let key = |tag: &Tag| (Version::parse_tag_strict(tag.as_str()).ok(), Natural(tag.as_str().into()));
    tags.sort_by_cached_key(|tag| Reverse(key(tag)));
    tags
}

/// Whether a tag is a name that tools give to what they attach to a manifest: cosign's `sha256-<hex>.sig`, `.att` and
/// `.sbom`, and the tag of the referrers fallback, `sha256-<hex>` (OCI distribution-spec 1.1, "Referrers Tag Schema",
/// which cuts the digits of a SHA-512 digest to 64).
pub fn is_signature_tag(tag: &Tag) -> bool {
    let text = tag.as_str();
    let name = [".sig", ".att", ".sbom"].iter().find_map(|suffix| text.strip_suffix(suffix)).unwrap_or(text);
    let hex = name.strip_prefix("sha256-").or_else(|| name.strip_prefix("sha512-"));
    hex.is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

/// Which tags a list shows (`--filter-semver`, `--filter-regex`).
#[derive(Clone, Debug, Default)]
pub struct Filters {
    /// Versions in this range only.
    pub range: Option<Range>,
    /// Tags only in which this finds a match, anywhere.
    pub regex: Option<Pattern>,
}

/// Why a filter cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Not a version range.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// Not a regular expression that Flux could use, or one that is too large.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

impl Classify for FilterError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Range(error) => error.reason(),
            Self::Pattern(error) => error.reason(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Range(error) => error.class(),
            Self::Pattern(error) => error.class(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Range(error) => error.hint(),
            Self::Pattern(error) => error.hint(),
        }
    }
}

impl Filters {
    /// Parses both filters.
    pub fn parse(range: Option<&str>, regex: Option<&str>) -> Result<Self, FilterError> {
        let range = range.map(Range::parse).transpose()?;
        Ok(Self { range, regex: regex.map(Pattern::parse).transpose()? })
    }

    /// Whether a tag is shown: it must pass both filters.
    pub fn admits(&self, tag: &Tag) -> bool {
        let text = tag.as_str();
        self.regex.as_ref().is_none_or(|regex| regex.is_match(text))
            && self.range.as_ref().is_none_or(|range| {
                Version::parse_tag_strict(text).is_ok_and(|version| range.matches(&version))
            })
    }
}

/// Text in natural order: runs of digits compare as numbers, everything else by bytes.
#[derive(PartialEq, Eq)]
struct Natural(Box<str>);

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut one, mut two) = (self.0.as_bytes(), other.0.as_bytes());
        loop {
            let order = match (number(&mut one), number(&mut two)) {
                (Some(one), Some(two)) => one.len().cmp(&two.len()).then_with(|| one.cmp(two)),
                (one_number, two_number) => {
                    let first = |number: Option<&[u8]>, rest: &mut &[u8]| match number {
                        Some(_) => Some(b'0'),
                        None => rest.split_off_first().copied(),
                    };
                    let (one, two) = (first(one_number, &mut one), first(two_number, &mut two));
                    if one.is_none() && two.is_none() {
                        // Only leading zeros differ; the order must be total.
                        return self.0.cmp(&other.0);
                    }
                    one.cmp(&two)
                }
            };
            if order.is_ne() {
                return order;
            }
        }
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Takes a run of digits from the front; leading zeros are left out of the answer.
fn number<'a>(text: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    if end == 0 {
        return None;
    }
    let digits = text.split_off(..end)?;
    let zeros = digits.iter().position(|b| *b != b'0').unwrap_or(digits.len());
    digits.get(zeros..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(text: &str) -> Vec<Tag> {
        text.split_whitespace().map(|tag| Tag::parse(tag).unwrap()).collect()
    }

    fn choose(range: &str, filter: Option<&str>, candidates: &str) -> Option<String> {
        let filter = filter.map(|filter| Pattern::parse(filter).unwrap());
        newest(&tags(candidates), &Range::parse(range).unwrap(), filter.as_ref()).map(|tag| tag.to_string())
    }

    #[test]
    fn newest_takes_the_highest_version_in_the_range() {
        let candidates = "latest v1 1.2 1.9.0 v1.10.0 1.10.0-rc.1 2.0.0 sha256-ab 2.1.0-rc.1 01.11.0";
        for (range, expected) in [
            ("*", Some("2.0.0")),
            ("1.x", Some("01.11.0")),
            ("~1.9", Some("1.9.0")),
            (">=1.10.0-0 <1.11", Some("v1.10.0")),
            (">=2.0.0-0", Some("2.1.0-rc.1")),
            (">=3", None),
        ] {
            assert_eq!(choose(range, None, candidates).as_deref(), expected, "{range}");
        }
    }

    #[test]
    fn newest_filters_first_and_anywhere() {
        let candidates = "1.0.0-rc.1 1.1.0-rc.2 1.2.0-beta.1 1.3.0";
        assert_eq!(choose(">=0.0.0-0", Some("rc"), candidates).as_deref(), Some("1.1.0-rc.2"));
        assert_eq!(choose(">=0.0.0-0", Some("^rc"), candidates), None);
    }

    #[test]
    fn newest_does_not_depend_on_the_order_of_equal_versions() {
        for candidates in ["1.0.0 v1.0.0 01.0.0", "v1.0.0 01.0.0 1.0.0", "01.0.0 1.0.0 v1.0.0"] {
            assert_eq!(choose("*", None, candidates).as_deref(), Some("v1.0.0"), "{candidates}");
        }
    }

    #[test]
    fn newest_copes_with_many_tags() {
        let many: Vec<Tag> =
            (0..50_000).map(|n| Tag::parse(&format!("1.{}.{}", n % 250, n / 250)).unwrap()).collect();
        let range = Range::parse("^1.2 !=1.249.199").unwrap();
        assert_eq!(newest(&many, &range, None), Some(Tag::parse("1.249.198").unwrap()));
        assert_eq!(sort_for_list(many).first(), Some(&Tag::parse("1.249.199").unwrap()));
    }

    #[test]
    fn sort_for_list_shows_versions_first_and_numbers_as_numbers() {
        let sorted = sort_for_list(tags(
            "latest v1.9.0 build-9 v1.10.0 main-2-a 1.10.0-rc.1 build-10 v1 dev main-10 20240101 build-010 Z build-",
        ));
        let expected = "v1.10.0 1.10.0-rc.1 v1.9.0 v1 main-10 main-2-a latest dev build-10 build-010 build-9 build- Z \
                        20240101";
        assert_eq!(sorted, tags(expected));
    }

    #[test]
    fn signature_tags_are_recognised() {
        let hex = "0123456789abcdef".repeat(4);
        for suffix in ["", ".sig", ".att", ".sbom"] {
            for algorithm in ["sha256", "sha512"] {
                let tag = Tag::parse(&format!("{algorithm}-{hex}{suffix}")).unwrap();
                assert!(is_signature_tag(&tag), "{tag}");
            }
        }
        let short = format!("sha256-{}", &hex[1..]);
        let upper = format!("sha256-{}", hex.to_uppercase());
        let other = format!("sha256-{hex}.zip");
        for text in ["v1.sig", "latest", "sha256", "sha256-", "sha256-abc", &short, &upper, &other, &hex] {
            assert!(!is_signature_tag(&Tag::parse(text).unwrap()), "{text}");
        }
    }

    #[test]
    fn filters_must_all_pass() {
        let filters = Filters::parse(Some(">=1.0.0-0"), Some("rc")).unwrap();
        let shown: Vec<Tag> = tags("1.0.0 1.0.0-rc.1 0.9.0-rc.1 rc v1-rc")
            .into_iter()
            .filter(|tag| filters.admits(tag))
            .collect();
        assert_eq!(shown, tags("1.0.0-rc.1"));
        assert!(Filters::default().admits(&Tag::latest()));
    }

    #[test]
    fn filter_that_is_broken_says_why() {
        let error = |range, regex| Filters::parse(range, regex).unwrap_err().to_string();
        assert_eq!(error(None, Some("a(")), "regular expression `a(`: an unclosed group at byte 1");
        assert!(error(Some("1.2.3.4"), None).contains("three numbers at most"));
    }
}
