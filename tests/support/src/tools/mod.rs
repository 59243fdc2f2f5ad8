//! Where the foreign programs are: registries, clients and a control plane that `cargo xtask tools` and
//! `cargo xtask control-plane` build once per user; servers of Python, which `cargo xtask tools` installs likewise.
//!
//! Tests look programs up and never build them.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::Command,
};

mod python;
mod tool;

pub use python::{ENVIRONMENTS, Environment, interpreter};
pub use tool::{ASSETS, CONTROL_PLANE, TOOLS, Tool};

/// Why a program cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither one of [`TOOLS`] nor of [`CONTROL_PLANE`] nor of [`ENVIRONMENTS`].
    #[error("`{0}` is no tool of tests/compat/go, tests/control-plane or tests/python")]
    Unknown(String),
    /// Not built yet, or built from other versions.
    #[error("`{name}` is not in the cache ({path}): run `{command}` (or `cargo xtask test`)")]
    Missing {
        /// The tool.
        name: &'static str,
        /// Where it would be.
        path: PathBuf,
        /// What builds it.
        command: &'static str,
    },
    /// A program of this project that cargo has not built for this test.
    #[error("`{name}` is not built ({path}): run `cargo build -p {name}` (or `cargo xtask test`)")]
    NotBuilt {
        /// The program.
        name: &'static str,
        /// Where it would be.
        path: PathBuf,
    },
    /// The folder of the variable lacks a server.
    #[error("`{name}` is not in {folder}, which {ASSETS} names: correct it, or unset it and run `{command}`")]
    Assets {
        /// The tool.
        name: &'static str,
        /// The folder.
        folder: PathBuf,
        /// What builds it.
        command: &'static str,
    },
    /// Neither `KUBECTL_OCI_CACHE` nor `XDG_CACHE_HOME` nor `HOME` says where the cache is.
    #[error("no cache folder: set KUBECTL_OCI_CACHE or HOME")]
    NoCache,
    /// Go is missing or does not answer.
    #[error("asking `go env GOVERSION`: install Go 1.26 or newer from https://go.dev/dl: {0}")]
    Go(#[source] io::Error),
    /// Python is missing or does not answer.
    #[error("asking `python3` for its version: install Python 3.11 or newer with its module `venv`: {0}")]
    Python(#[source] io::Error),
    /// A file of the module cannot be read.
    #[error("reading {0}: {1}")]
    Module(PathBuf, #[source] io::Error),
}

/// The folder that [`ASSETS`] names.
pub fn assets() -> Option<PathBuf> {
    environment(ASSETS).map(PathBuf::from)
}

/// The version of Kubernetes that the cached control plane is built from, such as `v1.36.2`.
pub fn kubernetes_version() -> Result<String, Error> {
    Tool::named("kube-apiserver")?.version_of("k8s.io/kubernetes")
}

/// The folder of the workspace.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// The per-user cache: `$KUBECTL_OCI_CACHE`, else `$XDG_CACHE_HOME/kubectl-oci`, else `~/.cache/kubectl-oci`.
pub fn cache() -> Result<PathBuf, Error> {
    if let Some(folder) = environment("KUBECTL_OCI_CACHE") {
        return Ok(folder.into());
    }
    if let Some(folder) = environment("XDG_CACHE_HOME") {
        return Ok(Path::new(&folder).join("kubectl-oci"));
    }
    let home = environment("HOME").ok_or(Error::NoCache)?;
    Ok(Path::new(&home).join(".cache/kubectl-oci"))
}

/// The tool, if it was built.
pub fn path(name: &str) -> Result<PathBuf, Error> {
    Tool::named(name)?.find()
}

/// A command of the tool, without the environment that would make it talk to anybody else.
pub fn command(name: &str) -> Result<Command, Error> {
    let mut command = Command::new(path(name)?);
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(proxy);
    }
    command.env("OTEL_TRACES_EXPORTER", "none");
    Ok(command)
}

/// A program of this project that was built: in the folder that `KUBECTL_OCI_PROGRAMS` names, else beside the running
/// test's folder.
pub fn program(name: &'static str) -> Result<PathBuf, Error> {
    let folder = environment("KUBECTL_OCI_PROGRAMS").map(PathBuf::from).or_else(|| {
        let executable = std::env::current_exe().ok()?;
        executable.ancestors().nth(2).map(Path::to_owned)
    });
    let path = folder.unwrap_or_default().join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if path.is_file() { Ok(path) } else { Err(Error::NotBuilt { name, path }) }
}

/// `go1.26.8`, as `go env GOVERSION` says.
pub fn go_version() -> Result<String, Error> {
    let output = Command::new("go")
        .args(["env", "GOVERSION"])
        .env("GOTOOLCHAIN", "local")
        .output()
        .map_err(Error::Go)?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if text.starts_with("go") { Ok(text) } else { Err(Error::Go(io::Error::other("no version"))) }
}

#[expect(clippy::disallowed_methods, reason = "the one place of the harness that reads the environment")]
pub(crate) fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests;
