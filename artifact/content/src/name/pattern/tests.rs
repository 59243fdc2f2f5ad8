use super::*;
use crate::{Class, Classify as _, limits::PATTERN_DEPTH};

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

fn fault(text: &str) -> PatternFault {
    Pattern::parse(text).expect_err(text).fault
}

#[test]
fn pattern_reads_shorthands_as_ascii() {
    for (text, yes, no) in [
        (r"^\d$", "7", "\u{663}"),
        (r"^\D$", "\u{663}", "7"),
        (r"^\w$", "_", "\u{e9}"),
        (r"^\W$", "\u{e9}", "x"),
        (r"^\s$", "\t", "\u{b}"),
        (r"^\S$", "\u{a0}", " "),
        (r"^[\d]$", "7", "\u{663}"),
        (r"^[^\d]$", "\u{663}", "7"),
        (r"^[[:^alpha:]]$", "\u{e9}", "x"),
        (r"a\b", "a\u{e9}", "ab"),
        (r"a\B", "ab", "a\u{e9}"),
        // The bytes of one character have no place between them.
        (r"\B", "\u{e9}", "a\u{e9}a"),
    ] {
        let pattern = pattern(text);
        assert!(pattern.is_match(yes), "{text} {yes}");
        assert!(!pattern.is_match(no), "{text} {no}");
    }
}

#[test]
fn pattern_reads_as_characters_what_only_rust_gives_a_meaning() {
    for (text, yes, no) in [
        ("^[a&&b]+$", "a&b", "c"),
        ("^[+--]+$", ",", "+-a"),
        ("^[a~~b]+$", "~", "-"),
        ("^[[]$", "[", "]"),
        ("^[[a]]$", "[]", "a"),
        ("^a{,2}$", "a{,2}", "aa"),
        ("^a{01}$", "a{01}", "a"),
        ("^{$", "{", ""),
        (r"^\<a\>$", "<a>", "a"),
        ("^a b # c$", "a b # c", "ab"),
        (r"^\Qa.b*\E+$", "a.b**", "axb"),
        (r"^\Q(", "(", ""),
        (r"^\101\x42\x{43}$", "ABC", ""),
        (r"^[\a\v]+$", "\x07\x0b", "a"),
    ] {
        let pattern = pattern(text);
        assert!(pattern.is_match(yes), "{text} {yes}");
        assert!(!pattern.is_match(no), "{text} {no}");
    }
}

#[test]
fn pattern_keeps_flags_within_their_group() {
    for (text, yes, no) in [
        ("^(?i)ab$", "AB", "ac"),
        ("^a(?i:b)c$", "aBc", "aBC"),
        ("^(a(?i)b|c)d$", "Cd", "CD"),
        ("^(?i)a(?-i)b$", "Ab", "AB"),
        ("^a.b$", "axb", "a\nb"),
        ("(?s)^a.b$", "a\nb", "ab"),
        ("(?m)^b$", "a\nb\nc", "ab"),
        ("^b$", "b", "a\nb"),
        ("(?U)^a+?$", "aa", "b"),
        ("^(?P<n>a)(?<n>b)$", "ab", "a"),
        ("^a(?i)*$", "aaa", "A"),
    ] {
        let pattern = pattern(text);
        assert!(pattern.is_match(yes), "{text} {yes}");
        assert!(!pattern.is_match(no), "{text} {no}");
    }
}

#[test]
fn pattern_refuses_what_go_refuses_and_says_where() {
    for (text, expected, offset) in [
        ("x(a", PatternFault::UnclosedGroup, 1),
        ("(a)b)", PatternFault::UnopenedGroup, 4),
        ("a[b", PatternFault::UnclosedClass, 1),
        ("[b-a]", PatternFault::ClassRange, 0),
        ("[[:foo:]]", PatternFault::PosixClass, 0),
        (r"a\p{Foo}", PatternFault::Property, 1),
        (r"\p{Old_Italic}", PatternFault::Property, 0),
        ("a**", PatternFault::RepeatRepeat, 2),
        ("a*+", PatternFault::RepeatRepeat, 2),
        ("a|*", PatternFault::RepeatNothing, 2),
        ("a{1001}", PatternFault::RepeatCount, 1),
        ("(a{40}){40}", PatternFault::RepeatCount, 7),
        (r"(a)\1", PatternFault::BackReference, 3),
        ("a(?=b)", PatternFault::LookAround, 1),
        ("(?<!a)b", PatternFault::LookAround, 0),
        ("(?x)a", PatternFault::Group, 0),
        ("(?P<a b>c)", PatternFault::GroupName, 0),
        (r"\C", PatternFault::Escape, 0),
        ("\u{e9}\\", PatternFault::TrailingBackslash, 2),
    ] {
        let error = Pattern::parse(text).expect_err(text);
        assert_eq!((&error.fault, error.offset), (&expected, Some(offset)), "{text}");
        assert!(!error.fault.is_ours(), "{text}");
        assert!(error.hint().is_some() && error.class() == Class::Terminal, "{text}");
    }
}

#[test]
fn pattern_refuses_by_name_what_only_go_takes() {
    for text in [r"\x{D800}", r"[a-\x{dfff}]"] {
        assert_eq!(fault(text), PatternFault::Surrogate, "{text}");
    }
    for text in [r"(?i)\p{LC}", r"(?i)[\P{Cased_Letter}]"] {
        assert_eq!(fault(text), PatternFault::CasedLetter, "{text}");
    }
    assert!(pattern(r"\p{LC}").is_match("x"));
    assert_eq!(fault(r"(?:\pL{100}){10}"), PatternFault::Large);
    for text in [r"\x{D800}", r"(?i)\p{LC}", r"(?:\pL{100}){10}"] {
        assert!(fault(text).is_ours(), "{text}");
    }
}

