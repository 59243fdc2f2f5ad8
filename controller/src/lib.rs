//! The controller of `OCIRepository` objects: watches them, fetches what they name, stores it and serves it.
//!
//! ```text
//!  API server ─► cluster/watch ─► reconcile ─► oci-source ─► storage ─► serve ─► kustomize-controller, …
//!      ▲                          │ gather        │ decide
//!      └──── cluster/{status, recorder} ◄─────────┘ conclude
//! ```
//!
//! What is done next, and what a run means, is decided in [`oci_decide`]; how bytes move, in [`oci_source`]. Here are
//! the edges: API server, disk, clock, signals.

pub mod app;
pub mod args;
pub mod cluster;
pub mod observe;
pub mod reconcile;
pub mod serve;
pub mod storage;
pub mod trust;
