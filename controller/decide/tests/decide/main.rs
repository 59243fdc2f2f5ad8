//! What the controller does next, and what a run means.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail the test at the place of the fault"
)]

mod conclude;
mod patch;
mod plan;
mod progress;
mod queue;
mod refused;
mod retention;
mod runs;
mod schedule;
mod status;
mod texts;
mod world;
