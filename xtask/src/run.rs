//! Running programs.

use std::{
    ffi::OsString,
    path::PathBuf,
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use crate::{
    error::{Error, Result},
    printer,
};

/// A command of cargo in the workspace.
pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(oci_testkit::tools::workspace()).args(arguments);
    command
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

/// Runs to the end with this terminal's output; anything but success is an error.
pub(crate) fn through(command: &mut Command) -> Result<()> {
    let text = shown(command);
    let status = command.status().map_err(|source| Error::Spawn { command: text.clone(), source })?;
    if status.success() { Ok(()) } else { Err(Error::Failed { command: text, status: status.to_string() }) }
}

/// Runs in place of this process where that can be, so that signals reach it as they would reach us.
pub(crate) fn become_it(mut command: Command) -> Result<()> {
    #[cfg(unix)]
    {
        let source = std::os::unix::process::CommandExt::exec(&mut command);
        Err(Error::Spawn { command: shown(&command), source })
    }
    #[cfg(not(unix))]
    through(&mut command)
}

/// Runs to the end and keeps the output, whatever the status.
pub(crate) fn output(command: &mut Command) -> Result<Output> {
    command.output().map_err(|source| Error::Spawn { command: shown(command), source })
}

/// Steps that are timed; the table is printed at the end, also after a failure.
#[derive(Debug, Default)]
pub(crate) struct Steps(Vec<Vec<String>>);

impl Steps {
    /// Runs one step.
    pub(crate) fn step<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        printer::step(name);
        let start = Instant::now();
        let done = work();
        let verdict = if done.is_ok() { "ok" } else { "FAILED" };
        self.0.push(vec![name.to_owned(), printer::seconds(start.elapsed()), verdict.to_owned()]);
        done
    }

    /// Prints the table.
    pub(crate) fn print(&self) {
        printer::line("");
        printer::table(&self.0);
    }
}

/// A variable of the environment; an empty one is none.
#[expect(clippy::disallowed_methods, reason = "the one place of this program that reads the environment")]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> Result<PathBuf> {
    let found = output(&mut cargo(["metadata", "--no-deps", "--format-version=1"]))?;
    let text = String::from_utf8_lossy(&found.stdout).into_owned();
    let key = "\"target_directory\":\"";
    text.split_once(key)
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(folder, _)| PathBuf::from(folder))
        .ok_or_else(|| Error::Wrong("`cargo metadata` names no target folder".to_owned()))
}

/// Builds programs of this project and returns the folder that they are in.
pub(crate) fn programs(packages: &[&str], release: bool) -> Result<PathBuf> {
    built(packages, if release { "release" } else { "dev" })
}

/// Builds all programs for development, as tests need them, and returns the folder. With the features of the whole
/// workspace, so that nothing is built once more for the tests.
pub(crate) fn all_programs() -> Result<PathBuf> {
    through(&mut cargo(["build", "--locked", "--workspace", "--bins"]))?;
    Ok(target()?.join("debug"))
}

/// Builds the plugin, in small as it is released or for development, and returns its path.
pub(crate) fn plugin(released: bool) -> Result<PathBuf> {
    let folder = built(&["kubectl-oci"], if released { "plugin" } else { "dev" })?;
    Ok(folder.join(format!("kubectl-oci{}", std::env::consts::EXE_SUFFIX)))
}

fn built(packages: &[&str], profile: &str) -> Result<PathBuf> {
    let mut command = cargo(["build", "--locked", "--profile", profile]);
    command.args(packages.iter().flat_map(|package| ["-p", package]));
    through(&mut command)?;
    Ok(target()?.join(if profile == "dev" { "debug" } else { profile }))
}

/// Runs `work` so that Ctrl-C does not end this process but sets the flag: `work` then returns, and what it holds
/// (folders, servers) is cleaned up. Its children get the signal themselves.
pub(crate) fn interruptible(work: impl FnOnce(&AtomicBool) -> Result<()> + Send + 'static) -> Result<()> {
    let failed = |source| Error::Spawn { command: "the command's runtime".to_owned(), source };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let flag = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&flag);
    runtime.block_on(async move {
        let mut work = tokio::task::spawn_blocking(move || work(&seen));
        let done = tokio::select! {
            done = &mut work => done,
            _ = tokio::signal::ctrl_c() => {
                flag.store(true, Ordering::SeqCst);
                work.await
            }
        };
        let done = done.unwrap_or_else(|fault| Err(Error::Wrong(fault.to_string())));
        if flag.load(Ordering::SeqCst) { Err(Error::Interrupted) } else { done }
    })
}
