//! Carries a plan out: logs in, finds the artifact, chooses its layer and fetches it into a store.
//!
//! ```text
//! [ Observed ] ─► [ Source::run ] ─► decide ─► resolve | fetch ─► [ Outcome ]
//!                       │                          │
//!                  [ Materials ]              [ Clients ] ─► oci-registry        [ Store ]
//!                 Secrets, read late          one pool for all tenants          drafts, publish
//! ```
//!
//! Knows specs and credentials, not the API server, so that the plugin can do the same run from a file.

pub mod material;
mod run;
pub mod store;

pub use run::{Progress, Source};
