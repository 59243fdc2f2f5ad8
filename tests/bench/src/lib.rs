//! What the measurements have in common: percentiles, and what a process uses.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement that cannot be made stops at the place of the fault"
)]

pub mod process;
pub mod statistics;
