//! YAML and JSON with positions: which value stands where, read as kubectl reads it.
//!
//! ```text
//! text -> Documents (one tree each) -> fields, locate -> which line a path of the object stands on
//!                                   -> value          -> what kubectl would send to the API server
//! ```
//!
//! kubectl reads manifests by `sigs.k8s.io/yaml`, that is by the rules of YAML 1.1 for scalars without quotes (`yes` is
//! true, `017` is fifteen) and by those of Go's JSON afterwards; [`scalar`] says which. Aliases and merge keys are
//! followed, within bounds: a document of a few bytes can describe one of any size.

mod fields;
mod scalar;
mod stream;
mod tree;
mod value;

pub(crate) use fields::Field;
pub(crate) use stream::Documents;
pub(crate) use tree::{Content, Id, Tree};

/// Collections within collections.
pub(crate) const DEPTH: usize = 128;
/// Values in one document as it is written.
const NODES: usize = 1_000_000;
/// Steps through one document with its aliases and merge keys followed.
const STEPS: usize = 4_000_000;
/// Values of one object with its aliases followed.
const VALUES: usize = 200_000;
/// Bytes of text of one object with its aliases followed.
const TEXT: usize = 16 << 20;

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    /// From 1.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
}

/// Why a document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub(crate) struct Problem {
    pub(crate) mark: Mark,
    pub(crate) why: String,
}

impl Problem {
    pub(crate) fn new(mark: Mark, why: impl Into<String>) -> Self {
        Self { mark, why: why.into() }
    }
}

#[cfg(test)]
mod tests;
