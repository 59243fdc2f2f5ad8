//! `kubectl oci dry-run`: what the controller would do with an object, without controller and cluster.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::{args::Output, context::Context, dry_run, error::Error, exit::Exit, manifests::FileArgs, ui};

/// Where objects are that say no namespace.
const NAMESPACE: &str = "default";

const EXAMPLES: &str = "Examples:
  # Would this object be ready, and with which artifact?
  kubectl oci dry-run -f app.yaml

  # With its Secret, and the artifact as consumers would get it
  kubectl oci dry-run -f app.yaml --secret creds.yaml --output ./out

  # The status that the controller would write
  kubectl oci dry-run -f app.yaml -o yaml

Secrets and ServiceAccounts may stand in the same files. Where one is not given, the local Docker logins are used.

Exit codes: 0 all would be ready, 1 not, because of an object or its artifact, 2 a registry or a file failed.";

/// Do the run of the controller for OCIRepository manifests, without a cluster
///
/// Checks the manifests as lint does, asks the registry which artifact is meant, downloads it and makes of it what the
/// controller would serve. Nothing is written but what --output says.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DryRun {
    #[command(flatten)]
    files: FileArgs,
    /// A file with Secrets or ServiceAccounts that the objects name; can be repeated
    #[arg(long, value_name = "FILE")]
    secret: Vec<PathBuf>,
    /// Keep the artifacts in this folder, as NAMESPACE/NAME.tar.gz
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Print as text or as data
    #[arg(long = "format", short = 'o', value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How the result is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// JSON
    Json,
    /// YAML
    Yaml,
}

/// Exit code 0 if all objects would be ready, 1 if one would not by its own fault, 2 if something else failed.
pub(crate) async fn run(args: DryRun, context: &Context) -> Result<Exit, Error> {
    if let Some(output) = &args.output {
        if output.as_os_str().is_empty() {
            return Err(Error::usage("--output is empty, name a folder"));
        }
        if output.exists() && !output.is_dir() {
            return Err(Error::usage(format!("--output `{}` is not a folder", output.display())));
        }
    }
    let files = args.files.sources()?;
    let namespace = context.flags.namespace.clone().unwrap_or_else(|| NAMESPACE.to_owned());
    let (secrets, control) = (args.secret, context.control.clone());
    let reading = tokio::task::spawn_blocking(move || dry_run::read(&files, &secrets, &namespace, &control));
    let input = reading.await.map_err(|_| Error::Stopped("reading"))??;
    let report = dry_run::run(input, args.output, context).await?;
    let text = match args.format {
        Format::Text => report.text(),
        Format::Json => ui::document(&report.data(), Output::Json)?,
        Format::Yaml => ui::document(&report.data(), Output::Yaml)?,
    };
    context.printer.data(&text)?;
    let exit = report.exit();
    if report.is_empty() && exit == Exit::Ok {
        context.printer.warning("no OCIRepository in the files");
    } else if exit == Exit::Ok {
        context.printer.success(report.summary());
    } else {
        context.printer.action(report.summary());
    }
    Ok(exit)
}
