//! The tree of a parsed expression, and its text for the `regex` crate.
//!
//! Groups leave no trace but their place in the tree and their depth: nobody asks for what a group caught, nor how long
//! a match is, so neither captures nor greed are kept.

use std::fmt::Write as _;

use super::{fault::Fault, property};
use crate::limits::PATTERN_DEPTH;

/// Part of an expression.
pub(super) struct Node {
    kind: Kind,
    /// Levels below and with this one, counted as Go does (`calcHeight` in `regexp/syntax/parse.go`) or higher.
    height: usize,
    /// The largest product of nested counted repetitions (`repeatIsValid` in `regexp/syntax/parse.go`).
    copies: u32,
    /// Go's count of instructions (`calcSize` in `regexp/syntax/parse.go`), or more.
    size: u64,
    /// Bytes of text for `regex`, each as often as repetitions copy it: what its memory depends on.
    weight: u64,
}

/// Instructions of an expression; Go's bound is three times as high. The memory that `regex` may take is the bound that
/// counts, but it drops what matches nothing, such as `(?:()()()...){1000}`, which Go finds too large.
const SIZE: u64 = 1_000_000;

/// A character counts as two: it takes one state of the machine for each of its bytes in UTF-8, and no more.
const LITERAL: u64 = 2;

enum Kind {
    Empty,
    /// `\A`.
    Begin,
    /// `\z`.
    End,
    /// One character, which most of an expression is.
    Literal(char),
    /// Text for `regex` that a repetition can follow directly.
    Atom(String),
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    Repeat {
        node: Box<Node>,
        count: Count,
    },
}

/// How often something is repeated.
#[derive(Clone, Copy)]
pub(super) struct Count {
    pub(super) min: u32,
    /// `None`: without end.
    pub(super) max: Option<u32>,
    /// Written as `{n,m}`: only those count against [`Count::LIMIT`].
    pub(super) counted: bool,
}

impl Count {
    /// Copies that counted repetitions make of anything, nested ones multiplied: Go's bound.
    pub(super) const LIMIT: u32 = 1_000;

    /// How often a compiled expression holds what is repeated.
    fn held(self) -> u64 {
        u64::from(self.max.unwrap_or(self.min)) + u64::from(self.max.is_none())
    }

    fn copies(self) -> u32 {
        if self.counted { self.max.unwrap_or(self.min).max(1) } else { 1 }
    }

    /// The instructions of a repetition of something with `size` instructions.
    fn size(self, size: u64) -> u64 {
        let copies = self.max.unwrap_or(self.min.max(1));
        2 + u64::from(copies) * (size + 1)
    }
}

impl Node {
    pub(super) fn begin() -> Self {
        Self::leaf(Kind::Begin)
    }

    pub(super) fn end() -> Self {
        Self::leaf(Kind::End)
    }

    pub(super) fn atom(text: String) -> Self {
        Self::leaf(Kind::Atom(text))
    }

    pub(super) fn literal(c: char) -> Self {
        Self::leaf(Kind::Literal(c))
    }

    pub(super) fn concat(nodes: Vec<Self>) -> Result<Self, Fault> {
        Self::of(nodes, Kind::Concat)
    }

    pub(super) fn alternate(nodes: Vec<Self>) -> Result<Self, Fault> {
        Self::of(nodes, Kind::Alternate)
    }

    pub(super) fn repeat(self, count: Count) -> Result<Self, Fault> {
        let copies = match count.max {
            // Go looks no further below `x{0}`.
            Some(0) if count.counted => 1,
            _ => self.copies.saturating_mul(count.copies()),
        };
        if copies > Count::LIMIT {
            return Err(Fault::RepeatCount);
        }
        let (height, size) = (self.height + 1, count.size(self.size));
        let weight = count.held().saturating_mul(self.weight);
        Self { kind: Kind::Repeat { node: Box::new(self), count }, height, copies, size, weight }.bounded()
    }

    /// In parentheses.
    pub(super) fn group(mut self) -> Result<Self, Fault> {
        self.height += 1;
        self.size += 2;
        self.bounded()
    }

    fn leaf(kind: Kind) -> Self {
        let weight = match &kind {
            // Thousands of characters in a few letters.
            Kind::Atom(text) if text.contains(property::START) => u64::MAX,
            Kind::Atom(text) => u64::try_from(text.len()).unwrap_or(u64::MAX),
            Kind::Literal(_) => LITERAL,
            Kind::Empty
            | Kind::Begin
            | Kind::End
            | Kind::Concat(_)
            | Kind::Alternate(_)
            | Kind::Repeat { .. } => 1,
        };
        Self { kind, height: 1, copies: 1, size: 1, weight }
    }

