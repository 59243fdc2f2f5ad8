//! The API server: watches, Secrets, tokens, status, events and leases.

pub mod audiences;
pub mod call;
pub mod counting;
pub mod guard;
pub mod installation;
pub mod lease;
pub mod material;
pub mod objects;
pub mod recorder;
pub mod tokens;
pub mod watch;
