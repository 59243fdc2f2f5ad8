//! Signing as Cosign does it: with the key in a file, the two formats that [`verify`](crate::verify) knows.
//!
//! ```text
//! file ── password ──► SigningKey ── digest, annotations ──► Attachment  a bundle, and the manifest that attaches it
//!                          └──────────────────────────────► Payload     the old format: a layer for `sha256-….sig`
//! ```
//!
//! Nothing here reaches a network, a clock or the environment. What is made is verified before it is handed out.

mod attachment;
mod error;
mod file;
mod key;
mod pair;
mod payload;
mod private;
mod sealed;

use std::collections::BTreeMap;

pub use attachment::Attachment;
pub use error::SigningError;
pub use key::SigningKey;
pub use pair::KeyPair;
pub use payload::{Image, Payload};
pub use private::{PrivateKey, SealedKey};

/// What a signer says beside what is signed: `key=value`, part of what is signed.
pub type Notes = BTreeMap<String, String>;
