//! The public keys of a policy: the `*.pub` entries of a Secret.
//!
//! As in Flux every such entry is a key and one that made the signature is enough. Unlike there they are tried in the
//! order of their names, and one that cannot be used is told and does not stop the others.

mod error;

pub use error::{KeyError, KeyFault};
use oci_artifact::limits::{PUBLIC_KEY_BYTES, PUBLIC_KEYS};

use crate::{pem, sigstore::PublicKey};

/// The ending of an entry's name.
const ENDING: &str = ".pub";

/// The keys of a policy.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    usable: Vec<(String, PublicKey)>,
    faults: Vec<KeyFault>,
}

impl Keys {
    /// Reads the entries whose names end in `.pub`.
    pub fn read<'a>(entries: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        Self::named(entries.into_iter().filter(|(name, _)| name.ends_with(ENDING)))
    }

    /// Reads entries whatever their names.
    pub fn named<'a>(entries: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_unstable();
        let mut keys = Self::default();
        for (index, (name, bytes)) in entries.into_iter().enumerate() {
            let name = crate::reason::excerpt(name);
            let read = if index < PUBLIC_KEYS { parse(bytes) } else { Err(KeyError::TooMany) };
            match read {
                Ok((key, unread)) => {
                    if unread > 0 {
                        keys.faults.push(KeyFault { name: name.clone(), error: KeyError::Unread(unread) });
                    }
                    keys.usable.push((name, key));
                }
                Err(error) => keys.faults.push(KeyFault { name, error }),
            }
        }
        keys
    }

    /// What could not be used, and why.
    pub fn faults(&self) -> &[KeyFault] {
        &self.faults
    }

    /// The names of the keys that can be used.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.usable.iter().map(|(name, _)| name.as_str())
    }

    /// The first key that made `signature` over `message`: its name, and its kind with the hash.
    pub(crate) fn made(&self, message: &[u8], signature: &[u8]) -> Option<(&str, &'static str)> {
        self.usable.iter().find_map(|(name, key)| Some((name.as_str(), key.made(message, signature)?)))
    }

    /// Each key with its kind, for people.
    pub(crate) fn described(&self) -> Vec<String> {
        self.usable.iter().map(|(name, key)| format!("`{name}` ({})", key.kind())).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.usable.is_empty()
    }
}

/// The first block, as Go's `pem.Decode` has it, and how many stand behind it.
fn parse(bytes: &[u8]) -> Result<(PublicKey, usize), KeyError> {
    if bytes.len() > PUBLIC_KEY_BYTES {
        return Err(KeyError::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| KeyError::NoPem)?;
    let mut blocks = pem::blocks(text);
    let block = blocks.next().ok_or(KeyError::NoPem)?;
    let der = |bytes: Option<Vec<u8>>| bytes.ok_or(KeyError::Base64);
    let key = match block.label {
        "PUBLIC KEY" => PublicKey::from_spki(&der(block.bytes)?)?,
        "RSA PUBLIC KEY" => PublicKey::from_pkcs1(&der(block.bytes)?)?,
        "CERTIFICATE" => return Err(KeyError::Certificate),
        label if label.ends_with("PRIVATE KEY") => return Err(KeyError::PrivateKey),
        label => return Err(KeyError::Label(crate::reason::excerpt(label))),
    };
    Ok((key, blocks.count()))
}
