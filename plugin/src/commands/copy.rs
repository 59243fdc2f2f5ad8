//! `kubectl oci copy artifact`: between registries and OCI layout folders, digests unchanged.

use clap::Args;
use oci_artifact::name::{Digest, Tag};
use oci_registry::{Access, Copied};
use serde::Serialize;

use crate::{
    args::Output,
    context::Context,
    end::{End, Sides},
    error::{Doing as _, Error},
    exit::Exit,
    signing::{self, VerifyArgs},
    tags::TagList,
    ui::{self, Progress},
};

const EXAMPLES: &str = "Examples:
  # From one registry to another
  kubectl oci copy artifact oci://ghcr.io/org/app:v1 oci://registry.example/app

  # Through a folder, to where no network leads
  kubectl oci copy artifact oci://ghcr.io/org/app:v1 oci-layout://./app
  kubectl oci copy artifact oci-layout://./app:v1 oci://registry.inside/org/app";

/// Copy an artifact between registries and OCI layout folders
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Copy {
    #[arg(
        value_name = "FROM",
        help = "What: oci://HOST/REPOSITORY[:TAG|@DIGEST] or oci-layout://FOLDER[:TAG|@DIGEST]"
    )]
    from: String,
    #[arg(value_name = "TO", help = "Where to: oci://HOST/REPOSITORY[:TAG] or oci-layout://FOLDER[:TAG]")]
    to: String,
    /// More tags at the destination; comma separated or repeated
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    tag: Vec<String>,
    /// Copy the signatures as well: bundles, the image behind the tag sha256-….sig, and Notation's
    #[arg(long)]
    with_signatures: bool,
    /// Blobs copied at the same time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    concurrency: u16,
    #[command(flatten)]
    verify: VerifyArgs,
    #[command(flatten)]
    sides: Sides,
    /// Print the result as data
    #[arg(long, short = 'o', value_enum)]
    output: Option<Output>,
}

/// The data of `-o`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    from: String,
    to: String,
    tags: Vec<Tag>,
    digest: Digest,
    media_type: String,
    manifests: usize,
    blobs_present: usize,
    blobs_mounted: usize,
    blobs_sent: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    signatures: Option<usize>,
}

/// Copies the manifest, everything that it names, and its tags.
pub(crate) async fn run(args: Copy, context: &Context) -> Result<Exit, Error> {
    let (from, to) = (End::parse(&args.from)?, End::parse(&args.to)?);
    let policy = args.verify.policy(context)?;
    let mut target = from.source();
    let own = target.tag().cloned();
    let tags = TagList::new(to.target(), &args.tag)?.or(|| own);
    let tags = tags.as_slice();
    let (source, sink) = args.sides.registries();
    let source = from.open(&source, Access::Pull, context).await?;
    let sink = to.open(&sink, Access::Push, context).await?;
    let doing = || format!("copy of {} to {}", args.from, args.to);
    if args.output.is_none() {
        context.printer.action(format!("copying {} to {}", args.from, args.to));
    }
    if let Some(policy) = policy {
        target = signing::verified_target(&source, &target, &policy, &doing, context).await?;
    }
    let progress = Progress::watch(context.printer, &context.control, "copying", None);
    let copied =
        oci_registry::copy(&source, &target, &sink, tags, args.concurrency.into(), &context.control).await;
    let mut copied = copied.doing(doing)?;
    let signatures = if args.with_signatures {
        let concurrency = args.concurrency.into();
        let carried = signing::carry(&source, &copied.digest, &sink, concurrency, &context.control);
        let carried = Box::pin(carried).await.doing(doing)?;
        copied.add(&carried.copied);
        Some(carried.referrers)
    } else {
        None
    };
    drop(progress);
    let text = match args.output {
        None => {
            summary(&copied, signatures, context);
            return Ok(Exit::Ok);
        }
        Some(Output::Name) => format!("{}@{}\n", to.name(), copied.digest),
        Some(output) => {
            let report = Report {
                from: args.from,
                to: args.to,
                tags: tags.to_vec(),
                digest: copied.digest,
                media_type: copied.media_type,
                manifests: copied.manifests,
                blobs_present: copied.present,
                blobs_mounted: copied.mounted,
                blobs_sent: copied.sent,
                signatures,
            };
            ui::document(&report, output)?
        }
    };
    context.printer.data(&text)?;
    Ok(Exit::Ok)
}

fn summary(copied: &Copied, signatures: Option<usize>, context: &Context) {
    let blobs = [(copied.sent, "sent"), (copied.mounted, "mounted"), (copied.present, "already there")];
    let blobs: Vec<String> =
        blobs.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    context.printer.success(format!("blobs: {}", blobs.join(", ")));
    if let Some(count) = signatures {
        context.printer.success(format!("signatures copied: {count}"));
    }
    context.printer.success(format!("artifact copied, digest {}", copied.digest));
}
