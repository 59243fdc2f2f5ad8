//! Keys of pull Secrets: which repositories an entry is for.

use oci_artifact::name::Repository;

/// How the kubelet knows Docker Hub.
const DOCKER_HUB: &str = "index.docker.io";

/// `host[:port][/path]` without scheme and API path. Compared byte by byte, as the kubelet sorts its keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(String);

impl Key {
    /// Reads a key; `None` if it can name no host.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        if host.is_empty() || !host.bytes().all(is_host_byte) {
            return None;
        }
        let host = host.to_ascii_lowercase();
        // The kubelet knows the first name only; people write the second, and mean the same.
        let host = if host == "docker.io" { DOCKER_HUB } else { &host };
        let path = match path {
            "/v1" | "/v2" => "",
            _ => path.strip_prefix("/v1/").or_else(|| path.strip_prefix("/v2/")).unwrap_or(path),
        };
        let path = path.strip_prefix('/').unwrap_or(path);
        let slash = if path.is_empty() { "" } else { "/" };
        Some(Self(format!("{host}{slash}{path}")))
    }

    /// Whether the entry is for this repository.
    pub(super) fn fits(&self, repository: &Repository) -> bool {
        let (host, path) = self.0.split_once('/').unwrap_or((&self.0, ""));
        let (name, port) = split_port(host);
        let wanted = repository.host();
        let wanted_name = if wanted.is_docker_hub() { DOCKER_HUB } else { wanted.name() };
        port == wanted.port().map(|port| port.to_string()).as_deref()
            && name.split('.').count() == wanted_name.split('.').count()
            && name.split('.').zip(wanted_name.split('.')).all(|(glob, label)| fits_label(glob, label))
            && repository.path().starts_with(path)
    }
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".-_:[]*".contains(&byte)
}

/// Name and port; the colons inside the brackets of an IPv6 address are no port's.
fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    }
}

/// Whether a label fits a glob, in which `*` is any text: the parts between the stars must follow each other.
fn fits_label(glob: &str, label: &str) -> bool {
    let mut parts = glob.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = label.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}
