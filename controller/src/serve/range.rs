//! Parts of a file (RFC 9110, section 14).

use std::ops::Range;

/// What a request wants of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Everything; also where several parts are asked for, or something that is no range.
    Whole,
    /// These bytes, at least one.
    Bytes(Range<u64>),
    /// Bytes that the file does not have.
    Unsatisfiable,
}

/// What the value of `Range` wants of a file with `size` bytes.
pub(super) fn part(value: &str, size: u64) -> Part {
    parse(value, size).unwrap_or(Part::Whole)
}

fn parse(value: &str, size: u64) -> Option<Part> {
    let (unit, spec) = value.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = spec.trim().split_once('-')?;
    let (first, last) = match (first.trim_end(), last.trim_start()) {
        ("", suffix) => (size.saturating_sub(number(suffix)?), size),
        (first, "") => (number(first)?, size),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            (first, last.saturating_add(1).min(size))
        }
    };
    Some(if first < last { Part::Bytes(first..last) } else { Part::Unsatisfiable })
}

/// Digits; more than fit count as very many.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_reads_one_range() {
        for (value, expected) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-4", 2..5),
            ("bytes=2-", 2..10),
            ("bytes=-3", 7..10),
            ("bytes=-99", 0..10),
            ("bytes=9-99", 9..10),
            ("BYTES = 1-1", 1..2),
            ("bytes=0-99999999999999999999999", 0..10),
            ("bytes=-99999999999999999999999", 0..10),
        ] {
            assert_eq!(part(value, 10), Part::Bytes(expected), "{value}");
        }
    }

    #[test]
    fn part_tells_what_the_file_does_not_have() {
        for value in ["bytes=10-", "bytes=10-11", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(part(value, 10), Part::Unsatisfiable, "{value}");
        }
        assert_eq!(part("bytes=0-0", 0), Part::Unsatisfiable);
        assert_eq!(part("bytes=-1", 0), Part::Unsatisfiable);
    }

    #[test]
    fn part_ignores_everything_else() {
        let many = format!("bytes={}", vec!["0-0"; 1_000].join(","));
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=4-2",
            "lines=1-2",
            "bytes=0-1,3-4",
            &many,
        ] {
            assert_eq!(part(value, 10), Part::Whole, "{value}");
        }
    }
}
