//! `kubectl oci export`: objects as manifests.

use clap::Args;

use crate::{
    args::Output,
    cluster::{Filter, Repositories, parse_name},
    context::Context,
    error::Error,
    exit::Exit,
    ui,
};

const EXAMPLES: &str = "Examples:
  # All of a namespace, to be kept in Git
  kubectl oci export --all -n flux-system > repositories.yaml";

/// Print OCIRepository objects as manifests
///
/// Without status and without what the API server sets, so that they can be applied elsewhere.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
#[group(id = "which", required = true, multiple = false, args = ["names", "all"])]
pub(crate) struct Export {
    /// Names of the objects
    #[arg(value_name = "NAME", value_parser = parse_name)]
    names: Vec<String>,
    /// All objects of the namespace
    #[arg(long)]
    all: bool,
}

/// One YAML document for each object.
pub(crate) async fn run(args: Export, context: &Context) -> Result<Exit, Error> {
    let repositories = Repositories::of(&context.cluster().await?);
    let mut objects = Vec::new();
    if args.all {
        objects = repositories.list(Filter::default()).await?;
    }
    for name in &args.names {
        objects.push(repositories.get(name).await?);
    }
    if objects.is_empty() {
        context.printer.action(format!("nothing to export in {}", repositories.place()));
    }
    for object in objects {
        let text = ui::document(&object.configuration(), Output::Yaml)?;
        context.printer.data(&format!("---\n{text}"))?;
    }
    Ok(Exit::Ok)
}
