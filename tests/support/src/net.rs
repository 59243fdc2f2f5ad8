//! Addresses that misbehave below HTTP: one that refuses, one that never accepts.

use std::net::{SocketAddr, TcpListener, TcpStream};

/// `127.0.0.1:PORT` of a port that refuses connections (it was free a moment ago).
pub fn refused() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// A port that listens and never reads: connections succeed, then nothing comes.
#[derive(Debug)]
pub struct Silent {
    listener: TcpListener,
}

impl Silent {
    /// Listens on a free port of the loopback interface.
    pub fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.address().to_string()
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }
}

/// Whether somebody accepts connections there.
pub fn is_open(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_address_refuses() {
        assert!(!is_open(refused().parse().unwrap()));
        assert!(is_open(Silent::start().address()) || cfg!(not(unix)));
    }
}