#[test]
fn pattern_takes_exactly_its_limits() {
    let long = "a".repeat(PATTERN_BYTES);
    assert!(pattern(&long).is_match(&long));
    assert_eq!(fault(&format!("{long}a")), PatternFault::Long(PATTERN_BYTES + 1));
    // A character is a level, too.
    let nested = |levels: usize| format!("{}a{}", "(".repeat(levels), ")".repeat(levels));
    assert!(pattern(&nested(PATTERN_DEPTH - 1)).is_match("a"));
    assert_eq!(fault(&nested(PATTERN_DEPTH)), PatternFault::Deep);
    assert_eq!(fault(&"(".repeat(PATTERN_BYTES)), PatternFault::Deep);
    let stacked = |levels: usize| format!("a{}", "*(?i)".repeat(levels));
    assert!(pattern(&stacked(PATTERN_DEPTH - 1)).is_match("a"));
    assert_eq!(fault(&stacked(PATTERN_DEPTH)), PatternFault::Deep);
    // What the translation adds, at its worst: a group around each level.
    let mixed = |levels: usize| format!("{}a{}", "(?:x|y(?:".repeat(levels), "z)+)*".repeat(levels));
    assert!(pattern(&mixed(PATTERN_DEPTH / 8)).is_match("yaz"));
    let sets = |count: usize| format!("[{}]", r"\pL".repeat(count));
    assert!(pattern(&sets(PATTERN_PROPERTIES)).is_match("a"));
    assert_eq!(fault(&sets(PATTERN_PROPERTIES + 1)), PatternFault::Large);
    // `regex` would drop the empty groups; Go does not.
    let nothing = |count: usize| format!("(?:{}){{1000}}", "()".repeat(count));
    assert!(pattern(&nothing(200)).is_match("a"));
    assert_eq!(fault(&nothing(2_000)), PatternFault::Large);
    assert!(pattern("a{1000}").is_match(&"a".repeat(1_000)));
}

#[test]
fn pattern_is_anchored_if_every_alternative_is() {
    for text in [
        "^$",
        "^abc$",
        r"\Aabc\z",
        r"^abc\z",
        "^(a|b)$",
        "^a$|^b$",
        "(^a$|^b$)",
        "(?:^)a(?:$)",
        "(?i)^a$",
        "(^a|^b)c$",
        "(^a$)+",
        r"^a\$$",
    ] {
        assert!(pattern(text).is_anchored(), "{text}");
    }
    for text in [
        "", "a", "^a", "a$", "^a|b$", "^a$|b", "^a$|", "a^b$c", "(?m)^a$", "(^|a)b$", "^*a$", "^a$?",
        r"\^a$", r"^a\$", r"\Q^a$\E", "[^a]$", "^[a$]",
    ] {
        assert!(!pattern(text).is_anchored(), "{text}");
    }
}

#[test]
fn pattern_shows_what_was_written() {
    let parsed: Pattern = r"^v\d+$".parse().unwrap();
    assert_eq!((parsed.as_str(), parsed.to_string()), (r"^v\d+$", r"^v\d+$".to_owned()));
    assert_eq!(format!("{parsed:?}"), r#""^v\\d+$""#);
    let error = Pattern::parse("v(?!1)").unwrap_err();
    assert_eq!(error.to_string(), "regular expression `v(?!1)`: look-around at byte 1");
    assert_eq!(error.reason(), "RegexInvalid");
    let error = Pattern::parse(&"a".repeat(5_000)).unwrap_err().to_string();
    assert!(error.ends_with("`: it has 5000 bytes, more than 4096"), "{error}");
}

#[test]
fn pattern_that_is_compiled_late_always_compiles() {
    // The pieces that take the most memory for their text.
    let pieces = [
        "k",
        "\u{10ffff}",
        "kkkkkkkkkk",
        ".",
        "[^a]",
        r"\W",
        r"\D",
        r"[^\x{100}]",
        "[\u{80}-\u{10ffff}]",
        "(?i:k)",
        r"(?i:[^k])",
        r"\b",
        r"\B",
        "(?s:.)",
        "[[:^alpha:]]",
        "(?:a|[^b])",
        "(?i:[a-z\u{e4}-\u{3c9}])",
        "",
    ];
    let mut compiled = 0;
    for piece in pieces {
        for count in 1..=1_000 {
            for text in [
                format!("(?:{piece}){{{count}}}"),
                format!("(?:{piece}){{0,{count}}}"),
                format!("(?:{piece}){{{count},}}"),
            ] {
                let Ok(root) = parse::parse(&text) else { continue };
                // Only what is nearly too heavy is worth a look.
                if root.weight() > LIGHT || root.weight() < LIGHT * 9 / 10 {
                    continue;
                }
                let mut translated = String::new();
                root.write(&mut translated);
                let half = RegexBuilder::new(&translated).size_limit(PATTERN_MEMORY / 2).build();
                assert!(half.is_ok(), "{text}: {} for `{translated:.80}`", root.weight());
                compiled += 1;
            }
        }
    }
    assert!(compiled > 50, "{compiled} were tried");
}
