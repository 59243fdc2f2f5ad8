//! `kubectl oci doctor`: what is wrong, and what to do.

use clap::Args;

use crate::{
    args::{DataOutput, RegistryArgs, parse_url},
    context::Context,
    doctor,
    error::Error,
    exit::Exit,
    ui,
};

const EXAMPLES: &str = "Examples:
  # The installation in the cluster
  kubectl oci doctor

  # The way to a repository: name, TLS, login, artifact, signatures
  kubectl oci doctor oci://ghcr.io/org/app:v1

Exit codes: 0 nothing is wrong, 1 something is, 2 it could not be found out.";

/// Say what is wrong with the installation, or with the way to a repository, and what to do
///
/// Nothing is written: an object that the webhook must refuse is tried out only.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Doctor {
    #[arg(
        value_name = "URL",
        help = "A repository: oci://HOST/REPOSITORY[:TAG|@DIGEST]; the cluster if absent"
    )]
    url: Option<String>,
    /// Print as data
    #[arg(long, short = 'o', value_enum)]
    output: Option<DataOutput>,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// Prints the findings.
pub(crate) async fn run(args: Doctor, context: &Context) -> Result<Exit, Error> {
    let findings = match &args.url {
        Some(url) => doctor::repository(&parse_url(url)?, &args.registry, context).await?,
        None => doctor::installation(&context.cluster().await?).await?,
    };
    context.printer.data(&match args.output {
        Some(output) => ui::document(&findings, output.into())?,
        None => findings.show(),
    })?;
    Ok(if findings.has_fault() { Exit::Different } else { Exit::Ok })
}
