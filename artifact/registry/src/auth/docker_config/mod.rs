//! One file of registry credentials, as docker and podman write it.
//!
//! Understood: `auths`, `credHelpers`, `credsStore`. Other keys (`HttpHeaders`, `plugins`, …) are ignored. Nothing is
//! executed or read here: a helper is only named, see [`Helpers`](super::Helpers).
//!
//! The order of a lookup, the more specific first:
//!
//! 1. an entry of `auths` with a path (`host/org/repo`, then `host/org`), as podman writes them;
//! 2. the helper that `credHelpers` names for the host (an empty name switches `credsStore` off for it);
//! 3. the helper that `credsStore` names;
//! 4. the entry of `auths` for the host.
//!
//! Docker stops at the first helper. We go on to what follows when a helper knows nothing, as podman does: a plain
//! entry beside a store that never had it is otherwise a riddle. Helpers are asked for hosts only; no helper knows
//! paths. An entry without a secret is docker's note "it is in the store" and counts as no entry.

mod config;
mod entry;
mod error;
mod key;

use super::Credential;

pub(super) use self::entry::{Entry, basic_or_identity, has_breaks};
pub(super) use self::key::{Place, server};
pub use self::{config::DockerConfig, entry::EntryFault, error::ConfigError};

/// Bytes of a file of credentials.
pub const CONFIG_BYTES: u64 = 4 << 20;

/// What a file has for a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// The credential itself.
    Credential(Credential),
    /// The name of a program that has it.
    Helper {
        /// What follows `docker-credential-` in the program's name; not checked yet.
        program: String,
        /// What the program is asked for.
        server: String,
    },
    /// Nothing.
    Nothing,
}

/// Foreign text for messages: control characters escaped, at most 200 characters.
pub(super) fn shown(text: &str) -> String {
    text.chars()
        .take(200)
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = escaped.is_none().then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

#[cfg(test)]
mod tests;
