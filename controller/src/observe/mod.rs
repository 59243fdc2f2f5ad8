//! Metrics and logs. Names are source-controller's where it has them. Labels are closed sets, except for the
//! series that each object has of its own and that can be turned off.

pub mod logs;
mod metrics;
mod process;
mod requests;
mod series;
mod snapshot;
mod tokens;
mod trust;

pub use metrics::{Metrics, Told};
pub use requests::Requests;
pub use snapshot::Snapshot;
pub use tokens::TokenMetrics;
pub use trust::TrustMetrics;
