//! Artifacts on a volume or in a bucket.
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
//!
//! In a [`Bucket`] files have the same places; what is served goes through a folder of files whose digests were checked.

mod bucket;
mod counters;
mod due;
mod either;
mod error;
mod file;
mod hash;
mod index;
mod local;
mod lost;
mod names;

pub use bucket::{Bucket, BucketError, BucketOptions, ClaimError, OpenBucketError, Surroundings};
pub use counters::StorageStats;
pub(crate) use either::Found;
pub use either::Storage;
pub use error::OpenError;
pub(crate) use file::{Identity, Inode};
pub use local::{Local, Scan, StorageOptions};
pub(crate) use names::{KIND, LATEST};
