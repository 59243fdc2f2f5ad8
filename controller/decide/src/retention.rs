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

/// The files to remove, and in how long the next one is due if nothing else happens.
///
/// Superseded files go when their time is over, and if more than [`Policy::records`] files are left then, those that
/// were superseded first. The current file never goes.
pub fn garbage<T: Clone>(records: &[Record<T>], policy: Policy) -> (Vec<T>, Option<Duration>) {
    let mut superseded: Vec<(Duration, &T)> =
        records.iter().filter_map(|record| record.superseded.map(|age| (age, &record.file))).collect();
    superseded.sort_by_key(|(age, _)| std::cmp::Reverse(*age));
    let current = records.len() - superseded.len();
    let over = superseded.partition_point(|(age, _)| *age >= policy.ttl);
    let too_many = records.len().saturating_sub(policy.records.max(1).max(current));
    let (garbage, kept) = superseded.split_at(over.max(too_many));
    let next = kept.first().map(|(age, _)| policy.ttl.saturating_sub(*age));
    (garbage.iter().map(|(_, file)| (*file).clone()).collect(), next)
}
