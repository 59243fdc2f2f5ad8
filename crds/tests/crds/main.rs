//! The API as a whole: case files, schema, conversion.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail the test at the place of the fault"
)]

mod cases;
mod judge;
mod schema;
mod types;
