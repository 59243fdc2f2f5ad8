//! The text of an expression, read from the front.

use super::fault::Fault;

/// A fault and where it is, in bytes from the start; `None` for a fault of the whole.
pub(super) type Located = (Option<usize>, Fault);

/// What is left of an expression.
pub(super) struct Source<'a> {
    rest: &'a str,
    length: usize,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, length: text.len() }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    /// Bytes read so far.
    pub(super) fn at(&self) -> usize {
        self.length - self.rest.len()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    /// Reads `text` if it is next.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Reads so many bytes; `None`, and nothing read, if they are not there or no whole characters.
    pub(super) fn take(&mut self, bytes: usize) -> Option<&'a str> {
        let (taken, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(taken)
    }

    /// Reads up to and including `end`; answers what is before it. `None`, and nothing read, if there is no `end`.
    pub(super) fn until(&mut self, end: &str) -> Option<&'a str> {
        let (before, rest) = self.rest.split_once(end)?;
        self.rest = rest;
        Some(before)
    }
}
