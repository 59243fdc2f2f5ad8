//! The webhook of `OCIRepository`: refuses wrong specs when they are applied, and converts between versions.
//!
//! ```text
//! bytes of a review ──► admit   ──► bytes of the reply     pure: no clock, no network, an answer for every input
//!                       convert
//!        ▲                               │
//!       http    limits, permits, deadlines, statuses
//!        ▲                               ▼
//!   oci-server  connections: TLS, time limits, a shutdown that refuses nobody
//!        ▲
//!       tls     certificates: from files, or issued by ourselves and kept in a Secret
//! ```
//!
//! What a spec must be is not decided here but in [`oci_crds::validate`]. [`oci_server::serve`] runs any router, so that
//! measurements can compare this one with another on the same stack.

pub mod admit;
pub mod app;
pub mod args;
pub mod convert;
pub mod http;
pub mod limits;
pub mod observe;
pub mod tls;
mod wire;