    /// See the field.
    pub(super) fn weight(&self) -> u64 {
        self.weight
    }

    /// One node is itself, none is the empty expression.
    fn of(mut nodes: Vec<Self>, kind: fn(Vec<Self>) -> Kind) -> Result<Self, Fault> {
        if nodes.len() < 2 {
            return Ok(nodes.pop().unwrap_or(Self::leaf(Kind::Empty)));
        }
        let height = 1 + nodes.iter().map(|node| node.height).max().unwrap_or_default();
        let copies = nodes.iter().map(|node| node.copies).max().unwrap_or(1);
        let size = nodes.iter().map(|node| node.size + 1).sum();
        let weight = nodes.iter().map(|node| node.weight).fold(0, u64::saturating_add);
        Self { kind: kind(nodes), height, copies, size, weight }.bounded()
    }

    /// Everything that walks the tree, dropping it included, recurses; hence the bound on its height.
    fn bounded(self) -> Result<Self, Fault> {
        match self {
            node if node.height > PATTERN_DEPTH => Err(Fault::Deep),
            node if node.size > SIZE => Err(Fault::Large),
            node => Ok(node),
        }
    }

    /// Whether every way through begins with `\A`.
    pub(super) fn begins(&self) -> bool {
        match &self.kind {
            Kind::Begin => true,
            Kind::Empty | Kind::End | Kind::Literal(_) | Kind::Atom(_) => false,
            Kind::Concat(nodes) => nodes.first().is_some_and(Self::begins),
            Kind::Alternate(nodes) => nodes.iter().all(Self::begins),
            Kind::Repeat { node, count } => count.min > 0 && node.begins(),
        }
    }

    /// Whether every way through ends with `\z`.
    pub(super) fn ends(&self) -> bool {
        match &self.kind {
            Kind::End => true,
            Kind::Empty | Kind::Begin | Kind::Literal(_) | Kind::Atom(_) => false,
            Kind::Concat(nodes) => nodes.last().is_some_and(Self::ends),
            Kind::Alternate(nodes) => nodes.iter().all(Self::ends),
            Kind::Repeat { node, count } => count.min > 0 && node.ends(),
        }
    }

    /// Appends the text for `regex`.
    pub(super) fn write(&self, out: &mut String) {
        match &self.kind {
            Kind::Empty => {}
            Kind::Begin => out.push_str(r"\A"),
            Kind::End => out.push_str(r"\z"),
            Kind::Literal(c) => write_literal(*c, out),
            Kind::Atom(text) => out.push_str(text),
            Kind::Concat(nodes) => nodes.iter().for_each(|node| node.write_operand(out)),
            Kind::Alternate(nodes) => {
                for (index, node) in nodes.iter().enumerate() {
                    if index > 0 {
                        out.push('|');
                    }
                    node.write(out);
                }
            }
            Kind::Repeat { node, count } => {
                match node.kind {
                    Kind::Literal(_) | Kind::Atom(_) => node.write(out),
                    Kind::Empty
                    | Kind::Begin
                    | Kind::End
                    | Kind::Concat(_)
                    | Kind::Alternate(_)
                    | Kind::Repeat { .. } => node.write_group(out),
                }
                // Writing to a string cannot fail.
                let _ = match (count.min, count.max) {
                    (0, None) => out.write_char('*'),
                    (1, None) => out.write_char('+'),
                    (0, Some(1)) => out.write_char('?'),
                    (min, None) => write!(out, "{{{min},}}"),
                    (min, Some(max)) => write!(out, "{{{min},{max}}}"),
                };
            }
        }
    }

    fn write_operand(&self, out: &mut String) {
        if matches!(self.kind, Kind::Alternate(_)) { self.write_group(out) } else { self.write(out) }
    }

    fn write_group(&self, out: &mut String) {
        out.push_str("(?:");
        self.write(out);
        out.push(')');
    }
}

/// Not `regex::escape`: a backslash gives some punctuation a meaning, as in `\<`.
pub(super) fn write_literal(c: char, out: &mut String) {
    if c.is_ascii_alphanumeric() {
        out.push(c);
    } else {
        // Writing to a string cannot fail.
        let _ = write!(out, r"\x{{{:X}}}", u32::from(c));
    }
}
