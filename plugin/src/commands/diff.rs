//! `kubectl oci diff artifact`: what differs between an artifact and a folder, or another artifact.

use std::path::{Path, PathBuf};

use clap::Args;
use oci_artifact::{
    archive::{self, Changes, MemberPath},
    manifest::{Descriptor, FLUX_CONTENT, LayerSelector},
};
use oci_registry::{Access, Client};
use serde::Serialize;

use crate::{
    args::{Output, PackArgs, RegistryArgs, parse_url},
    context::Context,
    error::Error,
    exit::Exit,
    layer::{LayerFile, all, changed_lines},
    pack, remote, ui,
};

const EXAMPLES: &str = "Examples:
  # What would change if the folder were pushed
  kubectl oci diff artifact oci://ghcr.io/org/app:v1 --path ./app --show

  # What changed between two versions
  kubectl oci diff artifact oci://ghcr.io/org/app:v1 oci://ghcr.io/org/app:v2";

/// Compare an artifact with a folder or with another artifact; exit code 1 if they differ
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Diff {
    #[arg(value_name = "URL", help = "The old side: oci://HOST/REPOSITORY[:TAG|@DIGEST]")]
    url: String,
    /// The new side, if it is not --path: another artifact
    #[arg(conflicts_with = "path", required_unless_present = "path")]
    other: Option<String>,
    /// The new side: a folder or file, - for standard input
    #[arg(long, value_name = "PATH")]
    path: Option<PathBuf>,
    /// Show the changed lines of text files
    #[arg(long)]
    show: bool,
    /// Print the changes as data
    #[arg(long, short = 'o', value_enum, conflicts_with = "show")]
    output: Option<Output>,
    #[command(flatten)]
    pack: PackArgs,
    #[command(flatten)]
    stdin: pack::StdinArgs,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// The data of `-o`.
#[derive(Serialize)]
struct Report<'a> {
    added: Vec<&'a str>,
    removed: Vec<&'a str>,
    changed: Vec<&'a str>,
}

/// Exit code 0 if the contents are the same, 1 if they differ.
pub(crate) async fn run(args: Diff, context: &Context) -> Result<Exit, Error> {
    let reference = parse_url(&args.url)?;
    args.registry.check_stdin(args.path.as_deref().unwrap_or(Path::new("")))?;
    let client = context.client(&args.registry, reference.repository.host()).await?;
    let doing = || format!("diff of {reference}");
    let repository = client.repository(&reference.repository, Access::Pull);
    let old = remote::fetch(&repository, &reference, &LayerSelector::First, &doing).await?;
    let new = match (&args.path, &args.other) {
        (Some(path), _) => local(path, &args, context).await?,
        (None, Some(_)) => other(&args, &client, &old.layer, context).await?,
        (None, None) => return Err(Error::usage("name a folder with --path, or another artifact")),
    };
    let (file, layer) = match new {
        Some((file, layer)) if layer.digest != old.layer.digest => (file, layer),
        Some(_) | None => return report(&args, &Changes::default(), context),
    };
    let new = LayerFile::new(&file, &layer)?;
    let file = remote::download(&repository, &old.layer, context, &doing).await?;
    let old = LayerFile::new(&file, &old.layer)?;
    let before = old.tree(context, "the artifact").await?;
    let after = new.tree(context, "the new side").await?;
    let changes = archive::compare(&before, &after);
    if args.show && !changes.is_empty() {
        context.printer.data(&changed_lines(&old, &new, &changes, context)?)?;
    }
    report(&args, &changes, context)
}

/// A layer on disk, or nothing where it is the same as the old one.
type Side = Option<(std::fs::File, Descriptor)>;

async fn local(path: &Path, args: &Diff, context: &Context) -> Result<Side, Error> {
    let (file, packed) = pack::into_temporary(path, &args.pack, &args.stdin, context).await?;
    Ok(Some((file, Descriptor::new(FLUX_CONTENT, packed.digest, packed.size))))
}

/// Another artifact, not downloaded if its layer is `same`.
async fn other(args: &Diff, client: &Client, same: &Descriptor, context: &Context) -> Result<Side, Error> {
    let reference = parse_url(args.other.as_deref().unwrap_or_default())?;
    context.check_other(&args.registry, &args.url, &reference.repository)?;
    let doing = || format!("diff with {reference}");
    let repository = client.repository(&reference.repository, Access::Pull);
    let found = remote::fetch(&repository, &reference, &LayerSelector::First, &doing).await?;
    if found.layer.digest == same.digest {
        return Ok(None);
    }
    let file = remote::download(&repository, &found.layer, context, &doing).await?;
    Ok(Some((file, found.layer)))
}

fn texts(paths: &[MemberPath]) -> Vec<&str> {
    paths.iter().map(MemberPath::as_str).collect()
}

fn report(args: &Diff, changes: &Changes, context: &Context) -> Result<Exit, Error> {
    let groups = [("added", &changes.added), ("removed", &changes.removed), ("changed", &changes.changed)];
    match args.output {
        Some(Output::Name) => {
            let names = ui::lines(all(changes).map(|path| format!("{path}")));
            context.printer.data(&names)?;
        }
        Some(output) => {
            let report = Report {
                added: texts(&changes.added),
                removed: texts(&changes.removed),
                changed: texts(&changes.changed),
            };
            context.printer.data(&ui::document(&report, output)?)?;
        }
        None if !args.show => {
            for (word, paths) in groups {
                for path in paths {
                    context.printer.data(&format!("{word:<8} {}\n", path.as_str()))?;
                }
            }
        }
        None => {}
    }
    if changes.is_empty() {
        context.printer.success("no changes detected");
        return Ok(Exit::Ok);
    }
    let counts: Vec<String> =
        groups.iter().filter(|(_, p)| !p.is_empty()).map(|(word, p)| format!("{} {word}", p.len())).collect();
    context.printer.action(format!("the contents differ: {}", counts.join(", ")));
    Ok(Exit::Different)
}
