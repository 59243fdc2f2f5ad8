//! A layer in a temporary file: what is in it, and the text of what changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufReader, Seek as _},
};

use oci_artifact::{
    archive::{self, Changes, Content, MemberPath, Tree},
    manifest::Descriptor,
};

use crate::{
    context::Context,
    error::{Doing as _, Error},
    ui,
};

/// A layer whose bytes are on disk, checked or made by us.
pub(crate) struct LayerFile {
    file: File,
    size: u64,
}

impl LayerFile {
    /// The bytes of `layer`, which are in `file`.
    pub(crate) fn new(file: &File, layer: &Descriptor) -> Result<Self, Error> {
        Ok(Self { file: again(file)?, size: layer.size })
    }

    /// What is in the layer, read on a thread.
    pub(crate) async fn tree(&self, context: &Context, what: &str) -> Result<Tree, Error> {
        let (file, size, control) = (again(&self.file)?, self.size, context.control.clone());
        let work = tokio::task::spawn_blocking(move || Tree::read(BufReader::new(file), size, &control));
        work.await.map_err(|_| Error::Stopped("reading an archive"))?.doing(|| format!("reading {what}"))
    }

    fn contents(
        &self,
        paths: &BTreeSet<MemberPath>,
        context: &Context,
    ) -> Result<BTreeMap<MemberPath, Content>, Error> {
        archive::contents(BufReader::new(again(&self.file)?), self.size, paths, &context.control)
            .doing(|| "reading the changed files".to_owned())
    }
}

/// Another handle of the same file, at its start.
fn again(file: &File) -> Result<File, Error> {
    let mut file = file.try_clone().map_err(|source| Error::file("reading", "(temporary file)", source))?;
    file.rewind().map_err(|source| Error::file("reading", "(temporary file)", source))?;
    Ok(file)
}

/// The changed lines of every file, in byte order of the names, fit for a terminal.
pub(crate) fn changed_lines(
    old: &LayerFile,
    new: &LayerFile,
    changes: &Changes,
    context: &Context,
) -> Result<String, Error> {
    let paths: BTreeSet<MemberPath> = all(changes).cloned().collect();
    let (before, after) = (old.contents(&paths, context)?, new.contents(&paths, context)?);
    let mut out = String::new();
    for path in &paths {
        let text = match (bytes(before.get(path)), bytes(after.get(path))) {
            (Ok(before), Ok(after)) if before == after => format!("{path}: the executable bit changed\n"),
            (Ok(before), Ok(after)) => archive::unified(path, before, after),
            (Err(size), _) | (_, Err(size)) => format!("{path}: too large to show ({})\n", ui::size(size)),
        };
        for line in text.lines() {
            out.push_str(&ui::clean(&line.replace('\t', "    ")));
            out.push('\n');
        }
    }
    Ok(out)
}

/// Every path that differs.
pub(crate) fn all(changes: &Changes) -> impl Iterator<Item = &MemberPath> {
    changes.added.iter().chain(&changes.removed).chain(&changes.changed)
}

/// The bytes of a file, `None` if it does not exist, its size if it is too large.
fn bytes(content: Option<&Content>) -> Result<Option<&[u8]>, u64> {
    match content {
        None => Ok(None),
        Some(Content::Bytes(bytes)) => Ok(Some(bytes)),
        Some(Content::TooLarge(size)) => Err(*size),
    }
}
