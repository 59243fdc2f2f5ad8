//! The entry points: a client, and one repository of it.

use std::{sync::Arc, time::Duration};

use oci_artifact::name::Repository;

use tokio::time::Instant;

use crate::{
    auth::{Access, CredentialSource},
    options::Options,
    transport::{Session, Transport},
};

/// Connections and logins, shared by all clones. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(crate) transport: Arc<Transport>,
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

    /// A client with other credentials that shares connections, and what was learned of the registries, with this one.
    /// Credentials and tokens are never shared. Cheap: one for each tenant is what it is for.
    #[must_use]
    pub fn with_credentials(&self, credentials: Arc<dyn CredentialSource>) -> Self {
        Self { transport: Arc::new(self.transport.with_credentials(credentials)) }
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

    /// The same repository, for which everything that follows must be done at `deadline`; `None` for no bound. In place
    /// of [`Options::deadline`].
    #[must_use]
    pub fn until(mut self, deadline: Option<Instant>) -> Self {
        self.session.deadline = deadline;
        self
    }

    /// The same repository, given up when the other side is silent for longer than `idle` (one minute by default): no
    /// head of an answer, no bytes of a body, in either direction.
    #[must_use]
    pub fn stalling_after(mut self, idle: Duration) -> Self {
        self.session.idle = idle;
        self
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
