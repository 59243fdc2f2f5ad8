//! Go's syntax: `parse` in `regexp/syntax/parse.go` with the flags of `regexp.Compile` (`syntax.Perl`), step by step.

use std::mem;

use super::{
    class::{self, Set},
    escape,
    fault::Fault,
    node::{self, Count, Node},
    source::{Located, Source},
};
use crate::limits::PATTERN_DEPTH;

/// The flags of `(?imsU)`.
#[derive(Clone, Copy, Default)]
struct Flags(u8);

impl Flags {
    const FOLD: u8 = 1;
    const MULTI_LINE: u8 = 1 << 1;
    const DOT_ALL: u8 = 1 << 2;
    /// Which match is preferred, not whether there is one.
    const UNGREEDY: u8 = 1 << 3;

    fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }
}

/// ASCII's `\B`. By itself it also holds between the bytes of one character, where `regex` gives up on a match that it
/// could have found elsewhere; Unicode's `\b` or `\B` holds between whole characters only.
const NO_BOUNDARY: &str = r"(?:(?-u:\B)(?:\b|\B))";

/// What is open: the whole, or a group.
struct Frame {
    /// Where it was opened.
    at: usize,
    /// The flags to return to when it is closed.
    outer: Flags,
    /// Alternatives that are complete.
    alternatives: Vec<Node>,
    /// The alternative that is being read.
    nodes: Vec<Node>,
}

struct Parser<'a> {
    source: Source<'a>,
    flags: Flags,
    groups: Vec<Frame>,
    current: Frame,
    /// Whether the last thing read was a repetition. Not the same as the last node: Go takes `a*(?i)*`.
    repeated: bool,
}

/// Reads a whole expression.
pub(super) fn parse(text: &str) -> Result<Node, Located> {
    let mut parser = Parser {
        source: Source::new(text),
        flags: Flags::default(),
        groups: Vec::new(),
        current: Frame::new(0, Flags::default()),
        repeated: false,
    };
    // Most of an expression is characters, a node each.
    parser.current.nodes.reserve(text.len().min(128));
    loop {
        let at = parser.source.at();
        match parser.step() {
            Ok(true) => {}
            Ok(false) => break,
            Err(fault) => return Err((Some(at), fault)),
        }
    }
    if !parser.groups.is_empty() {
        return Err((Some(parser.current.at), Fault::UnclosedGroup));
    }
    parser.current.finish().map_err(|fault| (None, fault))
}

impl Frame {
    fn new(at: usize, outer: Flags) -> Self {
        Self { at, outer, alternatives: Vec::new(), nodes: Vec::new() }
    }

    fn bar(&mut self) -> Result<(), Fault> {
        self.alternatives.push(Node::concat(mem::take(&mut self.nodes))?);
        Ok(())
    }

    fn finish(mut self) -> Result<Node, Fault> {
        self.bar()?;
        Node::alternate(self.alternatives)
    }
}

