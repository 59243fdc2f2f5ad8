//! The fields of mappings, and the way to a value by its path.

use std::borrow::Cow;

use super::{
    Content, DEPTH, Id, Mark, Problem, Tree,
    scalar::{Scalar, short},
};

/// A field of a mapping.
#[derive(Debug)]
pub(crate) struct Field<'t> {
    pub(crate) name: Cow<'t, str>,
    pub(crate) key: Id,
    pub(crate) value: Id,
    /// Whether `<<` brought it.
    pub(crate) merged: bool,
}

impl<'a> Tree<'a> {
    /// The fields of a mapping in their order, with those that `<<` brings in its place; of what is no mapping, none.
    ///
    /// Where a name occurs twice, the later one counts, as in kubectl. (By the YAML specification, a field of the
    /// mapping's own would win over one that `<<` brings.)
    pub(crate) fn fields(&self, id: Id) -> Result<Vec<Field<'_>>, Problem> {
        let mut fields = Vec::new();
        self.collect(id, false, 0, &mut fields)?;
        Ok(fields)
    }

    /// The field of that name which counts.
    pub(crate) fn field(&self, id: Id, name: &str) -> Result<Option<Field<'_>>, Problem> {
        Ok(self.fields(id)?.into_iter().rfind(|field| field.name == name))
    }

    fn collect<'t>(
        &'t self,
        id: Id,
        merged: bool,
        depth: usize,
        fields: &mut Vec<Field<'t>>,
    ) -> Result<(), Problem> {
        let Content::Mapping(entries) = self.content(id) else {
            return Ok(());
        };
        for (key, value) in entries {
            self.step(*key)?;
            let name = self.scalar(*key)?;
            if name.is_merge() {
                self.merge(*value, depth, fields)?;
                continue;
            }
            let name = name.key().map_err(|why| Problem::new(self.mark(*key), why))?;
            fields.push(Field { name, key: *key, value: *value, merged });
        }
        Ok(())
    }

    /// `<<: *mapping` or `<<: [*mapping, …]`, of which the first one wins.
    fn merge<'t>(&'t self, id: Id, depth: usize, fields: &mut Vec<Field<'t>>) -> Result<(), Problem> {
        if depth >= DEPTH {
            return Err(Problem::new(self.mark(id), format!("`<<` nested deeper than {DEPTH}")));
        }
        let wrong = |id| Problem::new(self.mark(id), "`<<` takes a mapping or a list of mappings");
        match self.content(id) {
            Content::Mapping(_) => self.collect(id, true, depth + 1, fields),
            Content::Sequence(items) if !self.is_alias(id) => {
                for item in items.iter().rev() {
                    self.step(*item)?;
                    match self.content(*item) {
                        Content::Mapping(_) => self.collect(*item, true, depth + 1, fields)?,
                        _ => return Err(wrong(*item)),
                    }
                }
                Ok(())
            }
            _ => Err(wrong(id)),
        }
    }

    /// A key, which has to be a scalar.
    fn scalar(&self, key: Id) -> Result<&Scalar<'a>, Problem> {
        match self.content(key) {
            Content::Scalar(scalar) => Ok(scalar),
            _ => Err(Problem::new(self.mark(key), "a mapping or a list cannot be the name of a field")),
        }
    }

    /// Where the value of `path` below `root` stands, as `spec.verify.matchOIDCIdentity[0].subject`; where it does not
    /// exist, its nearest parent. A collection stands where its key does.
    pub(crate) fn locate(&self, root: Id, path: &str) -> Mark {
        self.find(root, path).1
    }

    /// The value of `path` below `root`, or `None`, and where it stands, or its nearest parent.
    pub(crate) fn find(&self, root: Id, path: &str) -> (Option<Id>, Mark) {
        let (mut id, mut mark, mut rest) = (root, self.mark(root), path);
        while !rest.is_empty() {
            let Some((value, place, after)) = self.down(id, rest.strip_prefix('.').unwrap_or(rest)) else {
                return (None, mark);
            };
            (id, mark, rest) = (value, place, after);
        }
        (Some(id), mark)
    }

    /// One step of a path: the value, where it stands, and the rest of the path.
    fn down<'p>(&self, id: Id, path: &'p str) -> Option<(Id, Mark, &'p str)> {
        if let (Content::Sequence(items), Some(path)) = (self.content(id), path.strip_prefix('[')) {
            let (index, after) = path.split_once(']')?;
            let item = *items.get(index.parse::<usize>().ok()?)?;
            return Some((item, self.mark(item), after));
        }
        // Names can have dots in them: the longest that fits is meant.
        let fields = self.fields(id).ok()?;
        let fits = |field: &Field<'_>| {
            let after = path.strip_prefix(short(&field.name).trim_end_matches('…'))?;
            (after.is_empty() || after.starts_with(['.', '['])).then_some(after)
        };
        let found = fields.iter().filter_map(|field| Some((field, fits(field)?)));
        // Of equal ones the last, which is the one that counts.
        let (field, after) =
            found.min_by_key(|(field, after)| (after.len(), std::cmp::Reverse(field.key)))?;
        let own = matches!(self.content(field.value), Content::Scalar(scalar) if !scalar.text.is_empty());
        let place = if own && !self.bytes(field.value).is_empty() { field.value } else { field.key };
        Some((field.value, self.mark(place), after))
    }
}
