//! `oci-controller`: reconciles `OCIRepository` objects, stores their artifacts and serves them.

use std::process::ExitCode;

fn main() -> ExitCode {
    oci_controller::app::main()
}
