//! What the controller does next, and what a run means.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test at the place of the fault")]

mod plan;
mod queue;
mod world;
