//! What goes past the environment's proxies: this very computer, and what `NO_PROXY` lists.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Host and port of a request.
pub(super) struct Destination<'a> {
    host: Place<'a>,
    port: String,
}

enum Place<'a> {
    /// An address in IPv6 that stands for one in IPv4 is that.
    Address(IpAddr),
    /// In lower case and ASCII.
    Name(&'a str),
}

impl<'a> Destination<'a> {
    /// `None` for a URL that leads nowhere.
    pub(super) fn of(url: &'a Url) -> Option<Self> {
        let host = match url.host()? {
            Host::Ipv4(address) => Place::Address(address.into()),
            Host::Ipv6(address) => Place::Address(IpAddr::from(address).to_canonical()),
            Host::Domain(name) => Place::Name(name),
        };
        Some(Self { host, port: url.port_or_known_default()?.to_string() })
    }

    /// `localhost` as it stands, without a dot or a name before it, and loopback addresses.
    pub(super) fn is_this_computer(&self) -> bool {
        match self.host {
            Place::Address(address) => address.is_loopback(),
            Place::Name(name) => name == "localhost",
        }
    }
}

/// The list of `NO_PROXY`.
#[derive(Clone, Debug, Default)]
pub(super) struct Exceptions(Vec<Exception>);

#[derive(Clone, Debug)]
enum Exception {
    Everything,
    Network {
        /// The first address.
        first: IpAddr,
        prefix: u32,
    },
    Address {
        address: IpAddr,
        port: Port,
    },
    Domain {
        /// With a dot in front.
        below: String,
        itself: bool,
        port: Port,
    },
}

/// A port as it stands there; empty for all.
#[derive(Clone, Debug)]
struct Port(String);

impl Port {
    fn is(&self, port: &str) -> bool {
        self.0.is_empty() || self.0 == port
    }
}

impl Exceptions {
    /// Reads the list. What makes no sense is passed over.
    pub(super) fn parse(list: &str) -> Self {
        Self(list.split(',').filter_map(Exception::parse).collect())
    }

    pub(super) fn have(&self, destination: &Destination<'_>) -> bool {
        self.0.iter().any(|exception| exception.has(destination))
    }
}

impl Exception {
    fn parse(text: &str) -> Option<Self> {
        // Letter by letter, without the special cases of whole words.
        let text: String = text.trim().chars().filter_map(|c| c.to_lowercase().next()).collect();
        if text == "*" {
            return Some(Self::Everything);
        }
        if let Some(network) = network(&text) {
            return Some(network);
        }
        // An address in brackets needs a port: without, it is a name that nobody has.
        let (host, port) = host_and_port(&text).unwrap_or((&text, ""));
        let port = Port(port.to_owned());
        if let Ok(address) = host.parse::<IpAddr>() {
            return Some(Self::Address { address: address.to_canonical(), port });
        }
        let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        let (name, itself) = match host.strip_prefix('.') {
            Some(name) => (name, false),
            None if host.is_empty() => return None,
            None => (host, true),
        };
        Some(Self::Domain { below: format!(".{}", ascii(name)), itself, port })
    }

    fn has(&self, destination: &Destination<'_>) -> bool {
        match (self, &destination.host) {
            (Self::Everything, _) => true,
            (Self::Network { first, prefix }, Place::Address(address)) => {
                first.is_ipv4() == address.is_ipv4() && *first == cut(*address, *prefix)
            }
            (Self::Address { address, port }, Place::Address(other)) => {
                address == other && port.is(&destination.port)
            }
            (Self::Domain { below, itself, port }, Place::Name(name)) => {
                let same = *itself && below.strip_prefix('.') == Some(name);
                (same || name.ends_with(below)) && port.is(&destination.port)
            }
            _ => false,
        }
    }
}

/// `address/prefix`.
fn network(text: &str) -> Option<Exception> {
    let (address, prefix) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let digits = prefix.bytes().all(|byte| byte.is_ascii_digit());
    let prefix: u32 = prefix.parse().ok().filter(|_| digits)?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    if prefix > longest {
        return None;
    }
    let first = cut(address, prefix);
    let canonical = first.to_canonical();
    // Nothing shorter leaves an address in IPv6 that stands for one in IPv4.
    let prefix = if canonical == first { prefix } else { prefix.saturating_sub(96) };
    Some(Exception::Network { first: canonical, prefix })
}

