//! One segment of an ignore pattern: the globs of Go's `filepath.Match`.
//!
//! `*` any run of characters, `?` one character, `[a-z]` and `[^a-z]` classes, `\` takes the next character as it is.
//! No braces, no `[!x]`, no POSIX classes: the Flux CLI matches with exactly this, and an artifact must not gain or
//! lose files when it is built with another tool. A malformed glob matches nothing.

/// A parsed segment.
#[derive(Clone, Debug)]
pub(super) struct Glob {
    /// `None` if the text is malformed.
    tokens: Option<Vec<Token>>,
}

#[derive(Clone, Debug)]
enum Token {
    Star,
    Any,
    Char(char),
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Glob {
    pub(super) fn new(text: &str) -> Self {
        Self { tokens: parse(text) }
    }

    /// Whether the text was malformed.
    pub(super) fn is_malformed(&self) -> bool {
        self.tokens.is_none()
    }

    /// Whether the whole of `name`, one component of a path, matches.
    pub(super) fn matches(&self, name: &str) -> bool {
        let Some(tokens) = &self.tokens else { return false };
        let mut rest = name.chars();
        let mut tokens = tokens.as_slice();
        // Where to go on after the last star took one character more: only the last star needs another try.
        let mut retry: Option<(&[Token], std::str::Chars<'_>)> = None;
        loop {
            match tokens.split_first() {
                Some((Token::Star, after)) => {
                    tokens = after;
                    retry = Some((after, rest.clone()));
                    continue;
                }
                Some((token, after)) => {
                    if rest.next().is_some_and(|c| token.takes(c)) {
                        tokens = after;
                        continue;
                    }
                }
                None => {
                    if rest.as_str().is_empty() {
                        return true;
                    }
                }
            }
            let Some((after, from)) = &mut retry else {
                return false;
            };
            if from.next().is_none() {
                return false;
            }
            tokens = after;
            rest = from.clone();
        }
    }
}

impl Token {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Star => false,
            Self::Any => true,
            Self::Char(expected) => *expected == c,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

fn parse(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            '*' => Token::Star,
            '?' => Token::Any,
            '\\' => Token::Char(chars.next()?),
            '[' => {
                let negated = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                while ranges.is_empty() || chars.next_if_eq(&']').is_none() {
                    let low = class_char(&mut chars)?;
                    let high = match chars.next_if_eq(&'-') {
                        Some(_) => class_char(&mut chars)?,
                        None => low,
                    };
                    ranges.push((low, high));
                }
                Token::Class { negated, ranges }
            }
            other => Token::Char(other),
        });
    }
    Some(tokens)
}

/// One end of a range; a bare `-` or `]` and the end of the text are malformed there.
fn class_char(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match chars.next()? {
        '-' | ']' => None,
        '\\' => chars.next(),
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of Go's `path/filepath/match_test.go`, without the rows about `/`.
    #[test]
    fn glob_matches_as_go() {
        for (pattern, name, expected) in [
            ("abc", "abc", true),
            ("*", "abc", true),
            ("*c", "abc", true),
            ("a*", "a", true),
            ("a*", "abc", true),
            ("a*b*c*d*e*", "axbxcxdxe", true),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false),
            ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true),
            ("ab[e-g]", "abc", false),
            ("ab[^c]", "abc", false),
            ("ab[^b-d]", "abc", false),
            ("ab[^e-g]", "abc", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("a?b", "a☺b", true),
            ("a[^a]b", "a☺b", true),
            ("a???b", "a☺b", false),
            ("a[^a][^a][^a]b", "a☺b", false),
            ("[a-ζ]*", "α", true),
            ("*[a-ζ]", "A", false),
            ("[\\]a]", "]", true),
            ("[\\-]", "-", true),
            ("[x\\-]", "x", true),
            ("[x\\-]", "-", true),
            ("[x\\-]", "z", false),
            ("[\\-x]", "a", false),
            ("*x", "xxx", true),
            ("", "", true),
            ("", "a", false),
            ("[!x]", "!", true),
            ("{a,b}", "a", false),
        ] {
            assert_eq!(Glob::new(pattern).matches(name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn glob_that_is_malformed_matches_nothing() {
        for pattern in ["[]a]", "[-]", "[x-]", "[-x]", "\\", "[a-b-c]", "[", "[^", "[^bc", "a[", "[a-"] {
            let glob = Glob::new(pattern);
            assert!(glob.is_malformed(), "{pattern}");
            assert!(!glob.matches("a") && !glob.matches(pattern), "{pattern}");
        }
    }

    #[test]
    fn glob_of_many_stars_is_not_exponential() {
        assert!(!Glob::new(&"*a".repeat(200)).matches(&"a".repeat(199)));
        assert!(!Glob::new(&format!("{}b", "a*".repeat(200))).matches(&"a".repeat(5_000)));
    }
}
