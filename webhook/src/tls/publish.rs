//! The cluster's side: the Secret, and the two objects that tell the API server whom to trust.
//!
//! Everything is written on the condition that nobody else wrote it meanwhile.

use std::{collections::BTreeMap, fmt, future::Future, time::Duration};

use k8s_openapi::{
    ByteString,
    api::{admissionregistration::v1::ValidatingWebhookConfiguration, core::v1::Secret},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api, Client,
    api::{ApiResource, NotUsed, Object, Patch, PatchParams, PostParams},
};
use serde::Deserialize;
use serde_json::json;

/// For one call. The client would try for many minutes.
const CALL: Duration = Duration::from_secs(10);
/// Who the API server says has written.
const MANAGER: &str = "oci-webhook";

/// Where things are.
#[derive(Clone, Debug)]
pub struct Names {
    /// The namespace of the Secret.
    pub namespace: String,
    /// The Secret.
    pub secret: String,
    /// The webhook configuration, if one is kept right.
    pub configuration: Option<String>,
    /// The CRD, if one is kept right.
    pub crd: Option<String>,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server refuses, or cannot be reached.
    #[error("{doing} failed: {source}")]
    Api {
        /// What was attempted, and on what.
        doing: String,
        /// Why.
        source: Box<kube::Error>,
    },
    /// No answer.
    #[error("{doing} failed: no answer within {CALL:?}")]
    Silent {
        /// What was attempted, and on what.
        doing: String,
    },
}

/// Whether a write happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It did.
    Yes,
    /// Somebody else wrote first: read again.
    Overtaken,
}

/// A place where the bundle is published, as it was read.
#[derive(Debug)]
pub struct Place {
    kind: Kind,
    version: Option<String>,
    /// The bundles in it: one per webhook of a configuration.
    bundles: Vec<Vec<u8>>,
}

#[derive(Debug)]
enum Kind {
    /// With the names of its webhooks.
    Configuration(Vec<String>),
    Crd,
}

/// Its kind.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Configuration(_) => "ValidatingWebhookConfiguration",
            Kind::Crd => "CustomResourceDefinition",
        })
    }
}

impl Place {
    /// Whether everything in it is this bundle.
    pub fn has(&self, bundle: &str) -> bool {
        self.bundles.iter().all(|held| held == bundle.as_bytes())
    }
}

/// The cluster.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    names: Names,
}

/// As much of a CRD as is looked at; its schemas are large.
#[derive(Clone, Debug, Deserialize)]
struct CrdSpec {
    conversion: Option<Conversion>,
}

#[derive(Clone, Debug, Deserialize)]
struct Conversion {
    webhook: Option<Webhook>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    client_config: Option<ClientConfig>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientConfig {
    ca_bundle: Option<ByteString>,
}

impl Cluster {
    /// The cluster behind a client.
    pub fn new(client: Client, names: Names) -> Self {
        Self { client, names }
    }

    /// The Secret, for messages.
    pub fn secret_name(&self) -> String {
        format!("Secret {}/{}", self.names.namespace, self.names.secret)
    }

    fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.names.namespace)
    }

    /// The Secret, if there is one.
    pub async fn secret(&self) -> Result<Option<Secret>, Error> {
        let doing = format!("reading {}", self.secret_name());
        call(doing, self.secrets().get_opt(&self.names.secret)).await
    }

    /// Writes data into the Secret that was read, or makes one. Other keys of its data stay.
    pub async fn write(
        &self,
        read: Option<&Secret>,
        data: BTreeMap<String, ByteString>,
    ) -> Result<Written, Error> {
        let doing = format!("writing {}", self.secret_name());
        let post = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        let secrets = self.secrets();
        let Some(read) = read else {
            let metadata = ObjectMeta {
                name: Some(self.names.secret.clone()),
                labels: Some([("app.kubernetes.io/managed-by".to_owned(), MANAGER.to_owned())].into()),
                ..ObjectMeta::default()
            };
            let type_ = Some("kubernetes.io/tls".to_owned());
            let secret = Secret { metadata, type_, data: Some(data), ..Secret::default() };
            return overtaken(call(doing, secrets.create(&post, &secret)).await);
        };
        let mut secret = read.clone();
        secret.metadata.managed_fields = None;
        secret.data.get_or_insert_default().extend(data);
        overtaken(call(doing, secrets.replace(&self.names.secret, &post, &secret)).await)
    }

    /// How many places there should be.
    pub fn wanted(&self) -> usize {
        usize::from(self.names.configuration.is_some()) + usize::from(self.names.crd.is_some())
    }

    /// Where the bundle is published. What does not exist trusts nobody and is left out.
    pub async fn places(&self) -> Result<Vec<Place>, Error> {
        let mut places = Vec::new();
        if let Some(name) = &self.names.configuration {
            places.extend(self.configuration(name).await?);
        }
        if let Some(name) = &self.names.crd {
            places.extend(self.crd(name).await?);
        }
        Ok(places)
    }

    async fn configuration(&self, name: &str) -> Result<Option<Place>, Error> {
        let api: Api<ValidatingWebhookConfiguration> = Api::all(self.client.clone());
        let doing = format!("reading ValidatingWebhookConfiguration {name}");
        let Some(read) = call(doing, api.get_opt(name)).await? else {
            return Ok(None);
        };
        let webhooks = read.webhooks.unwrap_or_default();
        let bundle = |bundle: &Option<ByteString>| bundle.as_ref().map(|bundle| bundle.0.clone());
        let bundles = webhooks.iter().map(|hook| bundle(&hook.client_config.ca_bundle).unwrap_or_default());
        let bundles = bundles.collect();
        let kind = Kind::Configuration(webhooks.into_iter().map(|hook| hook.name).collect());
        Ok(Some(Place { kind, version: read.metadata.resource_version, bundles }))
    }

    async fn crd(&self, name: &str) -> Result<Option<Place>, Error> {
        let resource = ApiResource::erase::<CustomResourceDefinition>(&());
        let api: Api<Object<CrdSpec, NotUsed>> = Api::all_with(self.client.clone(), &resource);
        let doing = format!("reading CustomResourceDefinition {name}");
        let Some(read) = call(doing, api.get_opt(name)).await? else {
            return Ok(None);
        };
        // With the strategy `None` nobody is called, and nobody has to be trusted.
        let config = read.spec.conversion.and_then(|conversion| conversion.webhook?.client_config);
        Ok(config.map(|config| Place {
            kind: Kind::Crd,
            version: read.metadata.resource_version,
            bundles: vec![config.ca_bundle.map(|bundle| bundle.0).unwrap_or_default()],
        }))
    }

    /// Writes the bundle into a place.
    pub async fn publish(&self, place: &Place, bundle: &str) -> Result<Written, Error> {
        let bundle = ByteString(bundle.as_bytes().to_vec());
        let config = json!({ "caBundle": bundle });
        let metadata = json!({ "resourceVersion": place.version });
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        match &place.kind {
            Kind::Configuration(hooks) => {
                let name = self.names.configuration.as_deref().unwrap_or_default();
                let hooks: Vec<_> =
                    hooks.iter().map(|hook| json!({ "name": hook, "clientConfig": config })).collect();
                // Merges the list by the names in it.
                let patch = Patch::Strategic(json!({ "metadata": metadata, "webhooks": hooks }));
                let api: Api<ValidatingWebhookConfiguration> = Api::all(self.client.clone());
                let doing = format!("publishing the authority in ValidatingWebhookConfiguration {name}");
                overtaken(call(doing, api.patch_metadata(name, &params, &patch)).await)
            }
            Kind::Crd => {
                let name = self.names.crd.as_deref().unwrap_or_default();
                let spec = json!({ "conversion": { "webhook": { "clientConfig": config } } });
                let patch = Patch::Merge(json!({ "metadata": metadata, "spec": spec }));
                let api: Api<CustomResourceDefinition> = Api::all(self.client.clone());
                let doing = format!("publishing the authority in CustomResourceDefinition {name}");
                overtaken(call(doing, api.patch_metadata(name, &params, &patch)).await)
            }
        }
    }
}

async fn call<T>(doing: String, call: impl Future<Output = kube::Result<T>>) -> Result<T, Error> {
    match tokio::time::timeout(CALL, call).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(source)) => Err(Error::Api { doing, source: Box::new(source) }),
        Err(_) => Err(Error::Silent { doing }),
    }
}

/// Somebody else was faster, which is no failure.
fn overtaken<T>(written: Result<T, Error>) -> Result<Written, Error> {
    match written {
        Ok(_) => Ok(Written::Yes),
        Err(Error::Api { source, .. }) if matches!(&*source, kube::Error::Api(status) if status.is_conflict() || status.is_already_exists()) => {
            Ok(Written::Overtaken)
        }
        Err(error) => Err(error),
    }
}
