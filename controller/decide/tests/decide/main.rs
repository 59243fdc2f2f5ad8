//! What the controller does next, and what a run means.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail the test at the place of the fault"
)]

mod conclude;
mod patch;
mod plan;
mod queue;
mod retention;
mod world;
