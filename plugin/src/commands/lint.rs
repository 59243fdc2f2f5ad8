//! `kubectl oci lint`: what the API server would refuse, without one.

use clap::Args;
use oci_crds::validate::Code;

use crate::{
    args::DataOutput,
    context::Context,
    error::Error,
    exit::Exit,
    manifests::{FileArgs, counted, lint},
    ui,
};

const EXAMPLES: &str = "Examples:
  # All manifests of a folder and of the folders in it
  kubectl oci lint -R -f ./clusters

  # What a build makes
  kustomize build ./app | kubectl oci lint -f -

  # As data
  kubectl oci lint -f app.yaml -o json

Exit codes: 0 no faults (warnings are none), 1 faults, 2 something could not be read.";

/// Check OCIRepository manifests as the API server and the webhook would
///
/// Other kinds are skipped; lists are looked into. Needs no cluster and no registry.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Lint {
    #[command(flatten)]
    files: FileArgs,
    /// Make these rules warn only, as the webhook's flag of that name; the codes are in `-o json`
    #[arg(long, value_name = "CODE,…", value_delimiter = ',', value_parser = clap::value_parser!(Code))]
    warn_only: Vec<Code>,
    /// Print as data
    #[arg(long, short = 'o', value_enum)]
    output: Option<DataOutput>,
}

/// Exit code 0 if nothing is refused, 1 if something is, 2 if something could not be read.
pub(crate) async fn run(args: Lint, context: &Context) -> Result<Exit, Error> {
    let sources = args.files.sources()?;
    let control = context.control.clone();
    let work = tokio::task::spawn_blocking(move || lint(&sources, &args.warn_only, &control));
    let report = work.await.map_err(|_| Error::Stopped("linting"))?;
    let text = match args.output {
        Some(output) => ui::document(&report.findings, output.into())?,
        None => report.text(),
    };
    context.printer.data(&text)?;
    let exit = report.exit();
    if report.objects == 0 && exit == Exit::Ok {
        context.printer.warning(format!("no OCIRepository in {}", counted(report.files, "file")));
    } else if exit == Exit::Ok {
        context.printer.success(report.summary());
    } else {
        context.printer.action(report.summary());
    }
    Ok(exit)
}
