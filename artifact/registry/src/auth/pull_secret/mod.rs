//! Credentials in a Kubernetes pull Secret, found as the kubelet (and so Flux) finds them.
//!
//! A key is `host`, `host:port` or either with a path in front of which repositories stand, with or without a scheme.
//! The API paths `/v1` and `/v2` of legacy URLs do not count. In the host `*` stands for a part of one DNS label, never
//! for a dot; ports must be equal; the path is a plain prefix. Keys are tried in reverse byte order, so longer ones
//! before those that they begin with, and names before wildcards; the first that fits decides.
//!
//! A Secret comes from a stranger: helpers (`credHelpers`, `credsStore`) are not even read, and an entry without a
//! credential of its own is no entry.

mod key;

use std::collections::BTreeMap;

use oci_artifact::{limits::OverBudget, name::Repository};
use serde::Deserialize;

use self::key::Key;
use super::{
    ConfigError, Credential, Found,
    docker_config::{Entry, shown},
};

/// Bytes of the value in a Secret; Kubernetes itself takes no more.
pub const PULL_SECRET_BYTES: u64 = 1 << 20;

/// How a Secret's value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullFormat {
    /// `.dockerconfigjson` of the type `kubernetes.io/dockerconfigjson`: the entries are under `auths`.
    DockerConfigJson,
    /// `.dockercfg` of the legacy type `kubernetes.io/dockercfg`: the entries are the whole object.
    DockerCfg,
}

/// The credentials of one Secret.
#[derive(Clone, Debug)]
pub struct PullSecret {
    origin: String,
    /// Tried from the last to the first.
    entries: BTreeMap<Key, Credential>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    auths: Option<BTreeMap<String, serde_json::Value>>,
}

impl PullSecret {
    /// Reads a Secret's value of at most [`PULL_SECRET_BYTES`]; `origin` is its name, for messages.
    ///
    /// # Errors
    ///
    /// Too large, no JSON of this shape, or an entry whose secret cannot be read. Keys that name no host are left out.
    pub fn parse(format: PullFormat, bytes: &[u8], origin: &str) -> Result<Self, ConfigError> {
        let origin = shown(origin);
        if bytes.len() as u64 > PULL_SECRET_BYTES {
            let source = OverBudget { what: "the value", limit: PULL_SECRET_BYTES };
            return Err(ConfigError::Large { origin, source });
        }
        let read = match format {
            PullFormat::DockerConfigJson => {
                serde_json::from_slice::<File>(bytes).map(|file| file.auths.unwrap_or_default())
            }
            PullFormat::DockerCfg => serde_json::from_slice(bytes),
        };
        let mut entries = BTreeMap::new();
        for (text, value) in read.map_err(|error| ConfigError::json(&origin, &error))? {
            let entry = Entry::parse(&value).map_err(|source| ConfigError::Entry {
                origin: origin.clone(),
                key: shown(&text),
                source,
            })?;
            if let (Some(key), Some(entry)) = (Key::parse(&text), entry) {
                // Two ways of writing one key: the kubelet takes any of them, we the first in byte order.
                entries.entry(key).or_insert(entry.credential);
            }
        }
        Ok(Self { origin, entries })
    }

    /// What the Secret has for a repository.
    pub fn credential(&self, repository: &Repository) -> Option<Found> {
        let mut found = self.entries.iter().rev().filter(|(key, _)| key.fits(repository));
        let credential = found.next().map(|(_, credential)| credential.clone())?;
        Some(Found { credential, origin: self.origin.clone(), minted: None })
    }
}

#[cfg(test)]
mod tests;
