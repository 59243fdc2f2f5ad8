//! Command lines as a POSIX shell splits them, as far as documents need it. What is only known when it runs (variables,
//! substitutions, `${{ … }}` of a workflow) becomes [`UNKNOWN`].

use std::{iter::Peekable, str::Chars};

/// In the place of a value that nobody knows here.
const UNKNOWN: &str = "x";
/// Between commands.
const ENDS: &str = "\n;|&()";

/// The words of each command of a script, without redirections.
pub fn commands(script: &str) -> Vec<Vec<String>> {
    let script = without_documents(script);
    let mut reader = Reader {
        chars: script.chars().peekable(),
        all: Vec::new(),
        words: Vec::new(),
        word: None,
        drop: false,
    };
    reader.read();
    reader.all
}

/// Without the texts of `<<END`.
fn without_documents(script: &str) -> String {
    let mut kept = String::new();
    let mut end: Option<String> = None;
    for line in script.lines() {
        if let Some(mark) = &end {
            if line.trim() == mark {
                end = None;
            }
            continue;
        }
        if let Some((_, mark)) = line.split_once("<<") {
            end = Some(mark.trim().trim_matches(['\'', '"', '-']).to_owned());
        }
        kept.push_str(line);
        kept.push('\n');
    }
    kept
}

struct Reader<'s> {
    chars: Peekable<Chars<'s>>,
    all: Vec<Vec<String>>,
    words: Vec<String>,
    word: Option<String>,
    /// The next word is the file of a redirection.
    drop: bool,
}

impl Reader<'_> {
    fn read(&mut self) {
        while let Some(c) = self.chars.next() {
            match c {
                '\\' => match self.chars.next() {
                    Some('\n') | None => self.end_word(),
                    Some(other) => self.push(other),
                },
                '\'' => self.quoted('\''),
                '"' => self.quoted('"'),
                '$' => self.unknown(),
                '#' if self.word.is_none() => while self.chars.next_if(|c| *c != '\n').is_some() {},
                '<' | '>' => {
                    // `2>` is no word.
                    self.word.take_if(|word| word.chars().all(|c| c.is_ascii_digit()));
                    self.end_word();
                    while self.chars.next_if(|c| "<>&".contains(*c)).is_some() {}
                    self.drop = true;
                }
                c if ENDS.contains(c) => self.end_command(),
                c if c.is_whitespace() => self.end_word(),
                c => self.push(c),
            }
        }
        self.end_command();
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn quoted(&mut self, quote: char) {
        self.word.get_or_insert_default();
        while let Some(c) = self.chars.next() {
            match c {
                c if c == quote => return,
                '$' if quote == '"' => self.unknown(),
                c => self.push(c),
            }
        }
    }

    /// Behind a `$`: a name, or what is in brackets.
    fn unknown(&mut self) {
        self.word.get_or_insert_default().push_str(UNKNOWN);
        if self.chars.next_if(|c| "{(".contains(*c)).is_some() {
            let mut depth = 1;
            while depth > 0 {
                match self.chars.next() {
                    Some('{' | '(') => depth += 1,
                    Some('}' | ')') => depth -= 1,
                    Some(_) => {}
                    None => return,
                }
            }
        } else if self.chars.next_if(|c| "?!$@*#".contains(*c)).is_none() {
            while self.chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_').is_some() {}
        }
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take()
            && !std::mem::take(&mut self.drop)
        {
            self.words.push(word);
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        self.drop = false;
        if !self.words.is_empty() {
            self.all.push(std::mem::take(&mut self.words));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_split_as_a_shell_does() {
        for (script, expected) in [
            ("a b  c", &[&["a", "b", "c"][..]][..]),
            ("a \\\n  b # c\nd", &[&["a", "b"], &["d"]]),
            ("a 'b  $c' \"d '$e' f\" g\"h\"", &[&["a", "b  $c", "d 'x' f", "gh"]]),
            ("a | b && c || d; e > f 2>&1", &[&["a"], &["b"], &["c"], &["d"], &["e"]]),
            ("a $B/${C}-${{ d.e }}:$(f g) $?", &[&["a", "x/x-x:x", "x"]]),
            ("a < b -c\nd --e='<2'", &[&["a", "-c"], &["d", "--e=<2"]]),
            ("a -f - <<END\nb\nEND\nc", &[&["a", "-f", "-"], &["c"]]),
            ("# a\n\n", &[]),
        ] {
            assert_eq!(commands(script), expected, "{script}");
        }
    }
}
