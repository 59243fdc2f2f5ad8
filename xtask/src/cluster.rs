//! `cargo xtask cluster`: builds everything, then becomes `oci-cluster` of `tests/cluster`, which links kube and so is no
//! part of this program.

use std::process::Command;

use crate::{cli, error::Result, printer, run, tools};

pub(crate) fn run(arguments: &cli::Cluster) -> Result<()> {
    tools::control_plane()?;
    tools::named("distribution")?;
    printer::line("building the programs");
    let packages = ["kubectl-oci", "oci-webhook", "oci-controller", "oci-cluster"];
    let programs = run::programs(&packages, !arguments.debug)?;
    let mut command = Command::new(programs.join(format!("oci-cluster{}", std::env::consts::EXE_SUFFIX)));
    command.arg(&programs).args(&arguments.dir);
    run::become_it(command)
}
