//! The webhook of `OCIRepository`: admission and conversion.

use std::process::ExitCode;

fn main() -> ExitCode {
    oci_webhook::app::main()
}
