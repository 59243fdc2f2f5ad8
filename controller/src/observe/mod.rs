//! Metrics and logs. Names are source-controller's where it has them. Labels are closed sets, except for the one
//! histogram that has a series for each object and that can be turned off.

pub mod logs;
mod metrics;
mod process;
mod requests;
mod series;
mod snapshot;

pub use metrics::{Metrics, Told};
pub use requests::Requests;
pub use snapshot::Snapshot;
