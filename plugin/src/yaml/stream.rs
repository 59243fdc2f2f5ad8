//! The documents of a file.

use granit_parser::{Event, Options, Parser, StrInput};
use serde::de::IgnoredAny;
use serde_json::{Deserializer, StreamDeserializer, de::StrRead};

use super::{
    DEPTH, Problem,
    tree::{Base, Tree, read, unreadable},
};

/// The documents of a text, one after another. Behind a document that cannot be read, reading goes on with the next.
pub(crate) struct Documents<'a> {
    text: &'a str,
    /// The values of a text that is several JSON values with nothing but space between them; else empty.
    values: Option<StreamDeserializer<'a, StrRead<'a>, IgnoredAny>>,
    base: Base,
    part: Option<Part<'a>>,
}

impl<'a> Documents<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let base = Base { line: 1, column: 0, offset: 0 };
        if is_several_json_values(text) {
            return Self { text, values: Some(Deserializer::from_str(text).into_iter()), base, part: None };
        }
        Self { text, values: None, base, part: Some(Part::new(text, base)) }
    }

    /// The next value of several.
    fn value(&mut self) -> Option<Part<'a>> {
        let values = self.values.as_mut()?;
        values.next()?.ok()?;
        let end = values.byte_offset();
        let rest = self.text.get(self.base.offset..end)?;
        let value = rest.trim_start();
        self.base.advance(rest.get(..rest.len() - value.len())?);
        let part = Part::new(value, self.base);
        self.base.advance(value);
        Some(part)
    }
}

/// YAML wants `---` between documents, JSON nothing, and kubectl takes both.
fn is_several_json_values(text: &str) -> bool {
    if !text.trim_start().starts_with('{') {
        return false;
    }
    let mut count = 0_usize;
    for value in Deserializer::from_str(text).into_iter::<IgnoredAny>() {
        if value.is_err() {
            return false;
        }
        count += 1;
    }
    count > 1
}

impl Base {
    /// Moves behind `text`.
    fn advance(&mut self, text: &str) {
        self.offset += text.len();
        self.line += text.bytes().filter(|byte| *byte == b'\n').count();
        self.column = match text.rsplit_once('\n') {
            Some((_, last)) => last.chars().count(),
            None => self.column + text.chars().count(),
        };
    }
}

impl<'a> Iterator for Documents<'a> {
    type Item = Result<Tree<'a>, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(document) = self.part.as_mut().and_then(Part::next) {
                return Some(document);
            }
            self.part = Some(self.value()?);
        }
    }
}

/// A text with `---` between documents.
struct Part<'a> {
    parser: Parser<'a, StrInput<'a>>,
    base: Base,
    over: bool,
}

impl<'a> Part<'a> {
    fn new(text: &'a str, base: Base) -> Self {
        Self { parser: Parser::new_from_str_with_options(text, options()), base, over: false }
    }

    fn next(&mut self) -> Option<Result<Tree<'a>, Problem>> {
        while !self.over {
            match self.parser.next_event() {
                None | Some(Ok((Event::StreamEnd, _))) => self.over = true,
                Some(Ok((Event::DocumentStart(..), _))) => {
                    let document = read(&mut self.parser, self.base);
                    if document.is_err() {
                        self.recover();
                    }
                    return Some(document);
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    self.recover();
                    return Some(Err(unreadable(&error, self.base)));
                }
            }
        }
        None
    }

    fn recover(&mut self) {
        self.over = !matches!(self.parser.proceed_next_document(), Ok(true));
    }
}

/// Our own limit of depth is met first.
fn options() -> Options {
    let limit = DEPTH + 1;
    granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: limit,
        block_nesting_limit: limit,
    }
}
