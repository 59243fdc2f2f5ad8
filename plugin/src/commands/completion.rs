//! `kubectl oci completion`: scripts for shells, and what kubectl needs.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::{completion, context::Context, error::Error, exit::Exit};

const EXAMPLES: &str = "Examples:
  # For `kubectl oci` in a shell that completes kubectl, once
  kubectl oci completion install

  # For `kubectl-oci` itself, in this shell
  source <(kubectl oci completion bash)";

/// `completion`
#[derive(Args, Debug)]
#[command(subcommand_required = true, arg_required_else_help = true, disable_help_subcommand = true)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Completion {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Let kubectl complete this plugin: writes `kubectl_complete-oci` into a folder of the PATH
    Install(Install),
    /// Print the script for bash, for the program `kubectl-oci`
    Bash,
    /// Print the script for zsh
    Zsh,
    /// Print the script for fish
    Fish,
    /// Print the script for PowerShell
    Powershell,
}

/// Flags of `install`.
#[derive(Args, Debug)]
struct Install {
    /// Folder of the PATH to write into; that of the plugin if not given
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// Prints a script, or writes the file that kubectl looks for.
pub(crate) fn run(args: &Completion, context: &Context) -> Result<Exit, Error> {
    let script = match &args.what {
        What::Bash => include_str!("../completion/scripts/bash.sh"),
        What::Zsh => include_str!("../completion/scripts/zsh.sh"),
        What::Fish => include_str!("../completion/scripts/completion.fish"),
        What::Powershell => include_str!("../completion/scripts/powershell.ps1"),
        What::Install(args) => return install(args, context),
    };
    context.printer.data(script)?;
    Ok(Exit::Ok)
}

fn install(args: &Install, context: &Context) -> Result<Exit, Error> {
    let folder = match &args.dir {
        Some(folder) => folder.clone(),
        None => context.folder_of_the_plugin().ok_or_else(|| Error::Usage {
            message: "no folder of the PATH holds `kubectl-oci`".into(),
            hint: Some("name a folder of your PATH with `--dir`".into()),
        })?,
    };
    let installed = completion::install(&folder)?;
    let path = installed.path.display();
    if installed.before {
        context.printer.success(format!("{path} is there already"));
    } else {
        context
            .printer
            .success(format!("{path} written; kubectl 1.26 and newer complete `kubectl oci` by it"));
        context.printer.action(format!("to be rid of it: rm {path}"));
    }
    if !context.path().any(|known| same(&known, &folder)) {
        context
            .printer
            .warning(format!("{} is not in your PATH: kubectl will not find it", folder.display()));
    }
    Ok(Exit::Ok)
}

/// Whether two names are one folder.
fn same(one: &Path, two: &Path) -> bool {
    match (one.canonicalize(), two.canonicalize()) {
        (Ok(one), Ok(two)) => one == two,
        _ => one == two,
    }
}
