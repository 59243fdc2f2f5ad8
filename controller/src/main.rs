//! `oci-controller`: reconciles `OCIRepository` objects, stores their artifacts and serves them.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    oci_controller::app::main()
}