impl Parser<'_> {
    /// Reads one thing; `false` at the end.
    fn step(&mut self) -> Result<bool, Fault> {
        let repeated = mem::take(&mut self.repeated);
        let at = self.source.at();
        let Some(c) = self.source.next() else {
            return Ok(false);
        };
        match c {
            '(' if self.source.eat("?") => self.extended(at)?,
            '(' => self.open(at, self.flags)?,
            ')' => self.close()?,
            '|' => self.current.bar()?,
            '^' if self.flags.has(Flags::MULTI_LINE) => self.atom(r"(?m:^)"),
            '^' => self.push(Node::begin()),
            '$' if self.flags.has(Flags::MULTI_LINE) => self.atom(r"(?m:$)"),
            '$' => self.push(Node::end()),
            '.' if self.flags.has(Flags::DOT_ALL) => self.atom("(?s:.)"),
            '.' => self.atom(r"[^\n]"),
            '[' => {
                let set = class::bracketed(&mut self.source, self.flags.has(Flags::FOLD))?;
                self.folding(&set);
            }
            '*' => self.repeat(0, None, false, repeated)?,
            '+' => self.repeat(1, None, false, repeated)?,
            '?' => self.repeat(0, Some(1), false, repeated)?,
            '{' => match counts(self.source.rest()) {
                Some((min, max, length)) => {
                    self.source.take(length);
                    if min > Count::LIMIT || max.is_some_and(|max| max > Count::LIMIT || max < min) {
                        return Err(Fault::RepeatCount);
                    }
                    self.repeat(min, max, true, repeated)?;
                }
                None => self.literal('{'),
            },
            '\\' => self.escape()?,
            c => self.literal(c),
        }
        Ok(true)
    }

    fn push(&mut self, node: Node) {
        self.current.nodes.push(node);
    }

    fn atom(&mut self, text: &str) {
        self.push(Node::atom(text.to_owned()));
    }

    /// A set or character that the flag `i` widens. Both engines fold by Unicode's simple case folding.
    fn folding(&mut self, text: &str) {
        let folds = self.flags.has(Flags::FOLD);
        self.push(Node::atom(if folds { format!("(?i:{text})") } else { text.to_owned() }));
    }

    fn literal(&mut self, c: char) {
        if self.flags.has(Flags::FOLD) {
            let mut text = String::new();
            node::write_literal(c, &mut text);
            self.folding(&text);
        } else {
            self.push(Node::literal(c));
        }
    }

    fn open(&mut self, at: usize, outer: Flags) -> Result<(), Fault> {
        if self.groups.len() >= PATTERN_DEPTH {
            return Err(Fault::Deep);
        }
        self.groups.push(mem::replace(&mut self.current, Frame::new(at, outer)));
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        let around = self.groups.pop().ok_or(Fault::UnopenedGroup)?;
        let group = mem::replace(&mut self.current, around);
        self.flags = group.outer;
        self.push(group.finish()?.group()?);
        Ok(())
    }

    /// What begins with `(?`, which was read: named groups, flags, groups with flags.
    fn extended(&mut self, at: usize) -> Result<(), Fault> {
        let rest = self.source.rest();
        if ["=", "!", "<=", "<!"].iter().any(|start| rest.starts_with(start)) {
            return Err(Fault::LookAround);
        }
        if self.source.eat("P<") || self.source.eat("<") {
            let name = self.source.until(">").ok_or(Fault::GroupName)?;
            // Go does not mind two groups of one name, nor one that begins with a digit.
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return Err(Fault::GroupName);
            }
            return self.open(at, self.flags);
        }
        let (mut flags, mut clear, mut seen) = (self.flags.0, false, false);
        loop {
            let flag = match self.source.next() {
                Some('i') => Flags::FOLD,
                Some('m') => Flags::MULTI_LINE,
                Some('s') => Flags::DOT_ALL,
                Some('U') => Flags::UNGREEDY,
                Some('-') if !clear => {
                    (clear, seen) = (true, false);
                    continue;
                }
                Some(end @ (':' | ')')) if seen || !clear => {
                    if end == ':' {
                        self.open(at, self.flags)?;
                    }
                    self.flags = Flags(flags);
                    return Ok(());
                }
                _ => return Err(Fault::Group),
            };
            flags = if clear { flags & !flag } else { flags | flag };
            seen = true;
        }
    }

    fn repeat(&mut self, min: u32, max: Option<u32>, counted: bool, repeated: bool) -> Result<(), Fault> {
        // Which match is preferred does not change whether there is one.
        self.source.eat("?");
        if repeated {
            return Err(Fault::RepeatRepeat);
        }
        let node = self.current.nodes.pop().ok_or(Fault::RepeatNothing)?;
        self.push(node.repeat(Count { min, max, counted })?);
        self.repeated = true;
        Ok(())
    }

    /// What follows a backslash outside of a character class.
    fn escape(&mut self) -> Result<(), Fault> {
        match self.source.rest().chars().next() {
            Some('A') => self.assertion(Node::begin()),
            Some('z') => self.assertion(Node::end()),
            Some('b') => self.assertion(Node::atom(r"(?-u:\b)".into())),
            Some('B') => self.assertion(Node::atom(NO_BOUNDARY.into())),
            Some('Q') => {
                self.source.next();
                let rest = self.source.rest();
                let quoted = self.source.until(r"\E").or_else(|| self.source.take(rest.len()));
                quoted.unwrap_or_default().chars().for_each(|c| self.literal(c));
            }
            _ => {
                let mut set = Set::new(false, self.flags.has(Flags::FOLD));
                if class::shorthand(&mut self.source, &mut set)? {
                    self.folding(&set.finish());
                } else {
                    let c = escape::character(&mut self.source)?;
                    self.literal(c);
                }
            }
        }
        Ok(())
    }

    fn assertion(&mut self, node: Node) {
        self.source.next();
        self.push(node);
    }
}

/// The counts of `{n}`, `{n,}` or `{n,m}` behind the `{`, and how many bytes that takes; `None` if it is none of these,
/// and the brace is a character: `{,5}`, `{01}`, `{a}`. Numbers too large to be allowed are only known to be so.
fn counts(text: &str) -> Option<(u32, Option<u32>, usize)> {
    let (inside, _) = text.split_once('}')?;
    let (min, max) = match inside.split_once(',') {
        Some((min, "")) => (number(min)?, None),
        Some((min, max)) => (number(min)?, Some(number(max)?)),
        None => (number(inside)?, Some(number(inside)?)),
    };
    Some((min, max, inside.len() + 1))
}

/// Decimal digits without leading zeros.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits || text.len() > 1 && text.starts_with('0') {
        return None;
    }
    Some(text.parse().unwrap_or(u32::MAX))
}
