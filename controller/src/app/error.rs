//! Why the process cannot start, or did not end well.

use std::{io, net::SocketAddr};

use oci_artifact::Classify as _;
use oci_registry::VariableError;
use oci_server::tls::source::FileError;

use crate::{
    cluster::{call::CallError, guard::GuardError, lease::LeaseError},
    storage::{ClaimError, OpenBucketError},
    trust::TrustError,
};

/// Why the process cannot start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address is taken, or not ours.
    #[error("--{flag} {address}: cannot listen there: {source}")]
    Listen {
        /// The flag without its dashes.
        flag: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The environment names a proxy that is none.
    #[error("the variable {0}")]
    Proxy(#[from] VariableError),
    /// The trust root of signatures without keys is of no use.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// There is no way to the API server.
    #[error("no access to the API server: {0}")]
    Cluster(Box<kube::Error>),
    /// Another controller works on the same objects.
    #[error("{source}{}", hint(source))]
    Beside {
        /// Which one.
        #[from]
        source: GuardError,
    },
    /// Nobody can be told anything.
    #[error("--events-addr: setting up the HTTP client failed: {0}")]
    Notifications(#[from] reqwest::Error),
    /// The times of leader election do not fit each other.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// Another one leads, or might.
    #[error("leader election lost")]
    Lost,
    /// Nobody says in which namespace the Lease is.
    #[error("--enable-leader-election needs the variable RUNTIME_NAMESPACE, or --leader-election-namespace")]
    Namespace,
    /// The bucket cannot be used as the flags and the environment say.
    #[error(transparent)]
    Bucket(#[from] OpenBucketError),
    /// Another installation has the same place in the bucket.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// It cannot be found out which installation this is.
    #[error("finding out which cluster this is failed: {0}")]
    Installation(CallError),
    /// The files for mutual TLS are not right.
    #[error("--storage-tls-cert-file, --storage-tls-key-file, --storage-tls-client-ca-file: {0}")]
    Files(#[from] FileError),
    /// TLS cannot be set up at all.
    #[error("setting up TLS failed: {0}")]
    Tls(#[from] rustls::Error),
    /// The operating system refuses something.
    #[error("{doing} failed: {source}")]
    System {
        /// What was attempted.
        doing: &'static str,
        /// Why.
        source: io::Error,
    },
}

fn hint(error: &GuardError) -> String {
    error.hint().map(|hint| format!("; {hint}")).unwrap_or_default()
}
