//! A command line split into words without a shell, as the AWS CLI does (POSIX rules of quoting, nothing else): blanks
//! separate, `'…'` is literal, in `"…"` a backslash protects `"` and `\`, elsewhere any character.

/// The words; `None` if a quote is not closed or a backslash is the last character.
pub(super) fn split(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c.is_whitespace() {
            words.extend(word.take());
            continue;
        }
        // A quote begins a word, even an empty one.
        let word = word.get_or_insert_default();
        match c {
            '\\' => word.push(rest.next()?),
            '\'' => loop {
                match rest.next()? {
                    '\'' => break,
                    c => word.push(c),
                }
            },
            '"' => loop {
                match rest.next()? {
                    '"' => break,
                    '\\' => match rest.next()? {
                        c @ ('"' | '\\') => word.push(c),
                        c => word.extend(['\\', c]),
                    },
                    c => word.push(c),
                }
            },
            c => word.push(c),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_split_by_the_rules_of_quoting() {
        for (line, words) in [
            ("", &[][..]),
            ("  ", &[]),
            ("/bin/a", &["/bin/a"]),
            (" /bin/a  -b\tc ", &["/bin/a", "-b", "c"]),
            (r#"'/my bin/a' "x y" z"#, &["/my bin/a", "x y", "z"]),
            (r#"a"b"'c'd"#, &["abcd"]),
            (r#"'' "" x"#, &["", "", "x"]),
            (r#""a\"b\\c\d" '\x' e\ f"#, &[r#"a"b\c\d"#, r"\x", "e f"]),
            ("a; rm -rf $HOME `x` | y > z &", &["a;", "rm", "-rf", "$HOME", "`x`", "|", "y", ">", "z", "&"]),
        ] {
            assert_eq!(split(line).unwrap(), words, "{line}");
        }
        for line in ["'", "\"", "a 'b", "\"a\\\"", "a\\"] {
            assert_eq!(split(line), None, "{line}");
        }
    }
}
