//! `kubectl oci create`: an `OCIRepository` by flags.

use clap::{Args, ValueEnum};
use oci_crds::{lint, validate};
use serde_json::Value;

use crate::{
    args::Output,
    cluster::{self, Applying, ClusterError, Goal, Repositories, SpecArgs, Stored, full_name, parse_name},
    context::Context,
    error::Error,
    exit::Exit,
    ui::{self, Conditions},
};

const EXAMPLES: &str = "Examples:
  # Follow the versions below 2
  kubectl oci create app -n flux-system --url oci://ghcr.io/org/app \\
    --tag-semver '<2.0.0' --interval 5m

  # Write the manifest to a file; needs no cluster
  kubectl oci create app -n flux-system --url oci://ghcr.io/org/app \\
    --tag v1 --export > app.yaml

Exit codes: 0 ready, 1 refused or stalled, 2 anything else, also --timeout.";

/// Create or update an OCIRepository, and wait until it is ready
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Create {
    /// Name of the object
    #[arg(value_parser = parse_name)]
    name: String,
    #[command(flatten)]
    spec: SpecArgs,
    /// Print the object as YAML; no cluster is asked
    #[arg(long, conflicts_with_all = ["dry_run", "no_wait", "force_conflicts"])]
    export: bool,
    /// Let the API server judge, and write nothing
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "server")]
    dry_run: Option<Judge>,
    /// Take over fields that somebody else set
    #[arg(long)]
    force_conflicts: bool,
    /// Do not wait until it is ready
    #[arg(long)]
    no_wait: bool,
}

/// Who judges without writing.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Judge {
    /// The API server, and the webhook behind it
    Server,
}

/// Judges the object, applies it, and waits.
pub(crate) async fn run(args: Create, context: &Context) -> Result<Exit, Error> {
    if args.export {
        let namespace = cluster::namespace(&context.flags, &context.surroundings).await;
        let object = args.spec.object(&namespace, &args.name)?;
        if is_refused(&object, context) {
            return Ok(Exit::Different);
        }
        context.printer.data(&format!("---\n{}", ui::document(&object, Output::Yaml)?))?;
        return Ok(Exit::Ok);
    }
    // Before the cluster is asked for anything.
    if is_refused(&args.spec.object("default", &args.name)?, context) {
        return Ok(Exit::Different);
    }
    let access = context.cluster().await?;
    let object = args.spec.object(&access.namespace, &args.name)?;
    let repositories = Repositories::of(&access);
    let what = full_name(&access.namespace, &args.name);
    let before = repositories.find(&args.name).await?;
    let how = Applying { force: args.force_conflicts, dry_run: args.dry_run.is_some() };
    if let Some(before) = &before
        && mixture_is_refused(&repositories, &object, before, how).await?
    {
        return Ok(Exit::Different);
    }
    context.printer.action(format!("applying {what}"));
    let stored = repositories.apply(&args.name, &object, how).await?;
    let dry_run = if how.dry_run { " (dry run)" } else { "" };
    let done = match before {
        None => "created",
        Some(before) if before.resource_version() == stored.resource_version() => "unchanged",
        Some(_) => "configured",
    };
    context.printer.success(format!("{what} {done}{dry_run}"));
    if args.no_wait || how.dry_run {
        return Ok(Exit::Ok);
    }
    if stored.is_suspended() {
        context.printer.warning(format!("{what} is suspended; `kubectl oci resume {}` starts it", args.name));
        return Ok(Exit::Ok);
    }
    let conditions = Conditions::new(context.printer);
    cluster::wait_for(&repositories, stored, &Goal::Ready, conditions, context).await?;
    Ok(Exit::Ok)
}

/// Tells all faults and warnings.
fn is_refused(object: &Value, context: &Context) -> bool {
    let judgement = lint::object(object, &[]);
    for warning in &judgement.warnings {
        context.printer.warning(ui::clean(&warning.to_string()));
    }
    tell(judgement.refused)
}

/// The object that is there may have fields that somebody else set, and together they may make no sense.
async fn mixture_is_refused(
    repositories: &Repositories,
    object: &Value,
    before: &Stored,
    how: Applying,
) -> Result<bool, Error> {
    let how = Applying { dry_run: true, ..how };
    let mixture = match repositories.apply(before.name(), object, how).await {
        // A webhook of somebody else that cannot rehearse.
        Err(ClusterError::Refused { status, .. }) if status.code == 400 => return Ok(false),
        other => other?,
    };
    let Some(spec) = mixture.spec() else { return Ok(false) };
    Ok(tell(validate::judge(&spec, before.spec().as_ref(), &[]).refused))
}

fn tell(faults: Vec<validate::Fault>) -> bool {
    let refused = !faults.is_empty();
    for fault in faults {
        ui::failure(&fault.into());
    }
    refused
}
