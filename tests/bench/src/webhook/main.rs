//! `webhook-bench [WEBHOOK]`: time and memory of the webhook as ratios, each from interleaved runs; without the program,
//! of its two functions only.
//!
//! `cargo xtask bench webhook` builds both programs and runs this one. `webhook-bench echo` is the peer: a handler on the
//! same stack that sends back what it gets.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement that cannot be made stops at the place of the fault, and its output is for the terminal"
)]

mod admission;
mod client;
mod conversion;
mod echo;
mod program;
mod reviews;

fn main() {
    let argument = std::env::args().nth(1).unwrap_or_default();
    if argument == "echo" {
        echo::run();
        return;
    }
    conversion::in_process();
    admission::in_process();
    if argument.is_empty() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let place = tempfile::tempdir().unwrap();
        admission::compare(&argument, place.path()).await;
        conversion::served(&argument, place.path()).await;
        admission::memory_at_rest(&argument, place.path()).await;
    });
}
