//! One run of one object, and which object is run when.
//!
//! ```text
//! watch ─► Cache ─► Scheduler ─► Reconciler::run ─► gather ─► oci-source ─► settle ─► status, events
//!            ▲                                                                │
//!            └────────────────────────── what was written ◄───────────────────┘
//! ```

pub mod cache;
mod departed;
mod lane;
mod restore;
mod run;
pub mod scheduler;
mod settle;
#[cfg(test)]
mod tests;
pub mod trigger;

pub use lane::Lane;
pub use restore::Restore;
pub use run::{Parts, Reconciler};
