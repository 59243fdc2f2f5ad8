//! `kubectl oci inspect artifact`: manifest, annotations, layers and referrers.

use clap::Args;
use oci_artifact::manifest::{Descriptor, Document};
use oci_registry::{Access, Fetched};

use crate::{
    args::{Output, RegistryArgs, parse_url},
    context::Context,
    error::{Doing as _, Error},
    exit::Exit,
    ui::{self, Report, describe},
};

const EXAMPLES: &str = "Examples:
  kubectl oci inspect artifact oci://ghcr.io/org/app:v1 -o yaml";

/// Show manifest, annotations, layers and referrers of an artifact
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Inspect {
    #[arg(value_name = "URL", help = "What: oci://HOST/REPOSITORY[:TAG|@DIGEST]")]
    url: String,
    /// Print the manifest's exact bytes instead
    #[arg(long, conflicts_with = "output")]
    raw: bool,
    /// Print as data
    #[arg(long, short = 'o', value_enum)]
    output: Option<Output>,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// Shows what the registry has under a name.
pub(crate) async fn run(args: Inspect, context: &Context) -> Result<Exit, Error> {
    let reference = parse_url(&args.url)?;
    let client = context.client(&args.registry, reference.repository.host()).await?;
    let repository = client.repository(&reference.repository, Access::Pull);
    let doing = || format!("inspecting {reference}");
    let fetched = repository.manifest(&reference.target_or_latest()).await.doing(doing)?;
    if args.raw {
        context.printer.data(&String::from_utf8_lossy(&fetched.bytes))?;
        return Ok(Exit::Ok);
    }
    if args.output == Some(Output::Name) {
        context.printer.data(&format!("{}@{}\n", reference.repository, fetched.digest))?;
        return Ok(Exit::Ok);
    }
    let referrers = repository.referrers(&fetched.digest).await.doing(doing)?;
    let named = reference.repository.with(reference.target_or_latest());
    let report = report(named.to_string(), fetched, referrers);
    let text = match args.output {
        Some(output) => ui::document(&report, output)?,
        None => describe(&report),
    };
    context.printer.data(&text)?;
    Ok(Exit::Ok)
}

fn report(artifact: String, fetched: Fetched, referrers: Vec<Descriptor>) -> Report {
    let Fetched { bytes, media_type, digest, document } = fetched;
    let base = Report {
        artifact,
        digest,
        media_type,
        size: bytes.len(),
        artifact_type: None,
        annotations: document.annotations().clone(),
        subject: None,
        config: None,
        layers: Vec::new(),
        manifests: Vec::new(),
        referrers,
    };
    match document {
        Document::Manifest(manifest) => Report {
            artifact_type: manifest.artifact_type,
            subject: manifest.subject,
            config: Some(manifest.config),
            layers: manifest.layers,
            ..base
        },
        Document::Index(index) => Report { manifests: index.manifests, ..base },
    }
}
