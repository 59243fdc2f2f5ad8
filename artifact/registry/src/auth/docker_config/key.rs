//! Keys of `auths` and `credHelpers`: which repositories an entry is for.

use oci_artifact::name::Host;

/// The key under which `docker login` stores Docker Hub, and what helpers know it by.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// A registry, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::auth) struct Place {
    /// The registry; Docker Hub under one name.
    pub(in crate::auth) host: Host,
    /// Components of repository names; empty for the whole registry.
    pub(in crate::auth) path: String,
}

impl Place {
    /// Reads a key, and how good it is beside other keys for the same place (lower is better): what docker itself
    /// writes wins over older and hand-written forms. `None` if it names no host.
    ///
    /// The API paths `/v1` and `/v2` of legacy URLs are no part of a repository's name. Any other path is kept, also
    /// after a scheme: widening `https://host/org` to the host would send a secret further than its owner said.
    pub(in crate::auth) fn parse(key: &str) -> Option<(Self, u8)> {
        let (rest, rank) = match (key.strip_prefix("https://"), key.strip_prefix("http://")) {
            (Some(rest), _) => (rest, if key == DOCKER_HUB { 0 } else { 2 }),
            (None, Some(rest)) => (rest, 3),
            (None, None) => (key, 1),
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.trim_matches('/');
        let path = match path.split_once('/').unwrap_or((path, "")) {
            ("v1" | "v2", rest) if rank != 1 || rest.is_empty() => rest,
            _ => path,
        };
        let host = canonical(&Host::parse(host).ok()?);
        Some((Self { host, path: path.to_owned() }, rank))
    }
}

/// Docker Hub's names are one registry.
pub(in crate::auth) fn canonical(host: &Host) -> Host {
    let hub = if host.is_docker_hub() { Host::parse("docker.io").ok() } else { None };
    hub.unwrap_or_else(|| host.clone())
}

/// What a helper is asked for.
pub(in crate::auth) fn server(host: &Host) -> String {
    if host.is_docker_hub() { DOCKER_HUB.to_owned() } else { host.to_string() }
}
