//! An object as kubectl would send it.

use std::{collections::HashMap, fmt::Write as _};

use serde_json::{Map, Value};

use super::{Content, DEPTH, Id, Mark, Problem, TEXT, Tree, VALUES, scalar::short};

/// A name that a mapping has twice. kubectl takes the later one and says nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Repeated {
    /// Of the field.
    pub(crate) path: String,
    pub(crate) first: Mark,
    pub(crate) again: Mark,
}

impl Tree<'_> {
    /// The value with its aliases followed, and what is in it twice.
    pub(crate) fn value(&self, id: Id) -> Result<(Value, Vec<Repeated>), Problem> {
        let mut builder =
            Builder { tree: self, values: VALUES, text: TEXT, path: String::new(), repeated: Vec::new() };
        let value = builder.value(id, 0)?;
        Ok((value, builder.repeated))
    }
}

struct Builder<'t, 'a> {
    tree: &'t Tree<'a>,
    values: usize,
    text: usize,
    path: String,
    repeated: Vec<Repeated>,
}

impl Builder<'_, '_> {
    fn value(&mut self, id: Id, depth: usize) -> Result<Value, Problem> {
        let problem = |why: String| Problem::new(self.tree.mark(id), why);
        if depth > DEPTH {
            return Err(problem(format!("nested deeper than {DEPTH}, its aliases followed")));
        }
        self.tree.step(id)?;
        let huge = || problem("aliases make the object too large to be read".into());
        self.values = self.values.checked_sub(1).ok_or_else(huge)?;
        match self.tree.content(id) {
            Content::Scalar(scalar) => {
                self.text = self.text.checked_sub(scalar.text.len()).ok_or_else(huge)?;
                scalar.value().map_err(problem)
            }
            Content::Sequence(items) => {
                let mut out = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let length = self.path.len();
                    // Writing to a string cannot fail.
                    let _ = write!(self.path, "[{index}]");
                    out.push(self.value(*item, depth + 1)?);
                    self.path.truncate(length);
                }
                Ok(Value::Array(out))
            }
            Content::Mapping(_) => self.mapping(id, depth),
            Content::Alias(_) => Err(problem("an alias of an alias".into())),
        }
    }

    fn mapping(&mut self, id: Id, depth: usize) -> Result<Value, Problem> {
        let fields = self.tree.fields(id)?;
        let mut own: HashMap<&str, Id> = HashMap::new();
        let mut last: HashMap<&str, usize> = HashMap::new();
        for (index, field) in fields.iter().enumerate() {
            last.insert(&field.name, index);
            if field.merged {
                continue;
            }
            if let Some(first) = own.insert(&field.name, field.key) {
                let (first, again) = (self.tree.mark(first), self.tree.mark(field.key));
                self.repeated.push(Repeated { path: self.below(&field.name), first, again });
            }
        }
        let mut out = Map::new();
        for (index, field) in fields.iter().enumerate() {
            if last.get(&*field.name) != Some(&index) {
                continue;
            }
            let length = self.path.len();
            self.path = self.below(&field.name);
            self.text = self.text.saturating_sub(field.name.len());
            out.insert(field.name.clone().into_owned(), self.value(field.value, depth + 1)?);
            self.path.truncate(length);
        }
        Ok(Value::Object(out))
    }

    fn below(&self, name: &str) -> String {
        let dot = if self.path.is_empty() { "" } else { "." };
        format!("{}{dot}{}", self.path, short(name))
    }
}
