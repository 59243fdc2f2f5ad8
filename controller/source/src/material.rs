//! What Secrets hold, as they were read, and who reads them.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc};

use oci_decide::Failure;
use oci_identity::account::AccountTokens;
use oci_registry::{Secret as Hidden, auth::CredentialSource};

/// A Secret of the cluster, or of a file.
#[derive(Clone)]
pub struct SecretData {
    /// For messages: `namespace/name`, or a file.
    pub origin: String,
    /// `kubernetes.io/dockerconfigjson` and so on; may be empty.
    pub kind: String,
    /// The decoded values.
    pub data: BTreeMap<String, Hidden<Vec<u8>>>,
}

/// A `ServiceAccount` that an object names.
#[derive(Clone)]
pub struct AccountData {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Whether it names pull Secrets.
    pub pull_secrets: bool,
    /// Makes its tokens; `None` where there is no cluster.
    pub tokens: Option<Arc<dyn AccountTokens>>,
}

/// Everything that logs one object in.
#[derive(Clone, Default)]
pub struct Material {
    /// The `ServiceAccount`.
    pub account: Option<AccountData>,
    /// Secrets with credentials for registries, the most important first: that of the spec, then those of the account.
    pub pull: Vec<SecretData>,
    /// The Secret with certificates.
    pub certificate: Option<SecretData>,
    /// The Secret with the proxy.
    pub proxy: Option<SecretData>,
    /// Logs in instead of `pull`: somebody's own logins, where a run is done from a file.
    pub logins: Option<Arc<dyn CredentialSource>>,
}

/// Everything that the signatures of one object's artifacts are verified by, but for what its spec says itself.
#[derive(Clone, Default)]
pub struct Trust {
    /// The Secret with keys, or with a policy and certificates.
    pub secret: Option<SecretData>,
    /// The Secret with the trusted root.
    pub root: Option<SecretData>,
}

/// What [`Materials::trust`] returns.
pub type TrustFuture<'a> = Pin<Box<dyn Future<Output = Result<Trust, Failure>> + Send + 'a>>;

/// What [`Materials::read`] returns.
pub type MaterialFuture<'a> = Pin<Box<dyn Future<Output = Result<Material, Failure>> + Send + 'a>>;

/// Reads the material of one object.
pub trait Materials: Send + Sync {
    /// Reads what logs in: asked once in a run, and only if the registry is needed. A failure says which step (`ServiceAccount`, `Credentials`, `Proxy`, `Certificates`) it belongs to.
    fn read(&self) -> MaterialFuture<'_>;

    /// Reads what signatures are verified by: asked once in a run, and only if a signature is asked for. A failure is one
    /// of the step `Signature`.
    fn trust(&self) -> TrustFuture<'_>;
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The Secret `team/creds`.
    pub(crate) fn secret(kind: &str, data: &[(&str, &str)]) -> SecretData {
        let data =
            data.iter().map(|(key, value)| ((*key).to_owned(), Hidden::new(value.as_bytes().to_vec())));
        SecretData { origin: "team/creds".to_owned(), kind: kind.to_owned(), data: data.collect() }
    }
}
