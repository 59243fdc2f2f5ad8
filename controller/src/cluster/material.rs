//! Secrets and `ServiceAccounts`: the one place that reads them. No account is asked for a token here.
//!
//! Everything is read by the object's own namespace and the name in its spec; no spec can name another namespace.

use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::{Api, Client};
use oci_artifact::Classify as _;
use oci_crds::v1::Spec;
use oci_decide::{Failure, Step};
use oci_registry::Secret as Hidden;
use oci_source::material::{
    AccountData, Material, MaterialFuture, Materials, SecretData, Trust, TrustFuture,
};

use super::{
    audiences::ClusterAudiences,
    call::{CallError, Cause, call},
    tokens::ClusterTokens,
};

/// Pull Secrets of one account that are read.
const PULL_SECRETS: usize = 32;

/// What one spec names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The `ServiceAccount`.
    pub account: Option<String>,
    /// The Secret with credentials.
    pub pull: Option<String>,
    /// The Secret with certificates.
    pub certificate: Option<String>,
    /// The Secret with the proxy.
    pub proxy: Option<String>,
    /// The Secret that signatures are verified by.
    pub verify: Option<String>,
    /// The Secret with the trusted root.
    pub trusted_root: Option<String>,
}

impl Names {
    /// What a spec names; `default_account` is used where it names no account.
    pub fn of(spec: &Spec, default_account: Option<&str>) -> Self {
        let account = spec.service_account_name.as_deref().filter(|name| !name.is_empty());
        let secret = |reference: &Option<oci_crds::v1::LocalReference>| {
            reference.as_ref().map(|reference| reference.name.clone()).filter(|name| !name.is_empty())
        };
        Self {
            account: account.or(default_account).map(str::to_owned),
            pull: secret(&spec.secret_ref),
            certificate: secret(&spec.cert_secret_ref),
            proxy: secret(&spec.proxy_secret_ref),
            verify: spec.verify.as_ref().and_then(|verify| secret(&verify.secret_ref)),
            trusted_root: spec.verify.as_ref().and_then(|verify| secret(&verify.trusted_root_secret_ref)),
        }
    }

    /// The Secrets.
    pub fn secrets(&self) -> impl Iterator<Item = &String> {
        let all = [&self.pull, &self.certificate, &self.proxy, &self.verify, &self.trusted_root];
        all.into_iter().flatten()
    }
}

/// Reads what one object names.
pub struct ClusterMaterials {
    client: Client,
    namespace: String,
    names: Names,
    audiences: Arc<ClusterAudiences>,
    /// Secrets that the account named when it was read.
    learned: Mutex<Vec<String>>,
}

impl ClusterMaterials {
    /// For an object in `namespace`. No registry gets tokens for these `audiences`.
    pub fn new(client: Client, namespace: &str, names: Names, audiences: Arc<ClusterAudiences>) -> Self {
        Self { client, namespace: namespace.to_owned(), names, audiences, learned: Mutex::default() }
    }

    /// The pull Secrets of the account, if it was read.
    pub fn learned(&self) -> Vec<String> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn read_all(&self) -> Result<Material, Failure> {
        let mut pull_names: Vec<String> = self.names.pull.iter().cloned().collect();
        let mut material = Material::default();
        if let Some(name) = &self.names.account {
            let (account, of_account) = self.account(name).await?;
            material.account = Some(account);
            self.learned.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&of_account);
            pull_names.extend(of_account);
        }
        for name in &pull_names {
            material.pull.push(self.secret(name, Step::Credentials).await?);
        }
        if let Some(name) = &self.names.proxy {
            material.proxy = Some(self.secret(name, Step::Proxy).await?);
        }
        if let Some(name) = &self.names.certificate {
            material.certificate = Some(self.secret(name, Step::Certificates).await?);
        }
        Ok(material)
    }

    async fn read_trust(&self) -> Result<Trust, Failure> {
        let Names { verify, trusted_root, .. } = &self.names;
        let mut trust = Trust::default();
        if let Some(name) = verify {
            trust.secret = Some(self.secret(name, Step::Signature).await?);
        }
        if let Some(name) = trusted_root {
            match self.secret(name, Step::Signature).await {
                Ok(root) => trust.root = Some(root),
                // Beside keys it does nothing, so that it may as well not be there.
                Err(_) if verify.is_some() => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(trust)
    }

    /// An account, and the names of its pull Secrets.
    async fn account(&self, name: &str) -> Result<(AccountData, Vec<String>), Failure> {
        let api: Api<ServiceAccount> = Api::namespaced(self.client.clone(), &self.namespace);
        let read = call(|| format!("service account '{}/{name}'", self.namespace), api.get(name)).await;
        let account = read.map_err(|error| failed(Step::ServiceAccount, &error))?;
        let names =
            account.image_pull_secrets.unwrap_or_default().into_iter().map(|reference| reference.name);
        let names: Vec<String> = names.filter(|name| !name.is_empty()).take(PULL_SECRETS).collect();
        let tokens =
            ClusterTokens::new(self.client.clone(), &self.namespace, name, Arc::clone(&self.audiences));
        let account = AccountData {
            namespace: self.namespace.clone(),
            name: name.to_owned(),
            annotations: account.metadata.annotations.unwrap_or_default(),
            pull_secrets: !names.is_empty(),
            tokens: Some(Arc::new(tokens)),
        };
        Ok((account, names))
    }

    async fn secret(&self, name: &str, step: Step) -> Result<SecretData, Failure> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let origin = format!("{}/{name}", self.namespace);
        let read = call(|| format!("secret '{origin}'"), api.get(name)).await;
        let secret = read.map_err(|error| failed(step, &error))?;
        let data = secret.data.unwrap_or_default();
        Ok(SecretData {
            origin,
            kind: secret.type_.unwrap_or_default(),
            data: data.into_iter().map(|(key, value)| (key, Hidden::new(value.0))).collect(),
        })
    }
}

fn failed(step: Step, error: &CallError) -> Failure {
    let message = match &error.cause {
        Cause::NotFound => format!("{} not found", error.attempted),
        cause => format!("{}: {cause}", error.attempted),
    };
    Failure { step, class: error.class(), message, hint: error.hint() }
}

impl Materials for ClusterMaterials {
    fn read(&self) -> MaterialFuture<'_> {
        Box::pin(self.read_all())
    }

    fn trust(&self) -> TrustFuture<'_> {
        Box::pin(self.read_trust())
    }
}
