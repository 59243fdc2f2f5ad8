//! Credential helpers: programs `docker-credential-<name>` that keep secrets for docker.
//!
//! Protocol: docker-credential-helpers, `get` and `erase` (server on stdin), `store` (JSON on stdin). A helper runs with the user's rights
//! and environment, so it is only ever started for names from the user's own files, never for a stranger's.

mod error;
mod keep;
mod run;

use std::{collections::HashMap, ffi::OsString, sync::Arc, time::Duration};

use tokio::sync::{Mutex, OnceCell};

pub(super) use self::keep::{erase, store};
pub use self::{error::HelperError, run::get};
use super::Credential;

/// How long a helper may take; some ask the user for a passphrase.
pub const HELPER_DEADLINE: Duration = Duration::from_secs(30);

type Answer = Arc<OnceCell<Option<Credential>>>;

/// Runs helpers and keeps their answers: each is started once per server for the life of this value. Failures are not
/// kept.
pub struct Helpers {
    path: OsString,
    deadline: Duration,
    answers: Mutex<HashMap<(String, String), Answer>>,
}

impl Helpers {
    /// Looks for helpers in the directories of `path` (the form of `$PATH`).
    pub fn new(path: OsString, deadline: Duration) -> Self {
        Self { path, deadline, answers: Mutex::default() }
    }

    /// What `docker-credential-<program>` has for `server`. Parallel questions wait for one process.
    pub async fn get(&self, program: &str, server: &str) -> Result<Option<Credential>, HelperError> {
        let key = (program.to_owned(), server.to_owned());
        let answer = Arc::clone(self.answers.lock().await.entry(key).or_default());
        answer.get_or_try_init(|| get(program, server, self.deadline, &self.path)).await.cloned()
    }
}

/// The search path and the deadline; the answers are secrets.
impl std::fmt::Debug for Helpers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Helpers")
            .field("path", &self.path)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(in crate::auth) mod tests;
