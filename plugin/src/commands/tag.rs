//! `kubectl oci tag artifact`: give an artifact more tags.

use clap::Args;
use oci_artifact::name::Target;
use oci_registry::Access;

use crate::{
    args::{RegistryArgs, parse_url},
    context::Context,
    error::{Doing as _, Error},
    exit::Exit,
    tags,
};

const EXAMPLES: &str = "Examples:
  kubectl oci tag artifact oci://ghcr.io/org/app:v1 --tag stable,production";

/// Give an artifact more tags
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Retag {
    #[arg(value_name = "URL", help = "What: oci://HOST/REPOSITORY[:TAG|@DIGEST]")]
    url: String,
    /// New tags; comma separated or repeated
    #[arg(long, value_name = "TAG", value_delimiter = ',', required = true)]
    tag: Vec<String>,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// Stores the manifest's exact bytes again under each tag, so that the digest stays.
pub(crate) async fn run(args: Retag, context: &Context) -> Result<Exit, Error> {
    let reference = parse_url(&args.url)?;
    let tags = tags::parse(&args.tag)?;
    let client = context.client(&args.registry, reference.repository.host()).await?;
    let repository = client.repository(&reference.repository, Access::Push);
    let doing = || format!("tagging {reference}");
    context.printer.action("tagging artifact");
    let manifest = repository.manifest(&reference.target_or_latest()).await.doing(doing)?;
    for tag in tags {
        let target = Target::Tag(tag.clone());
        repository.put_manifest(&target, &manifest.media_type, manifest.bytes.clone()).await.doing(doing)?;
        context.printer.success(format!("artifact tagged as {}:{tag}", reference.repository));
    }
    Ok(Exit::Ok)
}
