//! What `cargo xtask cluster` becomes once everything is built: the whole system on this computer, until Ctrl-C.
//!
//! `oci-cluster PROGRAMS [FOLDER]`: `PROGRAMS` is the folder of the built programs, `FOLDER` is for what is written.

mod error;
mod example;
mod folder;
mod ports;
mod printer;
mod shell;
mod signals;
mod system;

use std::{path::PathBuf, process::ExitCode};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let programs = arguments.next().unwrap_or_default();
    match system::run(&programs, arguments.next()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            printer::error(&error);
            ExitCode::FAILURE
        }
    }
}
