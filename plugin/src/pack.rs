//! Packing on a thread, for build, push and diff.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;
use oci_artifact::archive::{self, Input, PackOptions, Packed};

use crate::{
    args::PackArgs,
    context::Context,
    error::{Doing as _, Error},
    stdin::Stdin,
    ui::Progress,
};

/// Flags for what comes from standard input.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Packing")]
pub(crate) struct StdinArgs {
    /// Name in the archive of what comes from standard input
    #[arg(long, value_name = "NAME", default_value = "stdin.yaml")]
    pub(crate) filename: String,
}

/// Packs into an anonymous temporary file, which is gone when the process is, however it ends.
pub(crate) async fn into_temporary(
    path: &Path,
    args: &PackArgs,
    stdin: &StdinArgs,
    context: &Context,
) -> Result<(File, Packed), Error> {
    let file = temporary()?;
    into_file(path, args, stdin, Vec::new(), file, context).await
}

/// An anonymous temporary file.
pub(crate) fn temporary() -> Result<File, Error> {
    tempfile::tempfile()
        .map_err(|source| Error::file("creating a temporary file in", std::env::temp_dir(), source))
}

/// Packs `path` into `sink` and returns both. `exclude` are files that must not become part of the archive.
pub(crate) async fn into_file<W: Write + Send + 'static>(
    path: &Path,
    args: &PackArgs,
    stdin: &StdinArgs,
    exclude: Vec<PathBuf>,
    mut sink: W,
    context: &Context,
) -> Result<(W, Packed), Error> {
    if path.as_os_str().is_empty() {
        return Err(Error::usage("--path is empty, name a folder or a file"));
    }
    let options = PackOptions {
        ignore: args.ignore(),
        source_ignore: args.sourceignore,
        resolve_symlinks: args.resolve_symlinks,
        exclude,
        ..PackOptions::default()
    };
    let progress = Progress::watch(context.printer, &context.control, "packing", None);
    let (from, name, control) = (path.to_path_buf(), stdin.filename.clone(), context.control.clone());
    let work = tokio::task::spawn_blocking(move || {
        let packed = if from.as_os_str() == "-" {
            let mut reader = Stdin::new(control.clone());
            archive::pack(Input::Stream { name: &name, reader: &mut reader }, &options, &control, &mut sink)
        } else {
            archive::pack(Input::Path(&from), &options, &control, &mut sink)
        };
        packed.map(|packed| (sink, packed))
    });
    let packed = work.await.map_err(|_| Error::Stopped("packing"))?;
    drop(progress);
    let (sink, packed) = packed.doing(|| format!("packing {}", path.display()))?;
    if packed.skipped > 0 {
        let what = if packed.skipped == 1 { "entry is" } else { "entries are" };
        context.printer.warning(format!(
            "{} {what} neither file nor folder and left out (--resolve-symlinks packs what links point to)",
            packed.skipped
        ));
    }
    Ok((sink, packed))
}
