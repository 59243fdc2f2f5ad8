//! The webhook from outside: pure functions as tables, the server over real TLS, the real binary.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail the test at the place of the fault"
)]

mod admit;
mod binary;
mod client;
mod convert;
mod hostile;
mod http;
mod issue;
mod keeper;
mod process;
mod reload;
mod reviews;
mod served;
mod slow;
