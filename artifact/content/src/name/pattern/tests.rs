use super::*;

fn fault(text: &str) -> PatternFault {
    Pattern::parse(text).expect_err(text).fault
}

#[test]
fn pattern_reads_shorthands_as_ascii() {
    for (pattern, yes, no) in [
        (r"^\d$", "7", "\u{663}"),
        (r"^\w$", "_", "\u{e9}"),
        (r"^\s$", "\t", "\u{b}"),
        (r"^\S$", "\u{a0}", " "),
        (r"^\W$", "\u{e9}", "x"),
        (r"a\b", "a\u{e9}", "ab"),
        (r"^[[:^alpha:]]$", "\u{e9}", "x"),
    ] {
        let pattern = Pattern::parse(pattern).unwrap();
        assert!(pattern.is_match(yes) && !pattern.is_match(no), "{pattern}");
    }
}

#[test]
fn pattern_refuses_what_go_refuses() {
    for (pattern, expected) in [
        ("(a", PatternFault::UnclosedGroup),
        ("a)", PatternFault::UnopenedGroup),
        ("[a", PatternFault::UnclosedClass),
        ("[b-a]", PatternFault::ClassRange),
        ("[[:foo:]]", PatternFault::PosixClass),
        (r"\p{Foo}", PatternFault::Property),
        ("a**", PatternFault::RepeatRepeat),
        ("a*+", PatternFault::RepeatRepeat),
        ("|*", PatternFault::RepeatNothing),
        ("a{1001}", PatternFault::RepeatCount),
        (r"(a)\1", PatternFault::BackReference),
        ("(?=a)", PatternFault::LookAround),
        ("(?x)a", PatternFault::Group),
        ("(?P<a b>c)", PatternFault::GroupName),
        (r"\C", PatternFault::Escape),
        ("a\\", PatternFault::TrailingBackslash),
    ] {
        let fault = fault(pattern);
        assert_eq!(fault, expected, "{pattern}");
        assert!(!fault.is_ours(), "{pattern}");
    }
}
