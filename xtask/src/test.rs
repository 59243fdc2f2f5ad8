//! `cargo xtask test`: what must pass before a change is merged; `.ci/run` calls exactly this.

use crate::{
    check, cli,
    error::Result,
    prerequisites,
    run::{self, Steps, cargo, through},
    tools,
};

pub(crate) fn run(arguments: &cli::Test) -> Result<()> {
    let mut steps = Steps::default();
    let done = steps_of(&mut steps, arguments);
    steps.print();
    done
}

fn steps_of(steps: &mut Steps, arguments: &cli::Test) -> Result<()> {
    steps.step("prerequisites", prerequisites::check)?;
    if !arguments.no_check {
        check::steps_of(steps)?;
    }
    steps.step("tools", tools::foreign)?;
    steps.step("control plane", tools::control_plane)?;
    let programs = steps.step("programs", run::all_programs)?;
    steps.step("tests", || {
        let mut command = cargo(["test", "--locked", "--workspace", "--no-fail-fast"]);
        command.env("KUBECTL_OCI_PROGRAMS", &programs);
        if let Some(filter) = &arguments.filter {
            command.args(["--", filter]);
        }
        through(&mut command)
    })
}
