//! `kubectl oci list artifacts`: the tags of a repository, with what their manifests say.

use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oci_artifact::{
    manifest::{CREATED, Document, REVISION, SOURCE},
    name::{
        Digest, Tag, Target,
        select::{Filters, is_signature_tag, sort_for_list},
    },
};
use oci_registry::{Access, RepositoryClient};
use serde::Serialize;

use crate::{
    args::{ListOutput, Output, RegistryArgs, parse_repository},
    context::Context,
    error::{Doing as _, Error},
    exit::Exit,
    ui::{self, table},
};

const EXAMPLES: &str = "Examples:
  # The ten newest versions below 2, as data
  kubectl oci list artifacts oci://ghcr.io/org/app --filter-semver '<2.0.0' \\
    --limit 10 -o json";

/// List the artifacts of a repository, newest version first
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    #[arg(value_name = "URL", help = "Which repository: oci://HOST/REPOSITORY")]
    url: String,
    /// Only tags that are versions in this range, as in `>=1.0.0 <2.0.0`
    #[arg(long, value_name = "RANGE")]
    filter_semver: Option<String>,
    /// Only tags that match this regular expression
    #[arg(long, value_name = "REGEX")]
    filter_regex: Option<String>,
    /// Print at most this many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Print as data, or with more columns
    #[arg(long, short = 'o', value_enum)]
    output: Option<ListOutput>,
    /// Manifests fetched at the same time
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=64))]
    concurrency: u16,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// One artifact.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    artifact: String,
    tag: Tag,
    digest: Digest,
    media_type: String,
    source: String,
    revision: String,
    created: String,
    size: u64,
}

/// Lists, newest version first.
pub(crate) async fn run(args: List, context: &Context) -> Result<Exit, Error> {
    let wanted = parse_repository(&args.url)?;
    // As Flux: an empty filter is none.
    let given = |filter: &'_ Option<String>| filter.clone().filter(|text| !text.is_empty());
    let (range, regex) = (given(&args.filter_semver), given(&args.filter_regex));
    let filters = Filters::parse(range.as_deref(), regex.as_deref())?;
    let client = context.client(&args.registry, wanted.host()).await?;
    let repository = client.repository(&wanted, Access::Pull);
    let doing = || format!("listing {wanted}");
    let mut tags = repository.tags().await.doing(doing)?;
    tags.retain(|tag| !is_signature_tag(tag) && filters.admits(tag));
    let mut tags = sort_for_list(tags);
    tags.truncate(args.limit.unwrap_or(usize::MAX));
    if args.output == Some(ListOutput::Name) {
        let names = ui::lines(tags.iter().map(|tag| format!("{wanted}:{tag}")));
        context.printer.data(&names)?;
        return Ok(Exit::Ok);
    }
    let rows: Vec<Option<Row>> = stream::iter(tags)
        .map(|tag| row(&repository, tag))
        .buffered(args.concurrency.into())
        .try_collect()
        .await
        .doing(doing)?;
    let rows: Vec<Row> = rows.into_iter().flatten().collect();
    context.printer.data(&print(&rows, args.output)?)?;
    Ok(Exit::Ok)
}

/// `None` if the tag went away since it was listed.
async fn row(repository: &RepositoryClient, tag: Tag) -> Result<Option<Row>, oci_registry::Error> {
    let fetched = match repository.manifest(&Target::Tag(tag.clone())).await {
        Ok(fetched) => fetched,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let annotation = |key: &str| fetched.document.annotations().get(key).cloned().unwrap_or_default();
    let size = match &fetched.document {
        Document::Manifest(manifest) => manifest.layers.iter().map(|layer| layer.size).sum(),
        Document::Index(index) => index.manifests.iter().map(|child| child.size).sum(),
    };
    Ok(Some(Row {
        artifact: format!("{}:{tag}", repository.repository()),
        source: annotation(SOURCE),
        revision: annotation(REVISION),
        created: annotation(CREATED),
        digest: fetched.digest.clone(),
        media_type: fetched.media_type.clone(),
        tag,
        size,
    }))
}

fn print(rows: &[Row], output: Option<ListOutput>) -> Result<String, Error> {
    let cells = |row: &Row| {
        vec![row.artifact.clone(), row.digest.to_string(), row.source.clone(), row.revision.clone()]
    };
    match output {
        Some(ListOutput::Json) => ui::document(&rows, Output::Json),
        Some(ListOutput::Yaml) => ui::document(&rows, Output::Yaml),
        Some(ListOutput::Wide) => {
            let wide = |row: &Row| {
                let mut cells = cells(row);
                cells.extend([row.created.clone(), ui::size(row.size), row.media_type.clone()]);
                cells
            };
            let headers = ["ARTIFACT", "DIGEST", "SOURCE", "REVISION", "CREATED", "SIZE", "MEDIA TYPE"];
            Ok(table(&headers, &rows.iter().map(wide).collect::<Vec<_>>()))
        }
        Some(ListOutput::Name) | None => {
            let headers = ["ARTIFACT", "DIGEST", "SOURCE", "REVISION"];
            Ok(table(&headers, &rows.iter().map(cells).collect::<Vec<_>>()))
        }
    }
}
