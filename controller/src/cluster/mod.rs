//! The API server: watches, Secrets, status, events and leases.

pub mod call;
pub mod counting;
pub mod guard;
pub mod lease;
pub mod material;
pub mod objects;
pub mod recorder;
pub mod watch;