/// The first address of the network with this prefix, which is not longer than the address.
fn cut(address: IpAddr, prefix: u32) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(prefix)).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(prefix)).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

/// `host:port` or `[host]:port`, where the host has no colon without brackets, and brackets stand nowhere else.
fn host_and_port(text: &str) -> Option<(&str, &str)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(inside) => {
            let (host, rest) = inside.split_once(']')?;
            (host, rest.strip_prefix(':')?)
        }
        None => text.rsplit_once(':').filter(|(host, _)| !host.contains(':'))?,
    };
    let odd = |part: &str| part.contains(['[', ']']);
    (!odd(host) && !odd(port) && !port.contains(':')).then_some((host, port))
}

/// A name as it stands in URLs; as it is, if it cannot stand there.
fn ascii(name: &str) -> String {
    if !name.is_ascii()
        && let Ok(Host::Domain(name)) = Host::parse(name)
    {
        return name;
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excepted(list: &str, url: &str) -> bool {
        let url = url.parse().unwrap();
        Exceptions::parse(list).have(&Destination::of(&url).unwrap())
    }

    #[test]
    fn exceptions_that_hold() {
        for (list, url) in [
            ("*", "https://r.example"),
            ("a, * ,b", "https://10.1.2.3"),
            ("r.example", "https://r.example"),
            ("r.example", "https://a.b.R.example:5000"),
            (" ,x, R.Example ", "https://r.example"),
            (".example", "https://r.example"),
            ("*.example", "https://r.example"),
            ("r.example:443", "https://r.example"),
            ("r.example:5000", "http://sub.r.example:5000"),
            ("r.example.", "https://r.example."),
            ("m\u{fc}nchen.example", "https://M\u{dc}NCHEN.example"),
            ("10.1.2.3", "https://10.1.2.3"),
            ("10.1.2.3:443", "https://10.1.2.3"),
            ("10.0.0.0/8", "https://10.1.2.3:5000"),
            ("10.9.9.9/08", "https://10.1.2.3"),
            ("::ffff:10.0.0.0/104", "https://10.1.2.3"),
            ("10.1.2.3", "https://[::ffff:10.1.2.3]"),
            ("fd00::1", "https://[FD00::1]"),
            ("[fd00::1]:443", "https://[fd00::1]"),
            ("fd00::/8", "https://[fd00::1]"),
        ] {
            assert!(excepted(list, url), "{list} {url}");
        }
    }

    #[test]
    fn exceptions_that_do_not() {
        for (list, url) in [
            ("", "https://r.example"),
            (",,", "https://r.example"),
            ("r.example", "https://other-r.example"),
            ("r.example", "https://r.example."),
            (".r.example", "https://r.example"),
            ("*.r.example", "https://r.example"),
            ("*example", "https://r.example"),
            ("r.example other.example", "https://r.example"),
            ("r.example:80", "https://r.example"),
            ("r.example:0443", "https://r.example"),
            ("https://r.example", "https://r.example"),
            (":443", "https://r.example"),
            ("10.1.2.3:80", "https://10.1.2.3"),
            ("10.1.2", "https://10.1.2.3"),
            ("1.2.3", "https://10.1.2.3"),
            ("10.0.0.0/33", "https://10.1.2.3"),
            ("10.0.0.0/+8", "https://10.1.2.3"),
            ("10.0.0.0/8:443", "https://10.1.2.3"),
            ("::/0", "https://10.1.2.3"),
            ("0.0.0.0/0", "https://[fd00::1]"),
            ("[fd00::1]", "https://[fd00::1]"),
        ] {
            assert!(!excepted(list, url), "{list} {url}");
        }
    }

    #[test]
    fn this_computer_is_known_by_its_plain_names_only() {
        let is_this = |url: &str| Destination::of(&url.parse().unwrap()).unwrap().is_this_computer();
        for url in
            ["http://localhost:5000", "https://127.9.9.9", "https://[::1]:1", "https://[::ffff:127.0.0.1]"]
        {
            assert!(is_this(url), "{url}");
        }
        for url in ["https://localhost.", "https://r.localhost", "https://0.0.0.0", "https://10.0.0.1"] {
            assert!(!is_this(url), "{url}");
        }
    }
}
