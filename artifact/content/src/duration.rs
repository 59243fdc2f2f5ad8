//! Durations as Go writes them: `1h30m`, `2.5s`, `300ms`.
//!
//! The grammar is that of Go's `time.ParseDuration`, the value that of `time.Duration`: whole nanoseconds, at most
//! about 292 years. Unlike there, nothing is rounded silently to something else: a number that does not fit is an error.

use std::time::Duration;

/// Digits of one number; more cannot change the value.
const DIGITS: usize = 32;
/// Go's longest duration.
const LONGEST_NANOSECONDS: u128 = i64::MAX as u128;

/// Why a text is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing, or a sign alone.
    #[error("it is empty")]
    Empty,
    /// Where a number should be there is none.
    #[error("a number is missing")]
    Number,
    /// A number without a unit behind it.
    #[error("a unit is missing")]
    NoUnit,
    /// A unit that Go does not know.
    #[error("a unit is unknown")]
    Unit,
    /// More than Go can hold.
    #[error("it is too long")]
    Long,
    /// Below zero.
    #[error("it is negative")]
    Negative,
}

/// Parses a duration that is not negative.
pub fn parse(text: &str) -> Result<Duration, Error> {
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..).unwrap_or_default()),
        Some(b'+') => (false, text.get(1..).unwrap_or_default()),
        _ => (false, text),
    };
    // The one number that needs no unit.
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(Error::Empty);
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let (nanoseconds, after) = term(rest)?;
        total = total.saturating_add(nanoseconds);
        if total > LONGEST_NANOSECONDS {
            return Err(Error::Long);
        }
        rest = after;
    }
    if negative && total > 0 {
        return Err(Error::Negative);
    }
    u64::try_from(total).map(Duration::from_nanos).map_err(|_| Error::Long)
}

/// One number with its unit, in nanoseconds, and what follows.
fn term(text: &str) -> Result<(u128, &str), Error> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(Error::Number);
    }
    let end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    let scale: u128 = match unit {
        "" => return Err(Error::NoUnit),
        "ns" => 1,
        // Both letters that look like mu, as in Go.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return Err(Error::Unit),
    };
    let significant = whole.trim_start_matches('0');
    if significant.len() > DIGITS {
        return Err(Error::Long);
    }
    let number = |digits: &str| if digits.is_empty() { Ok(0) } else { digits.parse::<u128>() };
    let whole = number(significant).map_err(|_| Error::Long)?.saturating_mul(scale);
    // Below a nanosecond nothing counts: more digits than the scale has cannot matter.
    let fraction = fraction.get(..fraction.len().min(15)).unwrap_or_default();
    let parts = 10_u128.pow(u32::try_from(fraction.len()).unwrap_or_default());
    let fraction = number(fraction).map_err(|_| Error::Long)?.saturating_mul(scale) / parts;
    Ok((whole.saturating_add(fraction), rest))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_reads_what_go_reads() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("0s", 0),
            ("-0s", 0),
            ("5m", 300_000_000_000),
            ("+5s", 5_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1.5h", 5_400_000_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("300ms", 300_000_000),
            ("1\u{b5}s2ns", 1_002),
            ("0.3333333333333333333h", 1_199_999_999_999),
            ("00000000000000000000000000000000000000001s", 1_000_000_000),
            ("2562047h47m16.854775807s", 9_223_372_036_854_775_807),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_nanos(nanoseconds)), "{text}");
        }
    }

    #[test]
    fn duration_names_the_fault() {
        for (text, fault) in [
            ("", Error::Empty),
            ("-", Error::Empty),
            ("-5m", Error::Negative),
            ("-1ns", Error::Negative),
            ("5", Error::NoUnit),
            ("1h5", Error::NoUnit),
            ("s", Error::Number),
            (".s", Error::Number),
            (" 5s", Error::Number),
            ("5 s", Error::Unit),
            ("1d", Error::Unit),
            ("1e9h", Error::Unit),
            ("5M", Error::Unit),
            ("2562047h47m16.854775808s", Error::Long),
            (&format!("{}s", "9".repeat(10_000)), Error::Long),
        ] {
            assert_eq!(parse(text), Err(fault), "{text:.40}");
        }
    }
}
