//! The project's own commands; `cargo xtask help` lists them.

mod bench;
mod check;
mod cli;
mod cluster;
mod demo;
mod dist;
mod error;
mod generate;
mod measure;
mod prerequisites;
mod printer;
mod run;
mod signatures;
mod test;
mod tools;

use std::process::ExitCode;

fn main() -> ExitCode {
    let done = match <cli::Cli as clap::Parser>::parse().command {
        cli::Command::Check => check::run(),
        cli::Command::Generate => generate::run(),
        cli::Command::Tools => tools::foreign(),
        cli::Command::ControlPlane => tools::control_plane(),
        cli::Command::Test(arguments) => test::run(&arguments),
        cli::Command::Demo => demo::run(),
        cli::Command::Cluster(arguments) => cluster::run(&arguments),
        cli::Command::Bench(arguments) => bench::run(&arguments),
        cli::Command::Dist(arguments) => dist::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            printer::error(&error);
            ExitCode::FAILURE
        }
    }
}
