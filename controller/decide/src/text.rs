//! Foreign text in messages.

/// Longest message of a condition or event, in bytes. The API server lets 32 KiB pass; nobody reads that.
const LONGEST: usize = 4_096;
const CUT: &str = "…";

/// The text on one line, with everything escaped that could change how the rest of it is shown, and cut where it gets
/// too long.
pub(crate) fn bounded(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LONGEST));
    // Where a cut leaves room for its mark.
    let mut fits = 0;
    for c in text.chars() {
        if hides(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        if out.len() > LONGEST {
            out.truncate(fits);
            out.push_str(CUT);
            return out;
        }
        if out.len() <= LONGEST - CUT.len() {
            fits = out.len();
        }
    }
    out
}

/// Control characters, line and paragraph separators, and those that turn the direction of writing.
fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounded_shows_what_hides() {
        assert_eq!(bounded("a\nb\u{1b}[31m\u{202e}c\u{7f}"), r"a\nb\u{1b}[31m\u{202e}c\u{7f}");
        assert_eq!(bounded(r#"it's "as" it \ was ä 🙂"#), r#"it's "as" it \ was ä 🙂"#);
    }

    #[test]
    fn bounded_cuts_at_the_limit_and_between_characters() {
        let whole = "a".repeat(LONGEST);
        assert_eq!(bounded(&whole), whole);
        assert_eq!(bounded(&format!("{whole}b")), format!("{}…", "a".repeat(LONGEST - 3)));
        for pad in 0..8 {
            for unit in ["ä", "🙂", "\n", "\u{202e}"] {
                let text = bounded(&format!("{}{}", "a".repeat(pad), unit.repeat(LONGEST)));
                assert!(text.len() <= LONGEST && text.len() > LONGEST - 16, "{pad} {unit:?} {}", text.len());
                assert!(text.ends_with('…'));
            }
        }
    }
}
