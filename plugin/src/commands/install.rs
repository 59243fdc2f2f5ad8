//! `kubectl oci install`: controller and webhook into the cluster.

use clap::Args;

use crate::{
    args::Output,
    cluster::{Anything, Applying},
    context::Context,
    error::Error,
    exit::Exit,
    install::{self, Bucket, Guard, Manifests, NAMESPACE, Overlay},
    ui,
};

const EXAMPLES: &str = "Examples:
  # One webhook, one controller
  kubectl oci install

  # Several of each, artifacts in a bucket
  kubectl oci install --overlay ha --bucket s3://artifacts/cluster-1

  # Next to Flux
  kubectl oci install --overlay beside-flux

  # Keep the manifests in Git; needs no cluster
  kubectl oci install --export > kubectl-oci.yaml";

/// Install controller and webhook, or update them, and wait until they are ready
///
/// Applies the manifests that this version was released with, on the server's side. Everything is in the namespace
/// oci-system.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Install {
    /// How it is installed
    #[arg(long, value_enum, default_value = "single")]
    overlay: Overlay,
    #[command(flatten)]
    bucket: Bucket,
    /// Where the image kubectl-oci is, in place of ghcr.io/kubectl-oci
    #[arg(long, value_name = "REGISTRY")]
    registry: Option<String>,
    /// Print the manifests as YAML; no cluster is asked
    #[arg(long, conflicts_with_all = ["dry_run", "no_wait", "force_conflicts", "take_over"])]
    export: bool,
    /// Let the API server judge, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Take over fields that somebody else set
    #[arg(long)]
    force_conflicts: bool,
    /// Take Flux's CRD over, whose source-controller must have left the kind
    #[arg(long)]
    take_over: bool,
    /// Do not wait until all replicas are available
    #[arg(long)]
    no_wait: bool,
}

/// Applies the manifests, or prints them.
pub(crate) async fn run(args: Install, context: &Context) -> Result<Exit, Error> {
    if context.flags.namespace.as_deref().is_some_and(|namespace| namespace != NAMESPACE) {
        let message =
            format!("everything is installed into the namespace {NAMESPACE}: leave --namespace out");
        return Err(Error::Usage { message, hint: Some("the Helm chart takes any namespace".into()) });
    }
    if args.overlay != Overlay::Ha && args.bucket.place.is_some() {
        return Err(Error::usage("--bucket is for --overlay ha"));
    }
    let manifests = Manifests::of(args.overlay, &args.bucket, args.registry.as_deref())?;
    if args.export {
        for object in manifests.objects() {
            context.printer.data(&format!("---\n{}", ui::document(object, Output::Yaml)?))?;
        }
        return Ok(Exit::Ok);
    }
    let cluster = Anything::of(context.cluster().await?);
    let how = Applying { force: args.force_conflicts || args.take_over, dry_run: args.dry_run };
    let guard = Guard { take_over: args.take_over };
    context.printer.action(format!("installing kubectl-oci {} into {NAMESPACE}", env!("CARGO_PKG_VERSION")));
    install::apply(&cluster, &manifests, guard, how, context).await?;
    if !args.no_wait && !args.dry_run {
        install::ready(&cluster, &manifests, context).await?;
    }
    Ok(Exit::Ok)
}
