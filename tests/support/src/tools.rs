//! Where the foreign programs are: registries and clients that `cargo xtask tools` builds once per user.
//!
//! Tests look programs up and never build them.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::Command,
};

/// The Go modules of `tests/compat/go` and the package that each builds.
pub const TOOLS: [(&str, &str); 4] = [
    ("crane", "github.com/google/go-containerregistry/cmd/crane"),
    ("distribution", "github.com/distribution/distribution/v3/cmd/registry"),
    ("olareg", "github.com/olareg/olareg/cmd/olareg"),
    ("oras", "oras.land/oras/cmd/oras"),
];

/// Why a program cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not one of [`TOOLS`].
    #[error("`{0}` is no tool of tests/compat/go")]
    Unknown(String),
    /// Not built yet, or built from other versions.
    #[error("`{name}` is not in the cache ({path}): run `cargo xtask tools` (or `cargo xtask test`)")]
    Missing {
        /// The tool.
        name: String,
        /// Where it would be.
        path: PathBuf,
    },
    /// Neither `KUBECTL_OCI_CACHE` nor `XDG_CACHE_HOME` nor `HOME` says where the cache is.
    #[error("no cache folder: set KUBECTL_OCI_CACHE or HOME")]
    NoCache,
    /// Go is missing or does not answer.
    #[error("asking `go env GOVERSION`: install Go 1.26 or newer from https://go.dev/dl: {0}")]
    Go(#[source] io::Error),
    /// A file of the module cannot be read.
    #[error("reading {0}: {1}")]
    Module(PathBuf, #[source] io::Error),
}

/// The folder of the workspace.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// The folder of the tool's Go module.
pub fn module(name: &str) -> PathBuf {
    workspace().join("tests/compat/go").join(name)
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

/// Where the tool is or will be: the name carries Go's version and a digest of the module's pinned versions.
pub fn place(name: &str) -> Result<PathBuf, Error> {
    if !TOOLS.iter().any(|(tool, _)| *tool == name) {
        return Err(Error::Unknown(name.to_owned()));
    }
    let sums = module(name).join("go.sum");
    let pins = std::fs::read(&sums).map_err(|source| Error::Module(sums, source))?;
    let key = oci_artifact::name::Digest::of(&pins);
    Ok(cache()?.join("tools").join(format!("{name}-{}-{}", go_version()?, key.short())).join(name))
}

/// The tool, if it was built.
pub fn path(name: &str) -> Result<PathBuf, Error> {
    let path = place(name)?;
    if path.is_file() { Ok(path) } else { Err(Error::Missing { name: name.to_owned(), path }) }
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

/// The built plugin: `$KUBECTL_OCI_BIN`, else beside the running test's folder.
pub fn plugin() -> Option<PathBuf> {
    if let Some(path) = environment("KUBECTL_OCI_BIN") {
        return Some(path.into());
    }
    let executable = std::env::current_exe().ok()?;
    let path = executable.ancestors().nth(2)?.join("kubectl-oci");
    path.is_file().then_some(path)
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
fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_have_a_module_each() {
        for (name, package) in TOOLS {
            let text = std::fs::read_to_string(module(name).join("go.mod")).unwrap();
            assert!(text.contains(&format!("tool {package}\n")), "{name}");
            assert!(
                text.starts_with(&format!(
                    "module github.com/kubectl-oci/kubectl-oci/tests/compat/go/{name}\n"
                ))
            );
        }
    }

    #[test]
    fn path_refuses_an_unknown_tool() {
        assert_eq!(path("rm").unwrap_err().to_string(), "`rm` is no tool of tests/compat/go");
    }
}
