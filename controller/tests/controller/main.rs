//! The controller from outside.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail the test at the place of the fault"
)]

mod args;
mod bucket;
mod bucket_faults;
mod bucket_world;
mod mutual;
mod observe;
mod recorder;
mod serve;
mod storage;
mod storage_damage;
mod storage_keep;
mod storage_volume;
mod trust;
