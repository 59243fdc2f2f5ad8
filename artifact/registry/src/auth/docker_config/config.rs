//! Reading a file, and looking a repository up in it.

use std::collections::BTreeMap;

use oci_artifact::{
    limits::OverBudget,
    name::{Host, Repository},
};
use serde::Deserialize;

use super::{
    CONFIG_BYTES, ConfigError, Stored,
    entry::Entry,
    key::{self, Place},
    shown,
};

/// A parsed file of credentials.
#[derive(Clone, Debug)]
pub struct DockerConfig {
    origin: String,
    auths: BTreeMap<Place, Entry>,
    helpers: BTreeMap<Host, String>,
    store: Option<String>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    auths: Option<BTreeMap<String, serde_json::Value>>,
    #[serde(default, rename = "credHelpers")]
    helpers: Option<BTreeMap<String, Option<String>>>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
}

impl DockerConfig {
    /// Parses a file; `origin` is its name, for messages.
    pub fn parse(bytes: &[u8], origin: &str) -> Result<Self, ConfigError> {
        let origin = shown(origin);
        if bytes.len() as u64 > CONFIG_BYTES {
            let source = OverBudget { what: "the file", limit: CONFIG_BYTES };
            return Err(ConfigError::Large { origin, source });
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        // An empty file is what `touch` and some provisioning tools leave; docker reads it as "no entries".
        let file: File = if bytes.trim_ascii().is_empty() {
            File { auths: None, helpers: None, store: None }
        } else {
            serde_json::from_slice(bytes).map_err(|error| ConfigError::json(&origin, &error))?
        };
        let mut auths: BTreeMap<Place, (u8, Entry)> = BTreeMap::new();
        for (key, value) in file.auths.unwrap_or_default() {
            let entry = Entry::parse(&value).map_err(|source| ConfigError::Entry {
                origin: origin.clone(),
                key: shown(&key),
                source,
            })?;
            // A key that is no host can never be asked for; an entry without a secret only says "ask the store".
            let (Some((place, rank)), Some(entry)) = (Place::parse(&key), entry) else {
                continue;
            };
            let better = auths.get(&place).is_none_or(|(known, _)| rank < *known);
            if better {
                auths.insert(place, (rank, entry));
            }
        }
        let mut helpers: BTreeMap<Host, (u8, String)> = BTreeMap::new();
        for (key, program) in file.helpers.unwrap_or_default() {
            let (Some((place, rank)), Some(program)) = (Place::parse(&key), program) else {
                continue;
            };
            let better = helpers.get(&place.host).is_none_or(|(known, _)| rank < *known);
            if place.path.is_empty() && better {
                helpers.insert(place.host, (rank, program));
            }
        }
        Ok(Self {
            origin,
            auths: auths.into_iter().map(|(place, (_, entry))| (place, entry)).collect(),
            helpers: helpers.into_iter().map(|(host, (_, program))| (host, program)).collect(),
            store: file.store.filter(|program| !program.is_empty()),
        })
    }

    /// The file's name, for messages.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What the file has for a repository; of several the first of [`Self::candidates`].
    pub fn lookup(&self, repository: &Repository) -> Stored {
        self.candidates(repository).into_iter().next().unwrap_or(Stored::Nothing)
    }

    /// Everything that the file has for a repository, in the order in which it is tried (see the module). Never
    /// contains [`Stored::Nothing`].
    pub fn candidates(&self, repository: &Repository) -> Vec<Stored> {
        let host = key::canonical(repository.host());
        let (path, plain) = self.entries(&host, repository.path());
        let helper = self.helper(&host);
        let helper =
            helper.map(|program| Stored::Helper { program: program.to_owned(), server: key::server(&host) });
        let credential = |entry: &Entry| Stored::Credential(entry.credential.clone());
        path.map(credential).into_iter().chain(helper).chain(plain.map(credential)).collect()
    }

    /// The name of the helper that has the logins of a registry.
    pub(in crate::auth) fn helper(&self, host: &Host) -> Option<&str> {
        let program = self.helpers.get(&key::canonical(host)).or(self.store.as_ref());
        program.map(String::as_str).filter(|program| !program.is_empty())
    }

    /// The entry with the longest path that holds the repository, and the entry of the host.
    fn entries(&self, host: &Host, path: &str) -> (Option<&Entry>, Option<&Entry>) {
        let at = |path: &str| self.auths.get(&Place { host: host.clone(), path: path.into() });
        let parents =
            std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(parent, _)| parent));
        (parents.into_iter().find_map(at), at(""))
    }
}
