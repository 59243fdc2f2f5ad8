//! What a token is asked for.
//!
//! Distribution, "Token Scope Documentation": `repository:<name>:<actions>`.

use std::collections::BTreeMap;

use oci_artifact::name::Repository;

/// What is done with a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Reading.
    Pull,
    /// Reading and writing.
    Push,
}

/// Repositories of one registry and what is done with them; one token covers all.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Scopes(BTreeMap<String, Access>);

impl Scopes {
    /// One repository.
    pub(crate) fn new(repository: &Repository, access: Access) -> Self {
        Self(BTreeMap::from([(repository.path().to_owned(), access)]))
    }

    /// None: a token that only says who asks.
    pub(crate) fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// These and reading from one more repository (a mount's source).
    pub(crate) fn and_pull(mut self, path: &str) -> Self {
        self.0.entry(path.to_owned()).or_insert(Access::Pull);
        self
    }

    /// The texts of the `scope` parameters.
    pub(crate) fn texts(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(path, access)| match access {
            Access::Pull => format!("repository:{path}:pull"),
            Access::Push => format!("repository:{path}:pull,push"),
        })
    }
}
