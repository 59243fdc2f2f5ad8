//! Watches: objects, and who changed which Secret or `ServiceAccount`.
//!
//! A broken watch begins again by itself, with a pause that grows; a list is read in pages. One object that does not fit
//! the types is told and left out; it never stops the others.

use std::fmt::Debug;

use futures_util::TryStreamExt as _;
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Client, Resource,
    api::PartialObjectMeta,
    core::DeserializeGuard,
    runtime::{WatchStreamExt as _, watcher},
};
use oci_crds::v1::OciRepository;
use serde::de::DeserializeOwned;

/// Objects in one page of a list.
const PAGE: u32 = 250;
/// Seconds after which the server ends a watch; it goes on where it was. A connection that died is noticed by then.
const WATCH_SECONDS: u32 = 55;

/// What happened to objects of one kind.
#[derive(Debug)]
pub enum Change<K> {
    /// All that there is will be told.
    Begin,
    /// It is there, or is another than before.
    Applied(K),
    /// It is gone.
    Gone(K),
    /// All that there is was told; what was not is gone.
    Listed,
}

fn settings(selector: Option<&str>) -> watcher::Config {
    let settings = watcher::Config::default().page_size(PAGE).timeout(WATCH_SECONDS);
    match selector {
        Some(selector) => settings.labels(selector),
        None => settings,
    }
}

/// Where a watch looks.
#[derive(Clone)]
pub struct Scope {
    /// By whom.
    pub client: Client,
    /// The one namespace; `None` for all.
    pub namespace: Option<String>,
}

impl Scope {
    fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match &self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
    }
}

/// Tells `handle` every change of the objects, until it is dropped. `broken` is called when the watch fails.
pub async fn objects(
    scope: Scope,
    selector: Option<&str>,
    mut handle: impl FnMut(Change<OciRepository>),
    broken: impl FnMut(),
) {
    let api: Api<DeserializeGuard<OciRepository>> = scope.api();
    let tell = |change: Change<DeserializeGuard<OciRepository>>| {
        if let Some(change) = readable(change) {
            handle(change);
        }
    };
    follow(api, settings(selector), tell, broken).await;
}

/// Tells `handle` every change of the metadata of all objects of a kind, until it is dropped.
pub async fn metadata<K>(scope: Scope, handle: impl FnMut(Change<PartialObjectMeta<K>>), broken: impl FnMut())
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Debug
        + Send
        + 'static,
{
    follow(scope.api::<PartialObjectMeta<K>>(), settings(None), handle, broken).await;
}

async fn follow<K>(
    api: Api<K>,
    settings: watcher::Config,
    mut handle: impl FnMut(Change<K>),
    mut broken: impl FnMut(),
) where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let kind = K::kind(&());
    let mut stream = std::pin::pin!(watcher(api, settings).default_backoff());
    loop {
        match stream.try_next().await {
            Ok(Some(event)) => handle(change(event)),
            Ok(None) => return,
            Err(error) => {
                broken();
                tracing::warn!(%error, %kind, "a watch failed, trying again");
            }
        }
    }
}

fn change<K>(event: watcher::Event<K>) -> Change<K> {
    match event {
        watcher::Event::Init => Change::Begin,
        watcher::Event::InitApply(object) | watcher::Event::Apply(object) => Change::Applied(object),
        watcher::Event::InitDone => Change::Listed,
        watcher::Event::Delete(object) => Change::Gone(object),
    }
}

/// The change, unless its object cannot be read.
fn readable(change: Change<DeserializeGuard<OciRepository>>) -> Option<Change<OciRepository>> {
    let object = |guard: DeserializeGuard<OciRepository>| match guard.0 {
        Ok(object) => Some(object),
        Err(invalid) => {
            let (namespace, name) = (invalid.metadata.namespace, invalid.metadata.name);
            tracing::error!(
                namespace = namespace.unwrap_or_default(),
                name = name.unwrap_or_default(),
                error = invalid.error,
                "an object cannot be read and is left alone"
            );
            None
        }
    };
    Some(match change {
        Change::Begin => Change::Begin,
        Change::Listed => Change::Listed,
        Change::Applied(guard) => Change::Applied(object(guard)?),
        Change::Gone(guard) => Change::Gone(object(guard)?),
    })
}
