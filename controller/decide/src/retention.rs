//! Which files of an object are kept.

use std::time::Duration;

/// How many superseded files are kept, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// A superseded file is removed this long after another one took its place.
    pub ttl: Duration,
    /// Most files of an object, the current one included; at least 1.
    pub records: usize,
}

/// A file of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<T> {
    /// Which file.
    pub file: T,
    /// How long ago another file took its place; `None` for the current one.
    pub superseded: Option<Duration>,
}

/// The files to remove, and when the next one is due.
pub fn garbage<T: Clone>(records: &[Record<T>], policy: Policy) -> (Vec<T>, Option<Duration>) {
    let _ = (records, policy);
    (Vec::new(), None)
}
