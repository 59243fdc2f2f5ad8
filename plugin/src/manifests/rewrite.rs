//! Objects of another version of the API: only the bytes of their version change.

use std::collections::BTreeMap;

use oci_crds::{GROUP, VERSIONS};

use super::objects::{Object, objects};
use crate::yaml::{Documents, Mark, Problem, Tree};

/// An `apiVersion` that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) mark: Mark,
    pub(crate) from: &'static str,
}

/// A text whose objects all have the wanted version.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rewritten {
    pub(crate) text: String,
    pub(crate) edits: Vec<Edit>,
}

/// Why a text stays as it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// It cannot be read.
    Unreadable(Problem),
    /// It can, but a version in it cannot be changed alone.
    Unchangeable(Problem),
}

impl From<Problem> for Obstacle {
    fn from(problem: Problem) -> Self {
        Self::Unreadable(problem)
    }
}

/// Moves all objects to version `to`; nothing of the text if one of them cannot be moved.
pub(crate) fn rewrite(text: &str, to: &str) -> Result<Rewritten, Obstacle> {
    let edits = edits(text, to)?;
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (offset, edit) in &edits {
        out.push_str(text.get(done..*offset).unwrap_or_default());
        out.push_str(to);
        done = offset + edit.from.len();
    }
    out.push_str(text.get(done..).unwrap_or_default());
    // What was written must be read as what was meant.
    if let Some((_, edit)) = edits.first_key_value()
        && !self::edits(&out, to).is_ok_and(|left| left.is_empty())
    {
        let why = "the new version is not read back; change it by hand";
        return Err(Obstacle::Unchangeable(Problem::new(edit.mark, why)));
    }
    Ok(Rewritten { text: out, edits: edits.into_values().collect() })
}

/// The places of the versions that change, in their order.
fn edits(text: &str, to: &str) -> Result<BTreeMap<usize, Edit>, Obstacle> {
    let mut edits = BTreeMap::new();
    for document in Documents::new(text) {
        let tree = document?;
        for object in objects(&tree)? {
            if object.version != to
                && let Some((offset, edit)) = edit(&tree, &object, text)?
            {
                edits.insert(offset, edit);
            }
        }
    }
    Ok(edits)
}

/// Where the version of an object stands, and what it is; `None` if its list says it.
fn edit(tree: &Tree<'_>, object: &Object<'_>, text: &str) -> Result<Option<(usize, Edit)>, Obstacle> {
    let Some(field) = &object.api_version else {
        return Ok(None);
    };
    let mark = tree.mark(field.value);
    let problem = |why: String| Err(Obstacle::Unchangeable(Problem::new(mark, why)));
    let Some(from) = object.known() else {
        let known = VERSIONS.join(" and ");
        return problem(format!("there is no version `{GROUP}/{}`, only {known}", object.version));
    };
    let given = tree.fields(object.id)?.iter().filter(|field| field.name == "apiVersion").count();
    if given > 1 {
        return problem("apiVersion is given twice: remove one of them".into());
    }
    if field.merged || tree.is_alias(field.value) || tree.is_anchored(field.value) {
        return problem("apiVersion is shared by an anchor: write it out".into());
    }
    let bytes = tree.bytes(field.value);
    let written = text.get(bytes.clone()).unwrap_or_default().trim_end_matches(|c: char| {
        // The quote, and the line break behind a block.
        c == '"' || c == '\'' || c.is_whitespace()
    });
    if !written.ends_with(from) {
        return problem("apiVersion is written with escapes: write it plainly".into());
    }
    Ok(Some((bytes.start + written.len() - from.len(), Edit { mark, from })))
}
