//! What a token is kept by: everything that it depends on, so that nobody gets another's.

use sha2::{Digest as _, Sha256};

/// The SHA-256 of all parts.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key([u8; 32]);

/// The parts in their order: those of Flux 1.10.1 (`provider`, `credentialProvider`, `audiences`, …), and the user's name
/// and the expiration, which Flux leaves out so that edits of them have no effect for an hour.
#[derive(Default)]
pub(crate) struct Parts(Sha256);

impl Parts {
    /// With one more part; an absent one is not an empty one.
    #[must_use]
    pub(crate) fn with<'a>(mut self, name: &str, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            for text in [name, value] {
                self.0.update((text.len() as u64).to_be_bytes());
                self.0.update(text);
            }
        }
        self
    }

    /// With the key of what this is made from.
    #[must_use]
    pub(crate) fn on(mut self, key: Key) -> Self {
        self.0.update(key.0);
        self
    }

    pub(crate) fn key(self) -> Key {
        Key(self.0.finalize().into())
    }
}
