//! Sets of characters: `[...]`, `\d`, `[:alpha:]`, `\p{...}`.
//!
//! Every set is spelled out in ranges for `regex`, because its shorthands mean more there (`\d` has the digits of all
//! scripts) and its brackets know operators (`&&`, `--`, `~~`) that are plain characters in Go.

use std::fmt::Write as _;

use super::{escape, fault::Fault, property, source::Source};

type Ranges = &'static [(char, char)];

const DIGIT: Ranges = &[('0', '9')];
const SPACE: Ranges = &[('\t', '\n'), ('\x0C', '\r'), (' ', ' ')];
const WORD: Ranges = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];

/// The sets of `posixGroup` in Go's `regexp/syntax/perl_groups.go`.
const POSIX: [(&str, Ranges); 14] = [
    ("alnum", &[('0', '9'), ('A', 'Z'), ('a', 'z')]),
    ("alpha", &[('A', 'Z'), ('a', 'z')]),
    ("ascii", &[('\0', '\x7F')]),
    ("blank", &[('\t', '\t'), (' ', ' ')]),
    ("cntrl", &[('\0', '\x1F'), ('\x7F', '\x7F')]),
    ("digit", DIGIT),
    ("graph", &[('!', '~')]),
    ("lower", &[('a', 'z')]),
    ("print", &[(' ', '~')]),
    ("punct", &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
    ("space", &[('\t', '\r'), (' ', ' ')]),
    ("upper", &[('A', 'Z')]),
    ("word", WORD),
    ("xdigit", &[('0', '9'), ('A', 'F'), ('a', 'f')]),
];

/// A set in the making.
pub(super) struct Set {
    text: String,
    /// Whether the flag `i` widens it.
    folds: bool,
}

impl Set {
    pub(super) fn new(negated: bool, folds: bool) -> Self {
        Self { text: if negated { "[^" } else { "[" }.to_owned(), folds }
    }

    /// `first` to `last`, both included.
    pub(super) fn range(&mut self, first: char, last: char) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, r"\x{{{:X}}}-\x{{{:X}}}", u32::from(first), u32::from(last));
    }

    /// A set of its own inside, as negation needs: with `i`, Go and `regex` both fold before they negate.
    fn ranges(&mut self, ranges: Ranges, negated: bool) {
        self.text.push_str(if negated { "[^" } else { "[" });
        for (first, last) in ranges {
            self.range(*first, *last);
        }
        self.text.push(']');
    }

    pub(super) fn finish(mut self) -> String {
        self.text.push(']');
        self.text
    }
}

/// The rest of `\d`, `\S`, `\pL`, `\P{Greek}`, whose backslash was read: adds it to the set. If it is something else,
/// reads nothing and answers `false`.
pub(super) fn shorthand(source: &mut Source<'_>, set: &mut Set) -> Result<bool, Fault> {
    let Some(name) = source.rest().chars().next().filter(|c| "dDsSwWpP".contains(*c)) else {
        return Ok(false);
    };
    source.next();
    let negated = name.is_ascii_uppercase();
    match name {
        'd' | 'D' => set.ranges(DIGIT, negated),
        's' | 'S' => set.ranges(SPACE, negated),
        'w' | 'W' => set.ranges(WORD, negated),
        _ => set.text.push_str(&property::read(source, negated, set.folds)?),
    }
    Ok(true)
}

/// A bracketed class whose `[` was read, as `parseClass` in Go's `regexp/syntax/parse.go` reads it.
pub(super) fn bracketed(source: &mut Source<'_>, folds: bool) -> Result<String, Fault> {
    let mut set = Set::new(source.eat("^"), folds);
    let mut first = true;
    // A `]` in front is a character.
    while first || !source.eat("]") {
        first = false;
        if posix(source, &mut set)? {
            continue;
        }
        let low = if source.eat("\\") {
            if shorthand(source, &mut set)? {
                continue;
            }
            escape::character(source)?
        } else {
            member(source)?
        };
        let rest = source.rest();
        // `[a-]` has the characters `a` and `-`; so has `[a-` Go's fault of a missing bracket.
        let high = if rest.len() >= 2 && rest.starts_with('-') && !rest.starts_with("-]") {
            source.next();
            member(source)?
        } else {
            low
        };
        if high < low {
            return Err(Fault::ClassRange);
        }
        set.range(low, high);
    }
    Ok(set.finish())
}

/// `[:name:]` or `[:^name:]`. Without a `:]` anywhere behind it, `[` is a character.
fn posix(source: &mut Source<'_>, set: &mut Set) -> Result<bool, Fault> {
    if !source.rest().strip_prefix("[:").is_some_and(|rest| rest.contains(":]")) {
        return Ok(false);
    }
    source.eat("[:");
    let name = source.until(":]").unwrap_or_default();
    let (name, negated) = match name.strip_prefix('^') {
        Some(name) => (name, true),
        None => (name, false),
    };
    let ranges = POSIX.iter().find(|(known, _)| *known == name).ok_or(Fault::PosixClass)?.1;
    set.ranges(ranges, negated);
    Ok(true)
}

fn member(source: &mut Source<'_>) -> Result<char, Fault> {
    match source.next() {
        None => Err(Fault::UnclosedClass),
        Some('\\') => escape::character(source),
        Some(c) => Ok(c),
    }
}
