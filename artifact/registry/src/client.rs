//! The entry points: a client, and one repository of it.

use std::sync::Arc;

use oci_artifact::name::Repository;

use crate::{
    auth::Access,
    options::Options,
    transport::{Session, Transport},
};

/// Connections and logins, shared by all clones. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    transport: Arc<Transport>,
}

/// One repository, to be read or also written. Cheap to clone.
#[derive(Clone)]
pub struct RepositoryClient {
    pub(crate) transport: Arc<Transport>,
    pub(crate) session: Session,
}

impl Client {
    /// A client with these settings. Nothing is read or connected before the first request.
    pub fn new(options: Options) -> Self {
        Self { transport: Arc::new(Transport::new(options)) }
    }

    /// A repository, for this access: a token is asked for exactly that.
    pub fn repository(&self, repository: &Repository, access: Access) -> RepositoryClient {
        RepositoryClient {
            transport: Arc::clone(&self.transport),
            session: self.transport.session(repository, access),
        }
    }
}

impl RepositoryClient {
    /// The repository.
    pub fn repository(&self) -> &Repository {
        &self.session.repository
    }

    /// This repository's client with the right to read `from` too, where both are in one registry.
    pub(crate) fn also_pulling(mut self, from: &Repository) -> Self {
        if from.host() == self.session.repository.host() {
            self.session.scopes = self.session.scopes.and_pull(from.path());
        }
        self
    }

    /// `/v2/<name>/<rest>`.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v2/{}/{rest}", self.session.repository.path())
    }
}
