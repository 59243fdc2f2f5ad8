//! `kubectl oci build artifact`: pack a folder into a local file.

use std::{io::Write as _, path::PathBuf};

use clap::Args;

use crate::{args::PackArgs, context::Context, error::Error, exit::Exit, pack};

const EXAMPLES: &str = "Examples:
  kubectl oci build artifact -p ./app -o app.tgz";

/// Pack a folder into a local file
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Build {
    /// Folder or file to pack, - for standard input
    #[arg(long, short = 'p', value_name = "PATH")]
    path: PathBuf,
    /// File to write
    #[arg(long, short = 'o', default_value = "artifact.tgz", value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    pack: PackArgs,
    #[command(flatten)]
    stdin: pack::StdinArgs,
}

/// Packs into a temporary file beside the output and renames it, so that a failure leaves the old file.
pub(crate) async fn run(args: Build, context: &Context) -> Result<Exit, Error> {
    context.printer.action(format!("building artifact from {}", args.path.display()));
    let output = args.output.clone();
    let folder = match output.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        Some(_) | None => PathBuf::from("."),
    };
    if output.is_dir() {
        return Err(Error::usage(format!("--output `{}` is a folder, name a file", output.display())));
    }
    let file = tempfile::Builder::new()
        .prefix(".artifact-")
        .tempfile_in(&folder)
        .map_err(|source| Error::file("creating a file in", &folder, source))?;
    let exclude = vec![output.clone(), file.path().to_path_buf()];
    let (mut file, packed) =
        pack::into_file(&args.path, &args.pack, &args.stdin, exclude, file, context).await?;
    let placed = file.flush().and_then(|()| readable(file.as_file()));
    placed.map_err(|source| Error::file("writing", &output, source))?;
    file.persist(&output).map_err(|error| Error::file("writing", &output, error.error))?;
    context.printer.success(format!("artifact created at {} ({})", output.display(), packed.digest));
    Ok(Exit::Ok)
}

/// Temporary files are private; an artifact is as readable as Flux makes it.
fn readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o640))
}
