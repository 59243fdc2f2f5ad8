//! Artifacts on disk.
//!
//! ```text
//!  publish ─► drafts ─► ocirepository/<namespace>/<name>/sha256:<hex>.tar.gz ◄─ keep: retention, daily hash
//!                             │                                  ▲
//!                          [ Index ] ◄─ open: scan           look: by identity
//!                             │
//!                           serve
//! ```
//!
//! What is served is what the index knows, never what lies in a folder. A file is known by its identity (inode, size,
//! times): while that is as it was, its bytes are, and nobody reads them again but the daily check.

mod counters;
mod error;
mod file;
mod hash;
mod index;
mod local;
mod names;

pub use counters::StorageStats;
pub use error::OpenError;
pub(crate) use file::{Identity, Inode};
pub(crate) use local::Found;
pub use local::{Local, Scan, StorageOptions};
pub(crate) use names::{KIND, LATEST};
