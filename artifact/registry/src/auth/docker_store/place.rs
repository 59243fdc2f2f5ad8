//! What somebody logs in to: a registry, or the repositories below a path of it.

use std::fmt;

use oci_artifact::{
    Class, Classify,
    name::{Host, Repository},
};

use super::super::docker_config::{Place, shown};

/// What a repository is called that nobody asks for.
const STAND_IN: &str = "login";

/// A registry, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginPlace {
    place: Place,
    below: Repository,
}

/// Why a text names no such place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no registry: {1}")]
pub struct PlaceFault(String, String);

impl Classify for PlaceFault {
    fn reason(&self) -> &'static str {
        "RegistryInvalid"
    }

    fn class(&self) -> Class {
        Class::Terminal
    }

    fn hint(&self) -> Option<String> {
        Some("write it like `ghcr.io`, `localhost:5000` or, for a part of it, `quay.io/org`".into())
    }
}

impl LoginPlace {
    /// Reads `host`, `host/path`, either with `oci://`, `https://` or `http://` in front, or Docker Hub's legacy URL.
    pub fn parse(text: &str) -> Result<Self, PlaceFault> {
        let text = text.trim();
        let bare = text.strip_prefix("oci://").unwrap_or(text);
        let fault = |shown: &str, why: &str| Err(PlaceFault(shown.to_owned(), why.to_owned()));
        if bare.contains('@') {
            // What stands before it may be a password.
            return fault("…@…", "a user is given with `--username`, and a digest has no login of its own");
        }
        if bare.contains(['?', '#']) {
            return fault(
                &shown(bare.split(['?', '#']).next().unwrap_or_default()),
                "it has a query or a fragment",
            );
        }
        let Some((place, _)) = Place::parse(bare) else {
            let host = bare.trim_start_matches("https://").trim_start_matches("http://");
            let host = host.split('/').next().unwrap_or_default();
            let why =
                Host::parse(host).err().map_or_else(|| "it has no host".to_owned(), |why| why.to_string());
            return fault(&shown(text), &why);
        };
        let slash = if place.path.is_empty() { "" } else { "/" };
        match Repository::parse(&format!("{}/{}{slash}{STAND_IN}", place.host, place.path)) {
            Ok(below) => Ok(Self { place, below }),
            Err(why) => fault(&shown(text), &why.to_string()),
        }
    }

    /// A repository below the place, for what is asked about repositories only. It need not exist.
    pub fn below(&self) -> &Repository {
        &self.below
    }

    /// The registry.
    pub fn host(&self) -> &Host {
        &self.place.host
    }

    /// What stands before the names of the repositories; empty for all of the registry's.
    pub fn path(&self) -> &str {
        &self.place.path
    }

    /// The key under which docker (or, with a path, podman) keeps the login.
    pub(super) fn key(&self) -> String {
        if self.place.path.is_empty() {
            self.server()
        } else {
            format!("{}/{}", self.place.host, self.place.path)
        }
    }

    /// What helpers know the registry by.
    pub(super) fn server(&self) -> String {
        super::super::docker_config::server(&self.place.host)
    }

    /// Whether a key of `auths` is one for exactly this place, in any of the forms that clients wrote.
    pub(super) fn is_named_by(&self, key: &str) -> bool {
        Place::parse(key).is_some_and(|(place, _)| place == self.place)
    }
}

/// `docker.io` for Docker Hub.
impl fmt::Display for LoginPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place.host)?;
        if self.place.path.is_empty() { Ok(()) } else { write!(f, "/{}", self.place.path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_is_read_in_every_form() {
        for (text, name, key) in [
            ("ghcr.io", "ghcr.io", "ghcr.io"),
            ("oci://GHCR.io/", "ghcr.io", "ghcr.io"),
            ("https://ghcr.io/v2/", "ghcr.io", "ghcr.io"),
            ("http://localhost:5000", "localhost:5000", "localhost:5000"),
            ("docker.io", "docker.io", "https://index.docker.io/v1/"),
            ("https://index.docker.io/v1/", "docker.io", "https://index.docker.io/v1/"),
            ("registry-1.docker.io", "docker.io", "https://index.docker.io/v1/"),
            ("quay.io/org/team/", "quay.io/org/team", "quay.io/org/team"),
            ("docker.io/org", "docker.io/org", "docker.io/org"),
            ("[::1]:5000", "[::1]:5000", "[::1]:5000"),
        ] {
            let place = LoginPlace::parse(text).unwrap();
            assert_eq!((place.to_string(), place.key()), (name.to_owned(), key.to_owned()), "{text}");
        }
    }

    #[test]
    fn place_refuses_what_is_no_registry() {
        for text in
            ["", "/", "a b", "oci://", "quay.io/Org", "quay.io/a//b", "quay.io/app:v1", "r.example?x", "::1"]
        {
            assert!(LoginPlace::parse(text).is_err(), "{text:?}");
        }
        let fault = LoginPlace::parse("oci://u:hunter2@r.example").unwrap_err().to_string();
        assert!(!fault.contains("hunter2"), "{fault}");
    }

    #[test]
    fn place_knows_its_keys_and_no_others() {
        let hub = LoginPlace::parse("docker.io").unwrap();
        for key in
            ["https://index.docker.io/v1/", "docker.io", "index.docker.io", "https://registry-1.docker.io"]
        {
            assert!(hub.is_named_by(key), "{key}");
        }
        let host = LoginPlace::parse("r.example").unwrap();
        for key in ["r.example", "https://r.example", "http://r.example/v2/", "R.example/"] {
            assert!(host.is_named_by(key), "{key}");
        }
        for key in ["r.example:443", "r.example/org", "x.r.example", "docker.io", ""] {
            assert!(!host.is_named_by(key), "{key}");
        }
    }
}
