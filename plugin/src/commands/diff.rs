//! `kubectl oci diff artifact`: what differs between an artifact and a folder, or another artifact.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufReader, Seek as _},
    path::PathBuf,
};

use clap::Args;
use oci_artifact::{
    archive::{self, Changes, Content, MemberPath},
    manifest::{Descriptor, LayerSelector},
};
use oci_registry::{Access, Client};
use serde::Serialize;

use crate::{
    args::{Output, PackArgs, RegistryArgs, parse_url},
    context::Context,
    error::{Doing as _, Error},
    exit::Exit,
    pack, remote,
    ui,
};

/// Flags of `diff artifact`.
#[derive(Args, Debug)]
pub(crate) struct Diff {
    /// The old side: oci://HOST/REPOSITORY[:TAG|@DIGEST]
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

/// A layer on disk and what is in it.
struct Side {
    file: File,
    size: u64,
    layer: Descriptor,
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
    let client = context.client(&args.registry)?;
    let doing = || format!("diff of {reference}");
    let repository = client.repository(&reference.repository, Access::Pull);
    let old = remote::fetch(&repository, &reference, &LayerSelector::First, &doing).await?;
    let new = match (&args.path, &args.other) {
        (Some(path), _) => local(path, &args, context).await?,
        (None, Some(url)) => other(url, &client, context).await?,
        (None, None) => return Err(Error::usage("name a folder with --path, or another artifact")),
    };
    let changes = if old.layer.digest == new.layer.digest {
        Changes::default()
    } else {
        let file = remote::download(&repository, &old.layer, context, &doing).await?;
        let old = Side { file, size: old.layer.size, layer: old.layer };
        let before = remote::tree(old.clone_file()?, &old.layer, context, "the artifact").await?;
        let after = remote::tree(new.clone_file()?, &new.layer, context, "the new side").await?;
        let changes = archive::compare(&before, &after);
        if args.show && !changes.is_empty() {
            context.printer.data(&lines(&old, &new, &changes, context)?)?;
        }
        changes
    };
    report(&args, &changes, context)
}

async fn local(path: &std::path::Path, args: &Diff, context: &Context) -> Result<Side, Error> {
    let (file, packed) = pack::into_temporary(path, &args.pack, &args.stdin, context).await?;
    let layer = Descriptor {
        media_type: String::new(),
        size: packed.size,
        digest: packed.digest,
        annotations: std::collections::BTreeMap::new(),
        platform: None,
        artifact_type: None,
    };
    Ok(Side { file, size: layer.size, layer })
}

async fn other(url: &str, client: &Client, context: &Context) -> Result<Side, Error> {
    let reference = parse_url(url)?;
    let doing = || format!("diff with {reference}");
    let repository = client.repository(&reference.repository, Access::Pull);
    let found = remote::fetch(&repository, &reference, &LayerSelector::First, &doing).await?;
    let file = remote::download(&repository, &found.layer, context, &doing).await?;
    Ok(Side { file, size: found.layer.size, layer: found.layer })
}

impl Side {
    fn clone_file(&self) -> Result<File, Error> {
        self.file.try_clone().map_err(|source| Error::file("reading", "(temporary file)", source))
    }

    fn contents(
        &self,
        paths: &BTreeSet<MemberPath>,
        context: &Context,
    ) -> Result<BTreeMap<MemberPath, Content>, Error> {
        let mut file = self.clone_file()?;
        file.rewind().map_err(|source| Error::file("reading", "(temporary file)", source))?;
        archive::contents(BufReader::new(file), self.size, paths, &context.control)
            .doing(|| "reading the changed files".to_owned())
    }
}

/// The changed lines of every file, in byte order of the names.
fn lines(old: &Side, new: &Side, changes: &Changes, context: &Context) -> Result<String, Error> {
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

/// The bytes of a file, `None` if it does not exist, its size if it is too large.
fn bytes(content: Option<&Content>) -> Result<Option<&[u8]>, u64> {
    match content {
        None => Ok(None),
        Some(Content::Bytes(bytes)) => Ok(Some(bytes)),
        Some(Content::TooLarge(size)) => Err(*size),
    }
}

fn texts(paths: &[MemberPath]) -> Vec<&str> {
    paths.iter().map(MemberPath::as_str).collect()
}

fn all(changes: &Changes) -> impl Iterator<Item = &MemberPath> {
    changes.added.iter().chain(&changes.removed).chain(&changes.changed)
}

fn report(args: &Diff, changes: &Changes, context: &Context) -> Result<Exit, Error> {
    let groups = [("added", &changes.added), ("removed", &changes.removed), ("changed", &changes.changed)];
    match args.output {
        Some(Output::Name) => {
            let names: String = all(changes).map(|path| format!("{path}\n")).collect();
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
