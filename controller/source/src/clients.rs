//! Clients of registries, shared by all runs: sockets by connection, tokens by tenant.
//!
//! ```text
//! connection (CA, certificate, key, proxy, insecure) ──► client without logins: all tenants that are anonymous
//!        ├── namespace + its pull Secrets ──► client with those logins: that tenant only, same sockets
//!        └── an identity, and what its account asks for ──► likewise
//! ```

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use oci_artifact::name::Cloud;
use oci_identity::account::Wish;
use oci_registry::{
    Client, Options, Proxies,
    auth::{Anonymous, CredentialSource},
    web::Web,
};

use crate::{connection::Connection, fingerprint::Fingerprint, pool::Pool};

/// Connections that are kept.
const CONNECTIONS: usize = 64;
/// Logins that are kept.
const LOGINS: usize = 1_024;
/// How long what nobody uses is kept.
const IDLE: Duration = Duration::from_mins(15);

/// Whose logins.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Tenant {
    /// Those of a namespace, from the pull Secrets of these names.
    Secrets(String, Vec<String>),
    /// Those of this process.
    Process(Cloud),
    /// Those of an account, as it wants them.
    Account { namespace: String, name: String, wish: Wish },
}

/// A client, and the fingerprint of the Secrets that it was made from.
type Fresh = (Option<Fingerprint>, Client);

/// All clients.
pub(crate) struct Clients {
    options: Options,
    connections: Mutex<Pool<Fingerprint, Client>>,
    /// Changed Secrets take the place of the old ones, whose tokens go.
    logins: Mutex<Pool<(Fingerprint, Tenant), Fresh>>,
    /// Ways to token services, by the object's proxy.
    webs: Mutex<Pool<Option<Fingerprint>, Arc<Web>>>,
}

impl Clients {
    /// No clients yet. `options` are for all; certificates and credentials in them are not used, nor the proxies where
    /// the connection has one.
    pub(crate) fn new(options: Options) -> Self {
        Self {
            options,
            connections: Mutex::new(Pool::new(CONNECTIONS, IDLE)),
            logins: Mutex::new(Pool::new(LOGINS, IDLE)),
            webs: Mutex::new(Pool::new(CONNECTIONS, IDLE)),
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
            proxies: self.proxies(connection),
            insecure: connection.insecure,
            credentials: Arc::new(Anonymous),
            ..self.options.clone()
        });
        connections.put(connection.key, client.clone(), now);
        client
    }

    /// The client of a tenant, whose logins come from what `source` makes.
    pub(crate) fn tenant<S: CredentialSource + 'static>(
        &self,
        connection: &Connection,
        tenant: Tenant,
        fingerprint: Option<Fingerprint>,
        now: Instant,
        source: impl FnOnce() -> Arc<S>,
    ) -> Client {
        // Asked for every time, so that it stays for as long as its logins do.
        let base = self.anonymous(connection, now);
        let tenant = (connection.key, tenant);
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, client)) = logins.get(&tenant, now)
            && *known == fingerprint
        {
            return client.clone();
        }
        let client = base.with_credentials(source());
        logins.put(tenant, (fingerprint, client.clone()), now);
        client
    }

    /// The way to token services, which is that of the connection but for its certificates, and what tells it apart.
    pub(crate) fn web(&self, connection: &Connection, now: Instant) -> (Arc<Web>, Option<String>) {
        let key = connection.proxy_key;
        let mut webs = self.webs.lock().unwrap_or_else(PoisonError::into_inner);
        let web = webs.get(&key, now).cloned().unwrap_or_else(|| {
            let options = Options { proxies: self.proxies(connection), ..self.options.clone() };
            let web = Arc::new(Web::new(&options));
            webs.put(key, Arc::clone(&web), now);
            web
        });
        (web, key.map(Fingerprint::hex))
    }

    fn proxies(&self, connection: &Connection) -> Proxies {
        connection.proxy.clone().map_or_else(|| self.options.proxies.clone(), Proxies::only)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::material::{Material, tests::secret};

    #[test]
    fn web_is_that_of_the_proxy_and_told_apart_by_it() {
        let clients = Clients::new(Options::default());
        let web = |data: &[(&str, &str)]| {
            let proxy = (!data.is_empty()).then(|| secret("Opaque", data));
            let connection = Connection::read(&Material { proxy, ..Material::default() }, false).unwrap();
            clients.web(&connection, Instant::now())
        };
        let address = ("address", "http://proxy.example:3128");
        let all = [
            web(&[]),
            web(&[address]),
            web(&[("address", "http://other.example:3128")]),
            web(&[address, ("username", "robot")]),
            web(&[address, ("username", "robot"), ("password", "s3cret-pass")]),
        ];
        for (index, (one, way)) in all.iter().enumerate() {
            for (other, another) in &all[index + 1..] {
                assert!(!Arc::ptr_eq(one, other) && way != another, "{index}");
            }
            assert!(way.as_ref().is_none_or(|way| !way.contains("s3cret")));
        }
        assert!(Arc::ptr_eq(&web(&[address]).0, &all[1].0) && web(&[address]).1 == all[1].1);
    }
}
