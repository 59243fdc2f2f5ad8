//! Objects of any kind: what an installation consists of.

use std::fmt;

use kube::{
    Api,
    api::{ApiResource, DeleteParams, ListParams, Patch, PatchParams, PostParams},
    core::{DynamicObject, GroupVersionKind},
};
use serde_json::Value;

use super::{
    access::Access,
    api::{Applying, CREATOR, PAGE},
    error::ClusterError,
};

/// A kind of objects. Its plural is made by the usual rules, which hold for every kind that is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    resource: ApiResource,
}

impl Kind {
    /// `apps/v1`, `Deployment`.
    pub(crate) fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { resource: ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind)) }
    }

    /// `Deployment`
    pub(crate) fn name(&self) -> &str {
        &self.resource.kind
    }
}

/// Which object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) kind: Kind,
    /// None for what belongs to the whole cluster.
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
}

impl Named {
    /// Of a manifest; parts that are missing are empty.
    pub(crate) fn of(object: &Value) -> Self {
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
        let or_empty = |pointer| text(pointer).unwrap_or_default();
        Self {
            kind: Kind::new(or_empty("/apiVersion"), or_empty("/kind")),
            namespace: text("/metadata/namespace").map(str::to_owned),
            name: or_empty("/metadata/name").to_owned(),
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind.name(), self.name),
            None => write!(f, "{} {}", self.kind.name(), self.name),
        }
    }
}

/// The objects of a cluster.
#[derive(Clone)]
pub(crate) struct Anything {
    access: Access,
}

impl Anything {
    pub(crate) fn of(access: Access) -> Self {
        Self { access }
    }

    fn api(&self, kind: &Kind, namespace: Option<&str>) -> Api<DynamicObject> {
        let client = self.access.client.clone();
        match namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &kind.resource),
            None => Api::all_with(client, &kind.resource),
        }
    }

    /// One object, if it exists.
    pub(crate) async fn find(&self, what: &Named) -> Result<Option<DynamicObject>, ClusterError> {
        let api = self.api(&what.kind, what.namespace.as_deref());
        let doing = || format!("reading {what}");
        let found = self.access.call(doing, async || api.get_opt(&what.name).await).await;
        Self::named(found, &what.kind)
    }

    /// All objects with these labels, of all namespaces. None where the kind is not served.
    pub(crate) async fn list(&self, kind: &Kind, labels: &str) -> Result<Vec<DynamicObject>, ClusterError> {
        let api = self.api(kind, None);
        let doing = || format!("listing every {}", kind.name());
        let mut found = Vec::new();
        let mut parameters = ListParams::default().labels(labels).limit(PAGE);
        loop {
            let page = match self.access.call(doing, async || api.list(&parameters).await).await {
                Err(ClusterError::NoApi { .. }) => return Ok(found),
                other => other?,
            };
            found.extend(page.items);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => parameters = parameters.continue_token(&token),
                None => return Ok(found),
            }
        }
    }

    /// Some objects of all namespaces, at most so many.
    pub(crate) async fn list_some(&self, kind: &Kind, most: u32) -> Result<Vec<DynamicObject>, ClusterError> {
        let api = self.api(kind, None);
        let doing = || format!("listing every {}", kind.name());
        let parameters = ListParams::default().limit(most);
        Ok(self.access.call(doing, async || api.list(&parameters).await).await?.items)
    }

    /// Asks for something by an object that is answered and not kept.
    pub(crate) async fn create(&self, object: &Value) -> Result<DynamicObject, ClusterError> {
        let what = Named::of(object);
        let api = self.api(&what.kind, None);
        let doing = || format!("creating a {}", what.kind.name());
        let sent = serde_json::from_value(object.clone());
        let sent: DynamicObject =
            sent.map_err(|error| ClusterError::Reply { doing: doing(), why: error.to_string() })?;
        self.access.call(doing, async || api.create(&PostParams::default(), &sent).await).await
    }

    /// Applies on the server's side: what this program set before and sets no longer is removed.
    pub(crate) async fn apply(&self, object: &Value, how: Applying) -> Result<DynamicObject, ClusterError> {
        let what = Named::of(object);
        let api = self.api(&what.kind, what.namespace.as_deref());
        let mut parameters = PatchParams::apply(CREATOR);
        parameters.force = how.force;
        parameters.dry_run = how.dry_run;
        let doing = || format!("applying {what}");
        let patch = Patch::Apply(object);
        let applied = async || api.patch(&what.name, &parameters, &patch).await;
        let applied = self.access.call(doing, applied).await;
        Self::named(applied, &what.kind)
    }

    /// Changes an object, if it exists.
    pub(crate) async fn merge(
        &self,
        what: &Named,
        patch: &Value,
    ) -> Result<Option<DynamicObject>, ClusterError> {
        let api = self.api(&what.kind, what.namespace.as_deref());
        let parameters = PatchParams { field_manager: Some(CREATOR.into()), ..PatchParams::default() };
        let doing = || format!("changing {what}");
        let patch = Patch::Merge(patch);
        existing(self.access.call(doing, async || api.patch(&what.name, &parameters, &patch).await).await)
    }

    /// Deletes an object. Whether there was one.
    pub(crate) async fn delete(&self, what: &Named) -> Result<bool, ClusterError> {
        let api = self.api(&what.kind, what.namespace.as_deref());
        let parameters = DeleteParams::background();
        let doing = || format!("deleting {what}");
        let deleted = self.access.call(doing, async || api.delete(&what.name, &parameters).await).await;
        existing(deleted.map(drop)).map(|found| found.is_some())
    }

    /// A kind that the cluster lacks is named.
    fn named<T>(answer: Result<T, ClusterError>, kind: &Kind) -> Result<T, ClusterError> {
        answer.map_err(|error| match error {
            ClusterError::NoApi { doing, server } => ClusterError::Reply {
                doing,
                why: format!(
                    "the cluster at {server} serves no {} ({})",
                    kind.name(),
                    kind.resource.api_version
                ),
            },
            other => other,
        })
    }
}

fn existing<T>(answer: Result<T, ClusterError>) -> Result<Option<T>, ClusterError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(ClusterError::NoApi { .. }) => Ok(None),
        Err(ClusterError::Refused { status, .. }) if status.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
