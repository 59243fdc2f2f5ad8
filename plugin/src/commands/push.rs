//! `kubectl oci push artifact`: pack a folder and push it.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use oci_artifact::{
    manifest::{Annotation, Descriptor, FLUX_CONTENT, OCI_MANIFEST, artifact_manifest},
    name::{Digest, Tag, Target},
};
use oci_registry::{Access, Artifact, FileSource};

use crate::{
    annotations::{self, OriginArgs},
    args::{Output, PackArgs, RegistryArgs, parse_url},
    context::Context,
    error::{Doing as _, Error},
    exit::Exit,
    pack,
    pushed::report,
    remote,
    signing::PushSignArgs,
    tags::TagList,
    ui::{self, Progress},
};

const EXAMPLES: &str = "Examples:
  # Push a folder under a tag; source and revision come from Git
  kubectl oci push artifact oci://ghcr.io/org/app:v1 --path ./app

  # In a pipeline: several tags, only if something changed, the digest as data
  kubectl oci push artifact oci://ghcr.io/org/app:v1 -f ./app \\
    --tag latest --if-changed -o json

  # What another program prints
  kustomize build ./app |
    kubectl oci push artifact oci://ghcr.io/org/app:v1 -f - --filename app.yaml";

/// Pack a folder and push it to a registry
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Push {
    #[arg(value_name = "URL", help = "Where to: oci://HOST/REPOSITORY[:TAG]; without a tag: latest")]
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
    signing: PushSignArgs,
    #[command(flatten)]
    pack: PackArgs,
    #[command(flatten)]
    stdin: pack::StdinArgs,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// Packs, uploads what the registry lacks, and stores the manifest under each tag.
pub(crate) async fn run(args: Push, context: &Context) -> Result<Exit, Error> {
    let reference = parse_url(&args.url)?;
    let tags = TagList::new(reference.target.as_ref(), &args.tag)?.or(|| Some(Tag::latest()));
    let (tags, name) = (tags.as_slice(), reference.repository.to_string());
    args.registry.check_stdin(&args.path)?;
    let signer = args.signing.open(context).await?;
    let client = context.client(&args.registry, reference.repository.host()).await?;
    let annotations =
        annotations::collect(&args.path, &args.origin, &args.annotations, args.reproducible, context).await?;
    let first =
        tags.first().map_or(reference.clone(), |tag| reference.repository.with(Target::Tag(tag.clone())));
    if args.output.is_none() && !args.dry_run {
        context.printer.action(format!("pushing artifact to {first}"));
    }
    let (file, packed) = pack::into_temporary(&args.path, &args.pack, &args.stdin, context).await?;
    let layer = Descriptor::new(FLUX_CONTENT, packed.digest.clone(), packed.size);
    let (_, manifest) = artifact_manifest(layer.clone(), annotations);
    if args.dry_run {
        return dry_run(&args, &name, tags, &manifest, context);
    }
    let repository = client.repository(&reference.repository, Access::Push);
    if args.if_changed
        && let Some(known) = remote::unchanged(&repository, tags, &layer, &file, context).await?
    {
        context.printer.success(format!("content unchanged, nothing pushed: {name}@{known}"));
        signer.sign_if_unsigned(&repository, &known, args.output.is_some(), context).await?;
        return report(args.output, &name, tags, known, context);
    }
    let source = Arc::new(FileSource::new(file, layer.size).counting(context.control.clone()));
    let size = manifest.len() as u64;
    let artifact = Artifact { layer, content: source, manifest: manifest.into() };
    let targets: Vec<Target> = tags.iter().cloned().map(Target::Tag).collect();
    let progress = Progress::watch(context.printer, &context.control, "uploading", Some(packed.size));
    let pushed = repository.push(&artifact, &targets).await.doing(|| format!("push to {first}"))?;
    drop(progress);
    let digest = pushed.digest;
    if args.output.is_none() {
        context.printer.success(format!("artifact successfully pushed to {name}@{digest}"));
        for tag in tags.iter().skip(1) {
            context.printer.success(format!("artifact tagged as {name}:{tag}"));
        }
    }
    let pushed = Descriptor::new(OCI_MANIFEST, digest.clone(), size);
    signer.sign(&repository, &pushed, args.output.is_some(), context).await?;
    report(args.output, &name, tags, digest, context)
}

fn dry_run(args: &Push, name: &str, tags: &[Tag], manifest: &[u8], context: &Context) -> Result<Exit, Error> {
    let digest = Digest::of(manifest);
    for tag in tags {
        context.printer.action(format!("would push {name}:{tag}"));
    }
    if args.output.is_none() {
        context.printer.success(format!("digest {name}@{digest}"));
        context.printer.data(&ui::indented(manifest)?)?;
    }
    report(args.output, name, tags, digest, context)
}
