//! A `ServiceAccount` that logs in by itself: what its annotations ask for, and its tokens.
//!
//! Object-level workload identity of Flux 2.10: annotations `credential.auth.fluxcd.io/*` and those of the clouds.

mod annotations;
mod fault;
mod role;

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use jiff::Timestamp;
use oci_registry::Secret;

use crate::error::IdentityError;

pub use annotations::{Facts, Wish};
pub use fault::AccountFault;
pub use role::Role;
pub(crate) use role::is_azure_id;

/// An account whose identity is used.
#[derive(Clone)]
pub struct Account {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What its annotations ask for.
    pub wish: Wish,
    /// Makes its tokens.
    pub tokens: Arc<dyn AccountTokens>,
}

/// A token of an account.
pub struct AccountToken {
    /// A JWT.
    pub value: Secret<String>,
    /// When it ends, by the API server's clock.
    pub expires: Timestamp,
}

/// What [`AccountTokens::token`] returns.
pub type TokenFuture<'a> = Pin<Box<dyn Future<Output = Result<AccountToken, IdentityError>> + Send + 'a>>;

/// Makes tokens of one account: the `TokenRequest` of Kubernetes.
pub trait AccountTokens: Send + Sync {
    /// A fresh token for these audiences, at least one. `expiration` is a wish.
    fn token<'a>(&'a self, audiences: &'a [String], expiration: Option<Duration>) -> TokenFuture<'a>;
}

impl Account {
    /// `ServiceAccount namespace/name`, for messages.
    pub(crate) fn shown(&self) -> String {
        format!("ServiceAccount {}/{}", self.namespace, self.name)
    }

    /// The audiences of its tokens: those that it asks for, or the one that is usual.
    pub(crate) fn audiences(&self, usual: impl FnOnce() -> String) -> Vec<String> {
        if self.wish.audiences.is_empty() { vec![usual()] } else { self.wish.audiences.clone() }
    }

    /// A fresh token. `usual` is the audience where the account does not say.
    pub(crate) async fn token(&self, usual: impl FnOnce() -> String) -> Result<AccountToken, IdentityError> {
        self.tokens.token(&self.audiences(usual), self.wish.expiration).await
    }
}
