//! `kubectl oci`: ship Kubernetes configuration as OCI artifacts.

mod annotations;
mod args;
mod cli;
mod cluster;
mod commands;
mod completion;
mod context;
mod doctor;
#[cfg(test)]
mod documented;
mod dry_run;
mod end;
mod error;
mod exit;
mod global;
mod install;
mod layer;
mod logins;
mod manifests;
mod origin;
mod pack;
mod pushed;
mod remote;
mod run;
mod signing;
mod stdin;
mod tags;
mod ui;
mod yaml;

use std::process::ExitCode;

fn main() -> ExitCode {
    run::main().into()
}
