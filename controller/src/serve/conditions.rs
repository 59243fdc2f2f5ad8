//! Conditional requests (RFC 9110, section 13).

use axum::http::{
    HeaderMap, HeaderName,
    header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE},
};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};

/// What tells one state of a resource from another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Validators<'a> {
    /// With its quotes; strong.
    pub(super) etag: &'a str,
    /// In seconds since 1970; `None` where a time says nothing.
    pub(super) modified: Option<i64>,
}

/// What the conditions of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is answered.
    Answer,
    /// The client has it already.
    NotModified,
    /// The client wants something else.
    Failed,
}

/// What the conditions of a GET or HEAD come to.
pub(super) fn judge(headers: &HeaderMap, known: Validators<'_>) -> Verdict {
    let passes = if headers.contains_key(IF_MATCH) {
        lists(headers, IF_MATCH, known.etag, false)
    } else {
        date(headers, IF_UNMODIFIED_SINCE)
            .is_none_or(|since| known.modified.is_none_or(|modified| modified <= since))
    };
    if !passes {
        return Verdict::Failed;
    }
    let fresh = if headers.contains_key(IF_NONE_MATCH) {
        lists(headers, IF_NONE_MATCH, known.etag, true)
    } else {
        date(headers, IF_MODIFIED_SINCE)
            .is_some_and(|since| known.modified.is_some_and(|modified| modified <= since))
    };
    if fresh { Verdict::NotModified } else { Verdict::Answer }
}

/// Whether `Range` counts: not if the client has parts of something else.
pub(super) fn range_counts(headers: &HeaderMap, known: Validators<'_>) -> bool {
    let Some(value) = headers.get(IF_RANGE) else {
        return true;
    };
    let value = value.to_str().unwrap_or_default();
    value == known.etag || (known.modified.is_some() && parse(value) == known.modified)
}

/// Whether a list of tags has this one. A weak tag may stand for a strong one where only freshness is asked.
fn lists(headers: &HeaderMap, name: HeaderName, etag: &str, weak: bool) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).any(|tag| {
        let tag = if weak { tag.strip_prefix("W/").unwrap_or(tag) } else { tag };
        tag == "*" || tag == etag
    })
}

/// A time of a request; what is none counts as absent.
fn date(headers: &HeaderMap, name: HeaderName) -> Option<i64> {
    parse(headers.get(name)?.to_str().ok()?)
}

fn parse(text: &str) -> Option<i64> {
    DateTimeParser::new().parse_timestamp(text).ok().map(Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const TAG: &str = "\"sha256:ab\"";
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const KNOWN: Validators<'_> = Validators { etag: TAG, modified: Some(784_111_777) };

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn judge_follows_the_order_of_the_rfc() {
        use Verdict::{Answer, Failed, NotModified};
        for (pairs, expected) in [
            (&[][..], Answer),
            (&[(IF_NONE_MATCH, TAG)], NotModified),
            (&[(IF_NONE_MATCH, "*")], NotModified),
            (&[(IF_NONE_MATCH, "\"x\", W/\"sha256:ab\"")], NotModified),
            (&[(IF_NONE_MATCH, "\"x\"")], Answer),
            (&[(IF_NONE_MATCH, "sha256:ab")], Answer),
            (&[(IF_MODIFIED_SINCE, DATE)], NotModified),
            (&[(IF_MODIFIED_SINCE, EARLIER)], Answer),
            (&[(IF_MODIFIED_SINCE, "yesterday")], Answer),
            (&[(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, DATE)], Answer),
            (&[(IF_MATCH, TAG)], Answer),
            (&[(IF_MATCH, "*")], Answer),
            (&[(IF_MATCH, "W/\"sha256:ab\"")], Failed),
            (&[(IF_MATCH, "\"x\""), (IF_NONE_MATCH, TAG)], Failed),
            (&[(IF_MATCH, TAG), (IF_NONE_MATCH, TAG)], NotModified),
            (&[(IF_UNMODIFIED_SINCE, DATE)], Answer),
            (&[(IF_UNMODIFIED_SINCE, EARLIER)], Failed),
            (&[(IF_MATCH, TAG), (IF_UNMODIFIED_SINCE, EARLIER)], Answer),
        ] {
            assert_eq!(judge(&headers(pairs), KNOWN), expected, "{pairs:?}");
        }
    }

    #[test]
    fn judge_knows_nothing_of_times_where_they_say_nothing() {
        let known = Validators { modified: None, ..KNOWN };
        assert_eq!(judge(&headers(&[(IF_MODIFIED_SINCE, DATE)]), known), Verdict::Answer);
        assert_eq!(judge(&headers(&[(IF_UNMODIFIED_SINCE, EARLIER)]), known), Verdict::Answer);
        assert!(!range_counts(&headers(&[(IF_RANGE, DATE)]), known));
    }

    #[test]
    fn range_counts_for_the_same_file_only() {
        for (value, expected) in [(TAG, true), (DATE, true), (EARLIER, false), ("\"x\"", false), ("*", false)]
        {
            assert_eq!(range_counts(&headers(&[(IF_RANGE, value)]), KNOWN), expected, "{value}");
        }
        assert!(range_counts(&headers(&[]), KNOWN));
    }
}
