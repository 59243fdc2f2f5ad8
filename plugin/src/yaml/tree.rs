//! One document as a tree of values that know where they stand.

use std::{borrow::Cow, cell::Cell, collections::HashMap, ops::Range};

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::{
    DEPTH, Mark, NODES, Problem, STEPS,
    scalar::{Scalar, Tag},
};

/// A value of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(usize);

impl Id {
    /// The document itself.
    pub(crate) const ROOT: Self = Self(0);
}

/// What a value is.
#[derive(Debug)]
pub(crate) enum Content<'a> {
    Scalar(Scalar<'a>),
    Sequence(Vec<Id>),
    /// Keys and values, in their order, as they are written.
    Mapping(Vec<(Id, Id)>),
    /// `*name`: what the anchor of that name stands at.
    Alias(Id),
}

#[derive(Debug)]
struct Node<'a> {
    mark: Mark,
    bytes: Range<usize>,
    anchored: bool,
    content: Content<'a>,
}

/// A document.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    nodes: Vec<Node<'a>>,
    nothing: Node<'a>,
    steps: Cell<usize>,
}

/// Where the text that a parser reads begins in its file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Base {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) offset: usize,
}

impl Base {
    pub(super) fn mark(&self, marker: &granit_parser::Marker) -> Mark {
        let column = if marker.line() <= 1 { self.column } else { 0 };
        Mark { line: self.line + marker.line().saturating_sub(1), column: column + marker.col() + 1 }
    }
}

impl<'a> Tree<'a> {
    fn node(&self, id: Id) -> &Node<'a> {
        self.nodes.get(id.0).unwrap_or(&self.nothing)
    }

    /// Where the value stands.
    pub(crate) fn mark(&self, id: Id) -> Mark {
        self.node(id).mark
    }

    /// The bytes of the file that a scalar is written in, with its quotes.
    pub(crate) fn bytes(&self, id: Id) -> Range<usize> {
        self.node(id).bytes.clone()
    }

    /// Whether the value can be repeated elsewhere by an alias.
    pub(crate) fn is_anchored(&self, id: Id) -> bool {
        self.node(id).anchored
    }

    /// Whether the value is written elsewhere.
    pub(crate) fn is_alias(&self, id: Id) -> bool {
        matches!(self.node(id).content, Content::Alias(_))
    }

    /// What the value is; of an alias, what it stands for.
    pub(crate) fn content(&self, id: Id) -> &Content<'a> {
        match &self.node(id).content {
            // An alias cannot be anchored, so that the target is none.
            Content::Alias(target) => &self.node(*target).content,
            other => other,
        }
    }

    /// The text of a scalar that kubectl reads as text.
    pub(crate) fn text(&self, id: Id) -> Option<&str> {
        match self.content(id) {
            Content::Scalar(scalar) if scalar.value().is_ok_and(|value| value.is_string()) => {
                Some(&scalar.text)
            }
            _ => None,
        }
    }

    /// Counts a step; a document that aliases make huge runs out of them.
    pub(super) fn step(&self, at: Id) -> Result<(), Problem> {
        let left = self.steps.get().checked_sub(1).ok_or_else(|| {
            Problem::new(self.mark(at), "aliases and merge keys make the document too large to be read")
        })?;
        self.steps.set(left);
        Ok(())
    }
}

/// What the parser says, where it stands in the file.
pub(super) fn unreadable(error: &ScanError, base: Base) -> Problem {
    let why = match error.kind() {
        ErrorKind::RecursionLimitExceeded => format!("nested deeper than {DEPTH}"),
        _ => error.info().replace('\'', "`"),
    };
    Problem::new(base.mark(error.marker()), why)
}

/// A collection whose end was not seen yet.
struct Open {
    id: Id,
    children: Vec<Id>,
}

/// Reads the events of one document, up to its end.
pub(super) fn read<'a>(parser: &mut Parser<'a, StrInput<'a>>, base: Base) -> Result<Tree<'a>, Problem> {
    let mut builder = Builder { nodes: Vec::new(), open: Vec::new(), anchors: HashMap::new(), base };
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| unreadable(&error, base))?;
        match event {
            Event::DocumentEnd | Event::StreamEnd => break,
            other => builder.event(other, &span)?,
        }
    }
    Ok(builder.tree())
}

struct Builder<'a> {
    nodes: Vec<Node<'a>>,
    open: Vec<Open>,
    anchors: HashMap<usize, Id>,
    base: Base,
}

impl<'a> Builder<'a> {
    fn event(&mut self, event: Event<'a>, span: &Span) -> Result<(), Problem> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_deref().map_or(Tag::None, Tag::of);
                let scalar = Scalar { text, plain: style == ScalarStyle::Plain, tag };
                self.add(Content::Scalar(scalar), anchor, span)?;
            }
            Event::SequenceStart(_, anchor, _) => self.begin(Content::Sequence(Vec::new()), anchor, span)?,
            Event::MappingStart(_, anchor, _) => self.begin(Content::Mapping(Vec::new()), anchor, span)?,
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => {
                let mark = self.base.mark(&span.start);
                let unknown = || Problem::new(mark, "an alias without an anchor");
                let target = self.anchors.get(&anchor).copied().ok_or_else(unknown)?;
                self.add(Content::Alias(target), 0, span)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, content: Content<'a>, anchor: usize, span: &Span) -> Result<Id, Problem> {
        let mark = self.base.mark(&span.start);
        if self.nodes.len() >= NODES {
            return Err(Problem::new(mark, format!("more than {NODES} values in one document")));
        }
        let id = Id(self.nodes.len());
        let bytes = span.byte_range().unwrap_or_default();
        let bytes = bytes.start + self.base.offset..bytes.end + self.base.offset;
        self.nodes.push(Node { mark, bytes, anchored: anchor != 0, content });
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        if let Some(parent) = self.open.last_mut() {
            parent.children.push(id);
        }
        Ok(id)
    }

    fn begin(&mut self, content: Content<'a>, anchor: usize, span: &Span) -> Result<(), Problem> {
        if self.open.len() >= DEPTH {
            let mark = self.base.mark(&span.start);
            return Err(Problem::new(mark, format!("nested deeper than {DEPTH}")));
        }
        let id = self.add(content, anchor, span)?;
        self.open.push(Open { id, children: Vec::new() });
        Ok(())
    }

    fn end(&mut self) {
        let Some(Open { id, children }) = self.open.pop() else {
            return;
        };
        match self.nodes.get_mut(id.0).map(|node| &mut node.content) {
            Some(Content::Sequence(items)) => *items = children,
            Some(Content::Mapping(entries)) => {
                let (pairs, _) = children.as_chunks();
                *entries = pairs.iter().map(|[key, value]| (*key, *value)).collect();
            }
            _ => {}
        }
    }

    fn tree(self) -> Tree<'a> {
        let text = Scalar { text: Cow::Borrowed(""), plain: true, tag: Tag::None };
        let mark = Mark { line: self.base.line, column: self.base.column + 1 };
        let nothing = Node { mark, bytes: 0..0, anchored: false, content: Content::Scalar(text) };
        Tree { nodes: self.nodes, nothing, steps: Cell::new(STEPS) }
    }
}
