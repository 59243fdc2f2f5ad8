//! `kubectl oci uninstall`: controller and webhook out of the cluster.

use clap::Args;

use crate::{
    context::Context,
    error::Error,
    exit::Exit,
    install::{self, Removal},
};

const EXAMPLES: &str = "Examples:
  # The programs go, the objects stay
  kubectl oci uninstall

  # Everything goes
  kubectl oci uninstall --crds --yes";

/// Remove controller and webhook
///
/// The kind and its objects stay, and can be deleted without a controller. An installation by Helm is left to Helm, and
/// a CRD that belongs to Flux is never deleted.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Uninstall {
    /// Delete the CRD too, and with it every OCIRepository of the cluster
    #[arg(long)]
    crds: bool,
    /// Needed with --crds: objects are lost
    #[arg(long, short = 'y')]
    yes: bool,
    /// Say what would be deleted, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not wait until all is gone
    #[arg(long)]
    no_wait: bool,
}

/// Removes what has our label.
pub(crate) async fn run(args: Uninstall, context: &Context) -> Result<Exit, Error> {
    if args.crds && !args.yes && !args.dry_run {
        return Err(Error::Usage {
            message: "--crds deletes every OCIRepository of the cluster".into(),
            hint: Some("add `--yes` if that is meant; `--dry-run` says what would be deleted".into()),
        });
    }
    let removal = Removal { crds: args.crds, dry_run: args.dry_run, wait: !args.no_wait };
    install::remove(context.cluster().await?, removal, context).await?;
    Ok(Exit::Ok)
}
