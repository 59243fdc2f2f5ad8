//! What must be installed, checked before anything starts, each with what to do when it is not.

use std::process::Command;

use crate::error::{Error, Result};

/// The oldest Go that builds the tools.
const GO: (u32, u32) = (1, 26);
/// The oldest Rust that builds the workspace.
const RUST: (u32, u32) = (1, 95);

/// The oldest Python that runs the servers of the tests.
const PYTHON: (u32, u32) = (3, 11);
/// Fails where a system has Python without the modules that make environments.
const ASK_PYTHON: &str = "import ensurepip, platform, venv; print(platform.python_version())";

/// Everything that `test` needs.
pub(crate) fn check() -> Result<()> {
    let faults: Vec<String> = [
        version("cargo", &["--version"], RUST, "install Rust by https://rustup.rs"),
        version("rustc", &["--version"], RUST, "run `rustup update` (rust-toolchain.toml names the version)"),
        version("go", &["env", "GOVERSION"], GO, "install Go from https://go.dev/dl and put it on PATH"),
        version(
            "python3",
            &["-c", ASK_PYTHON],
            PYTHON,
            "install Python with its modules `venv` and `ensurepip`",
        ),
        version("cc", &["--version"], (0, 0), "install a C compiler, such as the package `gcc` or `clang`"),
        version(
            "make",
            &["--version"],
            (0, 0),
            "install the package `make`: the controller's allocator is built by it",
        ),
        version("git", &["--version"], (0, 0), "install the package `git`: tests make repositories with it"),
        version("tar", &["--version"], (0, 0), "install the package `tar`: tests compare archives with it"),
        version(
            "curl",
            &["--version"],
            (0, 0),
            "install the package `curl`: what `cargo xtask cluster` says to try downloads with it",
        ),
        version(
            "strip",
            &["--version"],
            (0, 0),
            "install the package `binutils`: an image for tests is made with it",
        ),
        small_disks(),
    ]
    .into_iter()
    .flatten()
    .collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::Prerequisites(faults.join("\n"))) }
}

/// `None` if a disk can be mounted in a namespace of its own, as the tests of full disks do on Linux.
fn small_disks() -> Option<String> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]);
    match command.output() {
        Err(_) => Some("- `unshare` is not installed: install the package `util-linux`".to_owned()),
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!(
            "- `unshare --map-root-user --mount` cannot mount a tmpfs ({}): allow user namespaces, on Ubuntu by \
             `sysctl kernel.apparmor_restrict_unprivileged_userns=0`",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
    }
}

/// `None` if the program is there and new enough.
fn version(program: &str, arguments: &[&str], least: (u32, u32), remedy: &str) -> Option<String> {
    let found = Command::new(program)
        .args(arguments)
        .env("GOTOOLCHAIN", "local")
        .current_dir(oci_testkit::tools::workspace())
        .output();
    let Ok(output) = found else {
        return Some(format!("- `{program}` is not installed: {remedy}"));
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let new_enough = output.status.success() && (least == (0, 0) || number(&text) >= Some(least));
    (!new_enough).then(|| {
        format!("- `{program}` {}.{} or newer is needed, found `{}`: {remedy}", least.0, least.1, text.trim())
    })
}

/// The first `MAJOR.MINOR` of a text such as `rustc 1.95.0 (…)` or `go1.26.8`.
fn number(text: &str) -> Option<(u32, u32)> {
    text.split_whitespace().find_map(|word| {
        let mut parts = word.trim_start_matches(|c: char| !c.is_ascii_digit()).split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_is_found_in_what_programs_say() {
        assert_eq!(number("rustc 1.95.0 (5980761 2026-04-14)"), Some((1, 95)));
        assert_eq!(number("go1.26.8\n"), Some((1, 26)));
        assert_eq!(number("nothing"), None);
    }

    #[test]
    fn version_names_the_remedy_for_a_missing_program() {
        let fault = version("no-such-program", &[], (1, 0), "install it").unwrap();
        assert_eq!(fault, "- `no-such-program` is not installed: install it");
    }
}
