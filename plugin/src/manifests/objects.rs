//! The objects of ours in a document: the document itself, or the items of a list.

use oci_crds::{GROUP, KIND, VERSIONS};

use crate::yaml::{Content, Field, Id, Problem, Tree};

/// Lists within lists.
const NESTING: usize = 8;

/// An object of ours, or a list of such objects.
#[derive(Debug)]
pub(super) struct Object<'t> {
    pub(super) id: Id,
    /// The field `apiVersion`; `None` if the list says it for its items.
    pub(super) api_version: Option<Field<'t>>,
    pub(super) version: String,
    pub(super) is_list: bool,
}

impl Object<'_> {
    /// One of the versions of the API that there are.
    pub(super) fn known(&self) -> Option<&'static str> {
        VERSIONS.into_iter().find(|version| *version == self.version)
    }
}

/// The objects of a document, a list before its items.
pub(super) fn objects<'t>(tree: &'t Tree<'_>) -> Result<Vec<Object<'t>>, Problem> {
    let mut found = Vec::new();
    visit(tree, Id::ROOT, None, 0, &mut found)?;
    Ok(found)
}

fn visit<'t>(
    tree: &'t Tree<'_>,
    id: Id,
    list: Option<&str>,
    depth: usize,
    found: &mut Vec<Object<'t>>,
) -> Result<(), Problem> {
    let api_version = tree.field(id, "apiVersion")?;
    let text = |field: &Field<'_>| tree.text(field.value).map(str::to_owned);
    let kind = tree.field(id, "kind")?.and_then(|field| text(&field));
    let said = api_version.as_ref().and_then(text);
    // As kubectl: a typed list says for its items what they leave out.
    let (said, kind) = match (said, kind, list) {
        (None, None, Some(version)) => (format!("{GROUP}/{version}"), KIND.to_owned()),
        (Some(said), Some(kind), _) => (said, kind),
        _ => return Ok(()),
    };
    let version = said.strip_prefix(GROUP).and_then(|rest| rest.strip_prefix('/')).map(str::to_owned);
    let is_list = kind.strip_suffix("List") == Some(KIND);
    if let (Some(version), true) = (&version, is_list || kind == KIND) {
        found.push(Object { id, api_version, version: version.clone(), is_list });
    }
    let items = match (kind.as_str(), said.as_str(), &version) {
        ("List", "v1", _) => None,
        (_, _, Some(version)) if is_list => Some(version.as_str()),
        _ => return Ok(()),
    };
    if depth >= NESTING {
        return Err(Problem::new(tree.mark(id), format!("lists nested deeper than {NESTING}")));
    }
    let Some(field) = tree.field(id, "items")? else {
        return Ok(());
    };
    if let Content::Sequence(list) = tree.content(field.value) {
        for item in list {
            visit(tree, *item, items, depth + 1, found)?;
        }
    }
    Ok(())
}
