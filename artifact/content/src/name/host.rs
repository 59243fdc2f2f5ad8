//! Registry hosts: a DNS name or an IP address, with an optional port.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use super::digest::excerpt;

/// The registry of a repository, as a user types it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host {
    name: Box<str>,
    port: Option<u16>,
}

/// Why a text is no registry host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Nothing where the host should be.
    #[error("the registry host is missing")]
    Missing,
    /// Characters or labels that no host has.
    #[error("registry host `{0}` is not a DNS name or an IP address")]
    Name(String),
    /// Not a number from 1 to 65535.
    #[error("port `{0}` of the registry host is not a number from 1 to 65535")]
    Port(String),
    /// An IPv6 address without brackets.
    #[error("write IPv6 registry hosts in brackets: `[{0}]`")]
    Brackets(String),
}

impl Host {
    /// Parses `name`, `name:port`, `[v6]` or `[v6]:port`. Names are lower-cased, as DNS ignores case.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if text.is_empty() {
            return Err(HostError::Missing);
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            return Err(HostError::Brackets(excerpt(text)));
        }
        let (name, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, rest)) => {
                let address: Ipv6Addr = address.parse().map_err(|_| HostError::Name(excerpt(text)))?;
                let port = match rest.strip_prefix(':') {
                    Some(port) => Some(port),
                    None if rest.is_empty() => None,
                    None => return Err(HostError::Name(excerpt(text))),
                };
                (format!("[{address}]"), port)
            }
            None => match text.split_once(':') {
                Some((name, port)) => (name.to_ascii_lowercase(), Some(port)),
                None => (text.to_ascii_lowercase(), None),
            },
        };
        if !name.starts_with('[') && !is_dns_name(&name) {
            return Err(HostError::Name(excerpt(text)));
        }
        let port = port.map(parse_port).transpose()?;
        Ok(Self { name: name.into(), port })
    }

    /// The name without the port; an IPv6 address keeps its brackets.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port, if one was given.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The address, if the name is one.
    pub fn address(&self) -> Option<IpAddr> {
        self.name.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// Whether the name means this very computer: `localhost`, `*.localhost` or a loopback address.
    pub fn is_loopback(&self) -> bool {
        match self.address() {
            Some(address) => address.is_loopback(),
            None => &*self.name == "localhost" || self.name.ends_with(".localhost"),
        }
    }

    /// Whether this is Docker Hub under one of its names.
    pub fn is_docker_hub(&self) -> bool {
        self.port.is_none() && matches!(&*self.name, "docker.io" | "index.docker.io" | "registry-1.docker.io")
    }
}

/// LDH labels and underscores (some in-cluster names have them), 253 bytes in all; IPv4 addresses pass as names.
fn is_dns_name(name: &str) -> bool {
    let looks_numeric = name.rsplit('.').next().is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()));
    if looks_numeric {
        return name.parse::<Ipv4Addr>().is_ok();
    }
    name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

fn parse_port(text: &str) -> Result<u16, HostError> {
    match text.parse::<u16>() {
        Ok(port) if port > 0 && text.bytes().all(|b| b.is_ascii_digit()) => Ok(port),
        _ => Err(HostError::Port(excerpt(text))),
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_parses_names_addresses_and_ports() {
        for (text, printed) in [
            ("ghcr.io", "ghcr.io"),
            ("GHCR.io", "ghcr.io"),
            ("localhost:5000", "localhost:5000"),
            ("registry", "registry"),
            ("10.0.0.1:443", "10.0.0.1:443"),
            ("[::1]", "[::1]"),
            ("[0:0::1]:5000", "[::1]:5000"),
            ("my_registry.default.svc", "my_registry.default.svc"),
        ] {
            assert_eq!(Host::parse(text).unwrap().to_string(), printed, "{text}");
        }
    }

    #[test]
    fn host_refuses_what_is_none() {
        for text in [
            "",
            "a..b",
            "-a",
            "a-",
            "a:0",
            "a:99999",
            "a:+1",
            "a:",
            "::1",
            "[::1",
            "[::1]x",
            "[fe80::1%eth0]",
            "ex\u{e4}mple",
            "a b",
            "a@b",
            "1.2.3",
            "256.1.1.1",
            "user:pw@host",
        ] {
            assert!(Host::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn host_knows_loopback() {
        for text in ["localhost", "a.localhost:1", "127.0.0.1", "127.9.9.9:5000", "[::1]:5000"] {
            assert!(Host::parse(text).unwrap().is_loopback(), "{text}");
        }
        for text in ["ghcr.io", "10.0.0.1", "localhost.example", "[::2]"] {
            assert!(!Host::parse(text).unwrap().is_loopback(), "{text}");
        }
    }
}
