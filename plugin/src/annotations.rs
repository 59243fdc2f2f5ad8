//! The annotations of a new artifact: creation time, source, revision, and the user's own.

use std::{collections::BTreeMap, path::Path};

use clap::Args;
use jiff::Timestamp;
use oci_artifact::manifest::{Annotation, CREATED, REVISION, SOURCE};

use crate::{
    context::Context,
    error::Error,
    origin::{self, Origin},
};

/// Where the content comes from.
#[derive(Args, Clone, Debug)]
pub(crate) struct OriginArgs {
    /// Where the content comes from; the remote of the Git repository around --path if omitted
    #[arg(long, value_name = "URL")]
    pub(crate) source: Option<String>,
    /// Revision of the source, as in main@sha1:COMMIT; read from Git if omitted
    #[arg(long, value_name = "REVISION")]
    pub(crate) revision: Option<String>,
}

/// All annotations. Those of the user win over the computed ones.
pub(crate) async fn collect(
    path: &Path,
    args: &OriginArgs,
    own: &[Annotation],
    reproducible: bool,
    context: &Context,
) -> Result<BTreeMap<String, String>, Error> {
    let created = context.created(reproducible)?;
    // Whole seconds, in UTC.
    let created = Timestamp::from_second(created.as_second()).unwrap_or(created).to_string();
    let mut all = BTreeMap::from([(CREATED.to_owned(), created)]);
    let given = |key: &str| own.iter().any(|annotation| annotation.key == key);
    let (mut source, mut revision) = (args.source.clone(), args.revision.clone());
    let wants_source = source.is_none() && !given(SOURCE);
    let wants_revision = revision.is_none() && !given(REVISION);
    if (wants_source || wants_revision)
        && path.as_os_str() != "-"
        && let Some(found) = from_git(path).await?
    {
        source = source.or(found.source.filter(|_| wants_source));
        revision = revision.or(Some(found.revision).filter(|_| wants_revision));
    }
    if (wants_source && source.is_none()) || (wants_revision && revision.is_none()) {
        context.printer.warning("no Git repository tells source and revision: pass --source and --revision");
    }
    all.extend(source.map(|source| (SOURCE.to_owned(), source)));
    all.extend(revision.map(|revision| (REVISION.to_owned(), revision)));
    for annotation in own {
        if annotation.key == CREATED && annotation.value.parse::<Timestamp>().is_err() {
            let shown = annotation.value.escape_debug();
            return Err(Error::usage(format!("annotation {CREATED}: `{shown}` is not an RFC 3339 time")));
        }
        all.insert(annotation.key.clone(), annotation.value.clone());
    }
    Ok(all)
}

/// Reads Git on a thread: a large work tree takes a while, and an interrupt must be heard.
async fn from_git(path: &Path) -> Result<Option<Origin>, Error> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || origin::of(&path));
    Ok(read.await.map_err(|_| Error::Stopped("reading the Git repository"))??)
}
