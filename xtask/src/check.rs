//! `cargo xtask check`: formatting, lints, documentation and the rules about dependencies.

use std::{path::PathBuf, process::Command};

use crate::{
    error::Result,
    generate, prerequisites, printer,
    run::{Steps, cargo, through},
};

const DENY: &str = "0.20.2";

pub(crate) fn run() -> Result<()> {
    prerequisites::check()?;
    let mut steps = Steps::default();
    let done = steps_of(&mut steps);
    steps.print();
    done
}

/// The steps of the command, for `test` to include.
pub(crate) fn steps_of(steps: &mut Steps) -> Result<()> {
    steps.step("formatting", || through(&mut cargo(["fmt", "--all", "--check"])))?;
    steps.step("lints", || {
        through(&mut cargo(["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    })?;
    steps.step("documentation", || {
        let mut command = cargo(["doc", "--locked", "--workspace", "--no-deps"]);
        through(command.env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    steps.step("generated files", generate::check)?;
    steps.step("dependencies", || {
        let mut command = Command::new(deny()?);
        command.current_dir(oci_testkit::tools::workspace());
        through(command.args(["--all-features", "--locked", "check", "bans", "licenses", "sources"]))
    })
}

/// cargo-deny, installed once per user and version.
fn deny() -> Result<PathBuf> {
    let root = oci_testkit::tools::cache()?.join(format!("cargo-deny-{DENY}"));
    let program = root.join("bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    if !program.is_file() {
        printer::line(&format!("installing cargo-deny {DENY}, once"));
        let version = format!("cargo-deny@{DENY}");
        let mut command = cargo(["install", "--locked", "--quiet", &version, "--root"]);
        through(command.arg(&root))?;
    }
    Ok(program)
}
