//! What `push` prints as data.

use oci_artifact::name::{Digest, Tag};
use serde::Serialize;

use crate::{args::Output, context::Context, error::Error, exit::Exit, ui};

/// The data of `-o`; the first four members are those of the Flux CLI.
#[derive(Serialize)]
struct Report {
    url: String,
    repository: String,
    tag: String,
    digest: Digest,
}

/// Prints what was pushed, if it is wanted as data.
pub(crate) fn report(
    output: Option<Output>,
    name: &str,
    tags: &[Tag],
    digest: Digest,
    context: &Context,
) -> Result<Exit, Error> {
    let Some(output) = output else { return Ok(Exit::Ok) };
    let text = if output == Output::Name {
        format!("{name}@{digest}\n")
    } else {
        let tag = tags.first().map(Tag::to_string).unwrap_or_default();
        let url = format!("oci://{name}@{digest}");
        ui::document(&Report { url, repository: name.to_owned(), tag, digest }, output)?
    };
    context.printer.data(&text)?;
    Ok(Exit::Ok)
}
