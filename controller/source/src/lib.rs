//! Carries a plan out: logs in, finds the artifact, verifies its signature, chooses its layer and fetches it into a store.
//!
//! ```text
//! [ Observed ] ─► [ Source::run ] ─► decide ─► resolve | verify | fetch ─► [ Outcome ]
//!                       │                          │
//!                  [ Materials ]              [ Clients ] ─► oci-registry        [ Store ]
//!         account and Secrets, read late      one pool for all tenants          drafts, publish
//!                       └─ who logs in: [identity] ─┘
//! ```
//!
//! Knows specs and credentials, not the API server, so that the plugin can do the same run from a file.

mod access;
mod breaker;
mod certificates;
mod choose;
mod clients;
mod connection;
mod credentials;
mod failure;
mod fingerprint;
pub mod identity;
mod login;
mod manifest;
pub mod material;
mod pool;
mod resolve;
mod run;
pub mod store;
mod transfer;
mod verify;

pub use run::{Progress, Source, SourceOptions};
