//! The controller from outside.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail the test at the place of the fault"
)]

mod args;
mod observe;
mod recorder;
mod serve;
mod storage;
mod storage_damage;
mod storage_keep;
mod storage_volume;
mod trust;
