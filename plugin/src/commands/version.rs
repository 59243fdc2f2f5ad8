//! `kubectl oci version`

use clap::Args;
use serde::Serialize;

use crate::{args::Output, context::Context, error::Error, exit::Exit, ui};

/// Flags of `version`.
#[derive(Args, Debug)]
pub(crate) struct Version {
    /// Print as JSON or YAML, or the bare number
    #[arg(long, short = 'o', value_enum)]
    output: Option<Output>,
    /// Accepted for scripts: only the client has a version here
    #[arg(long, hide = true)]
    client: bool,
}

#[derive(Serialize)]
struct Report {
    #[serde(rename = "kubectl-oci")]
    version: String,
}

/// Prints the version.
pub(crate) fn run(args: &Version, context: &Context) -> Result<Exit, Error> {
    let version = format!("v{}", env!("CARGO_PKG_VERSION"));
    let text = match args.output {
        None => format!("kubectl-oci: {version}\n"),
        Some(Output::Name) => format!("{version}\n"),
        Some(output) => ui::document(&Report { version }, output)?,
    };
    context.printer.data(&text)?;
    Ok(Exit::Ok)
}
