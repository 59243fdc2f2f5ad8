//! Who counts what the cache does.

/// The object for which a token is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// What asking the cache came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was kept.
    Hit,
    /// It was made.
    Miss,
    /// It could not be made.
    Failure,
}

/// Counts what the cache does: the metrics `gotk_token_*`.
pub trait Ledger: Send + Sync {
    /// The cache was asked, for this object.
    fn asked(&self, subject: Option<&Subject>, outcome: Outcome);

    /// An entry made place for another.
    fn evicted(&self) {}

    /// So many entries are kept now.
    fn holds(&self, entries: usize) {
        let _ = entries;
    }
}

/// Nobody counts.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Ledger for Nobody {
    fn asked(&self, _: Option<&Subject>, _: Outcome) {}
}
