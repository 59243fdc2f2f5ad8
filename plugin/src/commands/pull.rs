//! `kubectl oci pull artifact`: download an artifact and extract it.

use std::{io::BufReader, path::PathBuf};

use clap::Args;
use oci_artifact::{
    archive,
    manifest::{LayerSelector, REVISION, SOURCE},
};
use oci_registry::Access;

use crate::{
    args::{RegistryArgs, parse_url},
    context::Context,
    error::{Doing as _, Error},
    exit::Exit,
    remote,
    signing::{self, VerifyArgs},
    ui::clean,
};

const EXAMPLES: &str = "Examples:
  # Into a folder, which is made if it is missing
  kubectl oci pull artifact oci://ghcr.io/org/app:v1 -o ./app

  # Only if it is signed
  kubectl oci pull artifact oci://ghcr.io/org/app:v1 -o ./app \\
    --verify-key cosign.pub";

/// Download an artifact, verify it and extract it
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Pull {
    #[arg(value_name = "URL", help = "What: oci://HOST/REPOSITORY[:TAG|@DIGEST]")]
    url: String,
    /// Folder to extract into; created if missing, files in it that the artifact has are replaced
    #[arg(long, short = 'o', value_name = "FOLDER")]
    output: PathBuf,
    /// Extract the layer at this index, from 0
    #[arg(long, value_name = "N", conflicts_with = "layer_media_type")]
    layer_index: Option<usize>,
    /// Extract the first layer of this media type
    #[arg(long, value_name = "TYPE")]
    layer_media_type: Option<String>,
    #[command(flatten)]
    verify: VerifyArgs,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// Downloads, checks, and only then extracts; the folder changes all at once or not at all.
pub(crate) async fn run(args: Pull, context: &Context) -> Result<Exit, Error> {
    let reference = parse_url(&args.url)?;
    if args.output.as_os_str().is_empty() {
        return Err(Error::usage("--output is empty, name a folder"));
    }
    if args.output.exists() && !args.output.is_dir() {
        return Err(Error::usage(format!("--output `{}` is not a folder", args.output.display())));
    }
    let policy = args.verify.policy(context)?;
    let client = context.client(&args.registry, reference.repository.host()).await?;
    let repository = client.repository(&reference.repository, Access::Pull);
    let selector = match (args.layer_index, args.layer_media_type) {
        (Some(index), _) => LayerSelector::Index(index),
        (None, Some(media_type)) => LayerSelector::MediaType(media_type),
        (None, None) => LayerSelector::First,
    };
    let doing = || format!("pull of {reference}");
    context.printer.action(format!("pulling artifact from {reference}"));
    let remote = remote::fetch(&repository, &reference, &selector, &doing).await?;
    if let Some(policy) = policy {
        // By the digest of what was fetched: the layer follows from it.
        Box::pin(signing::verified(&repository, &policy, &remote.digest, context)).await?;
    }
    let file = remote::download(&repository, &remote.layer, context, &doing).await?;
    let (size, output, control) = (remote.layer.size, args.output.clone(), context.control.clone());
    let work = tokio::task::spawn_blocking(move || {
        archive::unpack_into(BufReader::new(file), size, &output, &control)
    });
    let summary = work.await.map_err(|_| Error::Stopped("extracting"))?.doing(doing)?;
    for (name, key) in [("source", SOURCE), ("revision", REVISION)] {
        if let Some(value) = remote.annotations().get(key) {
            context.printer.success(format!("{name} {}", clean(value)));
        }
    }
    context.printer.success(format!("digest {}@{}", reference.repository, remote.digest));
    if summary.skipped_links > 0 {
        context
            .printer
            .warning(format!("{} symbolic links in the artifact were not extracted", summary.skipped_links));
    }
    context.printer.success(format!("artifact content extracted to {}", args.output.display()));
    Ok(Exit::Ok)
}
