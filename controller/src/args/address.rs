//! Addresses as Go writes them, and where artifacts are found.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

/// Where to listen: `:9090`, `127.0.0.1:9090`, `[::]:9090`, `localhost:9090`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    host: Host,
    port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    /// No host: all addresses, and `localhost` where artifacts are found.
    Any,
    Localhost,
    Ip(IpAddr),
}

impl Listen {
    /// What to bind. Without a host, and where the computer has no IPv6, `0.0.0.0` is what is meant.
    pub fn socket(&self) -> SocketAddr {
        let ip = match self.host {
            Host::Any => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            Host::Localhost => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Host::Ip(ip) => ip,
        };
        SocketAddr::new(ip, self.port)
    }
}

impl FromStr for Listen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = text.rsplit_once(':').ok_or("a port is missing, such as in `:9090`")?;
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|_| digits).ok_or("the port is no number up to 65535")?;
        let host = match host {
            "" => Host::Any,
            "localhost" => Host::Localhost,
            host => {
                Host::Ip(ip(host).ok_or("the host is no IP address; [ ] belong around one of version 6")?)
            }
        };
        Ok(Self { host, port })
    }
}

/// An address; with brackets exactly if it is one of version 6.
fn ip(text: &str) -> Option<IpAddr> {
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.parse().ok().map(IpAddr::V6),
        None => text.parse().ok().map(IpAddr::V4),
    }
}

/// Where artifacts are found, from what is advertised, or else from where they are served on the computer `host`. A
/// scheme that is given counts.
pub(super) fn advertised(scheme: &str, given: Option<&str>, listen: &Listen, host: &str) -> String {
    let given = given.map(|given| given.trim_end_matches('/'));
    match given {
        Some(given) if given.starts_with("http://") || given.starts_with("https://") => given.to_owned(),
        Some(given) => format!("{scheme}://{given}"),
        None => {
            let port = listen.port;
            match listen.host {
                Host::Any | Host::Localhost => format!("{scheme}://localhost:{port}"),
                Host::Ip(ip) if ip.is_unspecified() => format!("{scheme}://{host}:{port}"),
                Host::Ip(ip) => format!("{scheme}://{}", SocketAddr::new(ip, port)),
            }
        }
    }
}
