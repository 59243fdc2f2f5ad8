//! `controller-bench CONTROLLER [PART…]`: time, memory and requests of the controller, each as a ratio to a peer from
//! interleaved runs, or as a count.
//!
//! `cargo xtask bench controller` builds both programs and runs this one. The API server is a real one; the registry is
//! the embedded one, in this process, because it counts.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement that cannot be made stops at the place of the fault, and its output is for the terminal"
)]

mod artifacts;
mod controller;
mod dead;
mod fleet;
mod loader;
mod plane;
mod pull;
mod rest;
mod serving;
mod start;

const PARTS: [&str; 7] = ["fleet", "polls", "start", "pull", "serving", "dead", "rest"];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().unwrap_or_default();
    let mut parts: Vec<String> = arguments.collect();
    if parts.is_empty() {
        parts = PARTS.map(str::to_owned).to_vec();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for part in parts {
        println!("\n== {part}");
        match part.as_str() {
            "fleet" => runtime.block_on(fleet::run(&program)),
            "polls" => runtime.block_on(fleet::polls(&program)),
            "start" => runtime.block_on(start::run(&program)),
            "pull" => runtime.block_on(pull::run(&program)),
            "serving" => runtime.block_on(serving::run(&program)),
            "dead" => runtime.block_on(dead::run(&program)),
            "rest" => runtime.block_on(rest::run(&program)),
            _ => println!("there is no part `{part}`; there are: {PARTS:?}"),
        }
    }
}
