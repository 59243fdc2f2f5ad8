//! Free ports.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Where the parts listen.
pub(crate) struct Ports {
    pub(crate) webhook: SocketAddr,
    pub(crate) operations: SocketAddr,
    pub(crate) storage: SocketAddr,
    pub(crate) metrics: SocketAddr,
    pub(crate) health: SocketAddr,
}

impl Ports {
    /// All at once, or one port could be given twice.
    pub(crate) fn free() -> std::io::Result<Self> {
        let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let all = [bind()?, bind()?, bind()?, bind()?, bind()?];
        let [webhook, operations, storage, metrics, health] =
            all.map(|listener| listener.local_addr().unwrap_or_else(|_| (Ipv4Addr::LOCALHOST, 0).into()));
        Ok(Self { webhook, operations, storage, metrics, health })
    }
}
