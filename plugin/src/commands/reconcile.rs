//! `kubectl oci reconcile`: a run of the controller, now.

use clap::Args;

use crate::{
    cluster::{self, ClusterError, Goal, Repositories, parse_name},
    context::Context,
    error::Error,
    exit::Exit,
    ui::Conditions,
};

const EXAMPLES: &str = "Examples:
  # After a push
  kubectl oci reconcile app -n flux-system

Exit codes: 0 ready, 1 the run failed or the object is suspended, 2 anything else, also --timeout.";

/// Let the controller look at the registry now, and wait for what it finds
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Reconcile {
    /// Name of the object
    #[arg(value_parser = parse_name)]
    name: String,
    /// Do not wait for the end of the run
    #[arg(long)]
    no_wait: bool,
}

/// Asks for a run, waits for its end, and prints the revision.
pub(crate) async fn run(args: Reconcile, context: &Context) -> Result<Exit, Error> {
    let repositories = Repositories::of(&context.cluster().await?);
    let object = repositories.get(&args.name).await?;
    let what = object.full_name();
    if object.is_suspended() {
        return Err(ClusterError::Suspended { what }.into());
    }
    context.printer.action(format!("annotating {what}"));
    let token = context.now.to_string();
    let asked = repositories.request(&args.name, &token).await?;
    context.printer.success(format!("{what} annotated"));
    if args.no_wait {
        return Ok(Exit::Ok);
    }
    let conditions = Conditions::new(context.printer);
    let ready = cluster::wait_for(&repositories, asked, &Goal::Handled(token), conditions, context).await?;
    context.printer.data(&format!("{}\n", crate::ui::clean(ready.revision().unwrap_or_default())))?;
    Ok(Exit::Ok)
}
