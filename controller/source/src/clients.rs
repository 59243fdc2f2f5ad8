//! Clients of registries, shared by all runs: sockets by connection, tokens by tenant.
//!
//! ```text
//! connection (CA, certificate, key, proxy, insecure) ──► client without logins: all tenants that are anonymous
//!        └── namespace + its pull Secrets ──► client with those logins: that tenant only, same sockets
//! ```

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use oci_registry::{Client, Options, Proxies, auth::Anonymous};

use crate::{connection::Connection, credentials::PullSecrets, fingerprint::Fingerprint, pool::Pool};

/// Connections that are kept.
const CONNECTIONS: usize = 64;
/// Logins that are kept.
const LOGINS: usize = 1_024;
/// How long what nobody uses is kept.
const IDLE: Duration = Duration::from_mins(15);

/// Whose logins: connection, namespace and the names of the pull Secrets.
type Tenant = (Fingerprint, String, Vec<String>);

/// All clients.
pub(crate) struct Clients {
    options: Options,
    connections: Mutex<Pool<Fingerprint, Client>>,
    /// With the fingerprint of the Secrets' bytes: changed Secrets take the place of the old ones, whose tokens go.
    logins: Mutex<Pool<Tenant, (Fingerprint, Client)>>,
}

impl Clients {
    /// No clients yet. `options` are for all; certificates and credentials in them are not used, nor the proxies where
    /// the connection has one.
    pub(crate) fn new(options: Options) -> Self {
        Self {
            options,
            connections: Mutex::new(Pool::new(CONNECTIONS, IDLE)),
            logins: Mutex::new(Pool::new(LOGINS, IDLE)),
        }
    }

    /// The client for everybody who connects in this way and shows nothing.
    pub(crate) fn anonymous(&self, connection: &Connection, now: Instant) -> Client {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = connections.get(&connection.key, now) {
            return known.clone();
        }
        let client = Client::new(Options {
            tls: connection.tls.clone(),
            proxies: connection.proxy.clone().map_or_else(|| self.options.proxies.clone(), Proxies::only),
            insecure: connection.insecure,
            credentials: Arc::new(Anonymous),
            ..self.options.clone()
        });
        connections.put(connection.key, client.clone(), now);
        client
    }

    /// The client of a namespace with these pull Secrets.
    pub(crate) fn tenant(
        &self,
        connection: &Connection,
        namespace: &str,
        secrets: PullSecrets,
        now: Instant,
    ) -> Client {
        let tenant = (connection.key, namespace.to_owned(), secrets.origins.clone());
        let fingerprint = secrets.fingerprint;
        // Asked for every time, so that it stays for as long as its logins do.
        let base = self.anonymous(connection, now);
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, client)) = logins.get(&tenant, now)
            && *known == fingerprint
        {
            return client.clone();
        }
        let client = base.with_credentials(Arc::new(secrets));
        logins.put(tenant, (fingerprint, client.clone()), now);
        client
    }
}
