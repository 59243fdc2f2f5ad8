//! `Retry-After`: seconds or an HTTP date (RFC 9110 §10.2.3).

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// How long the registry asks us to wait; `None` if it does not say or what it says cannot be read.
///
/// A date is compared to the reply's own `Date`, so that no clock of ours is needed.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = parse(text)?;
    let now = parse(headers.get(DATE)?.to_str().ok()?)?;
    Duration::try_from(until.duration_since(now)).ok()
}

fn parse(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, value.parse().unwrap());
        headers.insert(DATE, "Tue, 24 Nov 2026 10:00:00 GMT".parse().unwrap());
        retry_after(&headers)
    }

    #[test]
    fn retry_after_reads_seconds_and_dates() {
        assert_eq!(read("30"), Some(Duration::from_secs(30)));
        assert_eq!(read("Tue, 24 Nov 2026 10:00:05 GMT"), Some(Duration::from_secs(5)));
        assert_eq!(read("1000000000"), Some(Duration::from_secs(1_000_000_000)));
    }

    #[test]
    fn retry_after_ignores_nonsense() {
        for text in ["-1", "soon", "", "1e9", "Tue, 24 Nov 2026 09:00:00 GMT"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
