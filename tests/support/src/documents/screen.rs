//! What a document shows, and what is seen on the screen.

/// In documents: lines that are not shown, or the rest of a digest.
const MORE: &str = "…";
/// A digest, whoever it is of.
const DIGEST: &str = "sha256:…";
/// How many digits of one a table has.
const SHORT: usize = 8;
/// How the digest of a signature begins, in a list of several.
const BUNDLE: &str = "bundle ";
/// Questions, which only a terminal is asked.
const QUESTIONS: [&str; 3] = ["Password:", "Password of the new key:", "The same again:"];
/// How a condition or a count is told while it changes. How many there are depends on how fast everybody is.
const ON_THE_WAY: &str = "◎ ";
/// The last of them, which counts if it is shown: it is told wherever something changed on the way.
const ARRIVED: &str = "◎ Ready=True: ";

/// What differs, if anything does but digests, times, the widths of columns, questions and what is told on the way.
pub fn differs(shown: &str, seen: &str) -> Option<String> {
    let arrived = shown.lines().any(|line| line.starts_with(ARRIVED));
    let (shown, seen) = (lines(shown, arrived), lines(seen, arrived));
    let parts: Vec<&[String]> = shown.split(|line| line == MORE).collect();
    let fits = match &parts[..] {
        [all] => **all == seen,
        [first, between @ .., last] => {
            let rest = seen.strip_prefix(*first).and_then(|rest| rest.strip_suffix(*last));
            rest.is_some_and(|rest| have_in_order(rest, between))
        }
        [] => false,
    };
    (!fits).then(|| format!("it is shown:\n{}\n\nand seen:\n{}", shown.join("\n"), seen.join("\n")))
}

fn have_in_order(mut lines: &[String], parts: &[&[String]]) -> bool {
    parts.iter().filter(|part| !part.is_empty()).all(|part| {
        let found = lines.windows(part.len()).position(|window| window == *part);
        lines = found.and_then(|at| lines.get(at + part.len()..)).unwrap_or_default();
        found.is_some()
    })
}

fn lines(text: &str, arrived: bool) -> Vec<String> {
    let kept = text.lines().filter(|line| {
        let on_the_way = line.starts_with(ON_THE_WAY) && !(arrived && line.starts_with(ARRIVED));
        !on_the_way && !QUESTIONS.contains(&line.trim())
    });
    let mut lines: Vec<String> = kept.map(|line| columns(&times(&digests(line)))).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

fn digests(line: &str) -> String {
    let mut parts = line.split("sha256:");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        let rest = &part[digits..];
        match rest.strip_prefix(MORE) {
            Some(rest) => out.extend([DIGEST, rest]),
            None if digits == 64 || digits == SHORT => out.extend([DIGEST, rest]),
            None => out.extend(["sha256:", part]),
        }
    }
    bundles(&out)
}

fn bundles(line: &str) -> String {
    let mut parts = line.split(BUNDLE);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        out.extend([BUNDLE, if digits == 12 { &part[digits..] } else { part }]);
    }
    out
}

/// RFC 3339, to the second or better.
fn times(line: &str) -> String {
    let is_time = |word: &str| {
        word.len() >= 20 && word.ends_with('Z') && word.bytes().filter(|b| b"-:T".contains(b)).count() == 5
    };
    let words = line.split(' ').map(|word| if is_time(word) { "TIME" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// Three spaces between columns, however wide they are.
fn columns(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let parts = line.trim().split("   ").map(str::trim).filter(|part| !part.is_empty());
    format!("{}{}", &line[..indent], parts.collect::<Vec<_>>().join("   "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_times_and_widths_do_not_count() {
        let hex = "0123456789abcdef".repeat(4);
        let seen = format!("✔ a@sha256:{hex} is   there at 2026-11-30T06:27:54Z\n◎ Ready=Unknown: b\n");
        assert_eq!(differs("✔ a@sha256:5874b0f6… is      there at 2025-01-01T00:00:00Z\n", &seen), None);
        for other in
            ["✔ b@sha256:5874b0f6… is   there at 2025-01-01T00:00:00Z\n", "", "✔ a@sha256:5874b0f6… is\n"]
        {
            assert!(differs(other, &seen).is_some(), "{other}");
        }
        assert!(differs("sha256:01", "sha256:02").is_some(), "no whole digest");
    }

    #[test]
    fn lines_that_are_not_shown_may_be_any() {
        let seen = "a\nb\nc\nd\ne\n";
        for shown in ["a\n…\ne\n", "…\n", "a\nb\n…\n", "…\nc\n…\ne\n", "a\n…\nb\nc\nd\ne\n"] {
            assert_eq!(differs(shown, seen), None, "{shown}");
        }
        for shown in ["a\n…\nd\n", "b\n…\n", "…\nd\n…\nc\n…\n", "a\n…\nc\n…\nc\n…\n", "a\nb\nc\nd\n…\nd\ne\n"]
        {
            assert!(differs(shown, seen).is_some(), "{shown}");
        }
    }

    #[test]
    fn questions_and_what_is_told_on_the_way_do_not_count() {
        let shown = "Password of the new key:\nThe same again:\na\n◎ Ready=True: b\n";
        assert_eq!(differs(shown, "a\n◎ Reconciling=True: c\n◎ Ready=True: b\n"), None);
        assert!(differs(shown, "a\n").is_some());
        assert_eq!(differs("a\n", "a\n◎ Ready=True: b\n"), None);
    }
}
