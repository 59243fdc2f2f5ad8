//! What surrounds the process: the clock, the environment, the API server and ports.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    time::Duration,
};

use jiff::Timestamp;
use kube::{Client, Config, client::ClientBuilder};
use oci_identity::Environment;

use super::Error;
use crate::{
    cluster::{audiences::ClusterAudiences, counting::Counting},
    observe::Metrics,
};

/// A connection to the API server that says nothing for this long is dead. Watches end after 55 seconds by themselves.
const SILENCE: Duration = Duration::from_mins(1);

/// Reads the clock: the one place that does.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Reads the environment: the one place that does.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What of the environment the process's identity in a cloud is read from. Nobody sits here: no file of a person counts,
/// and no program is started.
pub(super) fn environment() -> Environment {
    let all = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let variables = all.filter(|(name, _)| Environment::wants(name)).collect();
    Environment { variables, home: None, path: None, desk: false }
}

/// The way to the API server: by a kubeconfig, or as a pod. And for whom our own tokens are.
pub(super) async fn cluster(metrics: &Metrics) -> Result<(Client, ClusterAudiences), Error> {
    let failed = |error: kube::Error| Error::Cluster(Box::new(error));
    let mut config = Config::infer().await.map_err(|error| failed(kube::Error::InferConfig(error)))?;
    // Whoever calls has a pause of its own; fifteen tries of the client would hold it for minutes.
    config.default_retry = false;
    // Longer than a watch lasts: a connection without a word for this long is dead.
    config.read_timeout = Some(SILENCE);
    config.reset_reader_on_write = true;
    let audiences = ClusterAudiences::of(&config.auth_info, &config.cluster_url.to_string());
    let host = config.cluster_url.authority().map_or("", |authority| authority.as_str());
    let counting = Counting(metrics.requests(host));
    let client = ClientBuilder::try_from(config).map_err(failed)?.with_layer(&counting).build();
    Ok((client, audiences))
}

/// Listens. Where the computer has no IPv6, `[::]` means all addresses that it has.
pub(super) fn bind(flag: &'static str, address: SocketAddr) -> Result<TcpListener, Error> {
    let bound = TcpListener::bind(address).or_else(|source| {
        if address.is_ipv6() && address.ip().is_unspecified() && source.kind() != io::ErrorKind::AddrInUse {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port()))
        } else {
            Err(source)
        }
    });
    bound.map_err(|source| Error::Listen { flag, address, source })
}
