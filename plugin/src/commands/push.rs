//! `kubectl oci push artifact`: pack a folder and push it.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use clap::Args;
use oci_artifact::{
    manifest::{Annotation, Descriptor, FLUX_CONTENT, artifact_manifest},
    name::{Digest, Reference, Tag, Target},
};
use oci_registry::{Access, Artifact, FileSource, RepositoryClient, Uploaded};
use serde::Serialize;

use crate::{
    annotations::{self, OriginArgs},
    args::{Output, PackArgs, RegistryArgs, parse_url},
    context::Context,
    error::{Doing as _, Error},
    exit::Exit,
    pack, remote,
    ui::{self, Progress},
};

/// Flags of `push artifact`.
#[derive(Args, Debug)]
pub(crate) struct Push {
    /// Where to: oci://HOST/REPOSITORY[:TAG]; the tag is `latest` if none is given
    url: String,
    /// Folder or file to pack, - for standard input
    #[arg(long, short = 'f', value_name = "PATH")]
    path: PathBuf,
    /// More tags for the same artifact; comma separated or repeated
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    tag: Vec<String>,
    #[command(flatten)]
    origin: OriginArgs,
    /// Add an annotation; the value may contain `=`
    #[arg(long = "annotations", short = 'a', value_name = "KEY=VALUE")]
    annotations: Vec<Annotation>,
    /// Set the creation time to 1970-01-01, so that equal content gives an equal digest
    #[arg(long)]
    reproducible: bool,
    /// Push nothing if every tag has the same content already
    #[arg(long)]
    if_changed: bool,
    /// Print what would be pushed; the registry is not contacted
    #[arg(long, conflicts_with = "if_changed")]
    dry_run: bool,
    /// Print the result as data
    #[arg(long, short = 'o', value_enum)]
    output: Option<Output>,
    /// Accepted for scripts, the same as --verbose
    #[arg(long, hide = true)]
    debug: bool,
    #[command(flatten)]
    pack: PackArgs,
    #[command(flatten)]
    stdin: pack::StdinArgs,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// The data of `-o`; the first four members are those of the Flux CLI.
#[derive(Serialize)]
struct Report {
    url: String,
    repository: String,
    tag: String,
    digest: Digest,
}

/// Packs, uploads what the registry lacks, and stores the manifest under each tag.
pub(crate) async fn run(args: Push, context: &Context) -> Result<Exit, Error> {
    let reference = parse_url(&args.url)?;
    let tags = tags(&reference, &args.tag)?;
    if args.password_from_the_same_stdin() {
        return Err(Error::usage("--path - and --password-stdin cannot both read standard input"));
    }
    let client = context.client(&args.registry)?;
    let annotations =
        annotations::collect(&args.path, &args.origin, &args.annotations, args.reproducible, context)?;
    let first = reference.repository.with(Target::Tag(tags.first().clone()));
    if args.output.is_none() && !args.dry_run {
        context.printer.action(format!("pushing artifact to {first}"));
    }
    let (file, packed) = pack::into_temporary(&args.path, &args.pack, &args.stdin, context).await?;
    let layer = Descriptor {
        media_type: FLUX_CONTENT.to_owned(),
        size: packed.size,
        digest: packed.digest.clone(),
        annotations: BTreeMap::new(),
        platform: None,
        artifact_type: None,
    };
    let (_, manifest) = artifact_manifest(layer.clone(), annotations);
    if args.dry_run {
        return dry_run(&args, &reference, &tags, &manifest, context);
    }
    let repository = client.repository(&reference.repository, Access::Push);
    let spool = file.try_clone().map_err(|source| Error::file("reading", "(temporary file)", source))?;
    if args.if_changed {
        if let Some(known) = unchanged(&repository, &tags, &layer, spool, context).await? {
            context.printer.success(format!("content unchanged, nothing pushed: {}@{known}", reference.repository));
            return report(&args, &reference, &tags, known, context);
        }
    }
    let content = Arc::new(FileSource::new(file, layer.size).counting(context.control.clone()));
    let artifact = Artifact { layer, content, manifest: manifest.into() };
    let targets: Vec<Target> = tags.iter().cloned().map(Target::Tag).collect();
    let progress = Progress::watch(context.printer, &context.control, "uploading", Some(packed.size));
    let pushed = repository.push(&artifact, &targets).await.doing(|| format!("push to {first}"))?;
    drop(progress);
    if pushed.layer == Uploaded::Present {
        tracing::debug!("the registry had the layer already");
    }
    let digest = pushed.digest;
    if args.output.is_none() {
        context.printer.success(format!("artifact successfully pushed to {}@{digest}", reference.repository));
    }
    report(&args, &reference, &tags, digest, context)
}

impl Push {
    fn password_from_the_same_stdin(&self) -> bool {
        self.registry.password_stdin && self.path.as_os_str() == "-"
    }
}

/// At least one tag: that of the URL, those of `--tag`, or `latest`. No duplicates, order kept.
fn tags(reference: &Reference, more: &[String]) -> Result<TagList, Error> {
    if matches!(reference.target, Some(Target::Digest(_))) {
        return Err(Error::usage("cannot push to a digest: give a tag, the digest follows from the content"));
    }
    let mut tags: Vec<Tag> = reference.tag().cloned().into_iter().collect();
    for text in more {
        let tag = Tag::parse(text)?;
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    let mut tags = tags.into_iter();
    Ok(TagList { first: tags.next().unwrap_or_else(Tag::latest), more: tags.collect() })
}

/// Tags, at least one.
struct TagList {
    first: Tag,
    more: Vec<Tag>,
}

impl TagList {
    fn first(&self) -> &Tag {
        &self.first
    }

    fn iter(&self) -> impl Iterator<Item = &Tag> {
        std::iter::once(&self.first).chain(&self.more)
    }
}

/// The digest that all tags have, if each has an artifact with the same content as `layer`.
async fn unchanged(
    repository: &RepositoryClient,
    tags: &TagList,
    layer: &Descriptor,
    spool: std::fs::File,
    context: &Context,
) -> Result<Option<Digest>, Error> {
    let mut common: Option<Digest> = None;
    for tag in tags.iter() {
        let Some(there) = remote::find(repository, &Target::Tag(tag.clone())).await? else { return Ok(None) };
        if common.as_ref().is_some_and(|digest| *digest != there.digest) {
            return Ok(None);
        }
        common = Some(there.digest.clone());
        let same = there.layer.digest == layer.digest
            || remote::same_content(repository, &there.layer, layer, &spool, context).await?;
        if !same {
            return Ok(None);
        }
    }
    Ok(common)
}

fn dry_run(
    args: &Push,
    reference: &Reference,
    tags: &TagList,
    manifest: &[u8],
    context: &Context,
) -> Result<Exit, Error> {
    let digest = Digest::of(manifest);
    for tag in tags.iter() {
        context.printer.action(format!("would push {}:{tag}", reference.repository));
    }
    if args.output.is_none() {
        let parsed: serde_json::Value = serde_json::from_slice(manifest)
            .map_err(|error| Error::usage(format!("cannot print the manifest: {error}")))?;
        context.printer.success(format!("digest {}@{digest}", reference.repository));
        context.printer.data(&ui::document(&parsed, Output::Json)?)?;
    }
    report(args, reference, tags, digest, context)
}

fn report(
    args: &Push,
    reference: &Reference,
    tags: &TagList,
    digest: Digest,
    context: &Context,
) -> Result<Exit, Error> {
    let Some(output) = args.output else { return Ok(Exit::Ok) };
    let repository = reference.repository.to_string();
    let url = format!("oci://{repository}@{digest}");
    let text = match output {
        Output::Name => format!("{repository}@{digest}\n"),
        Output::Json | Output::Yaml => {
            ui::document(&Report { url, repository, tag: tags.first().to_string(), digest }, output)?
        }
    };
    context.printer.data(&text)?;
    Ok(Exit::Ok)
}
