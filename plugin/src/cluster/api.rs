//! The requests of the commands: each bounded, each error says what was attempted.

use std::time::Duration;

use kube::{
    Api,
    api::{ApiResource, ListParams, Patch, PatchParams, WatchEvent, WatchParams},
    core::DynamicObject,
};
use oci_crds::v1::OciRepository;
use serde_json::{Value, json};

use super::{
    access::Access,
    error::ClusterError,
    object::{Stored, full_name},
};

/// Who sets what `create` sets: kustomize-controller treats `kubectl…` as a person whose changes it may undo.
pub(super) const CREATOR: &str = "kubectl-oci";
/// Who sets what `suspend`, `resume` and `reconcile` set: kustomize-controller must not undo these.
const OPERATOR: &str = "oci-cli";
/// Objects of one page.
pub(super) const PAGE: u32 = 500;
/// Seconds until the server ends a watch, so that a dead connection is noticed.
const WATCH: u32 = 60;
/// Silence after which a watch is taken for dead.
pub(super) const SILENCE: Duration = Duration::from_secs(75);

/// The objects of a namespace, or of all.
pub(crate) struct Repositories {
    access: Access,
    api: Api<DynamicObject>,
    /// For messages.
    place: String,
}

/// Which objects of a list.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Filter<'f> {
    pub(crate) labels: Option<&'f str>,
}

impl Repositories {
    /// Those of the namespace that is meant.
    pub(crate) fn of(access: &Access) -> Self {
        let api = Api::namespaced_with(access.client.clone(), &access.namespace, &resource());
        Self { access: access.clone(), api, place: format!("namespace {}", access.namespace) }
    }

    /// Those of all namespaces.
    pub(crate) fn everywhere(access: &Access) -> Self {
        let api = Api::all_with(access.client.clone(), &resource());
        Self { access: access.clone(), api, place: "all namespaces".to_owned() }
    }

    /// `namespace flux-system`
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// `OCIRepository namespace/name`
    pub(crate) fn full_name(&self, name: &str) -> String {
        full_name(&self.access.namespace, name)
    }

    /// One object, if it exists.
    pub(crate) async fn find(&self, name: &str) -> Result<Option<Stored>, ClusterError> {
        let doing = || format!("reading {}", self.full_name(name));
        match self.access.call(doing, async || self.api.get(name).await).await {
            Ok(object) => Ok(Some(object.into())),
            Err(ClusterError::Refused { status, .. }) if status.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One object.
    pub(crate) async fn get(&self, name: &str) -> Result<Stored, ClusterError> {
        self.find(name).await?.ok_or_else(|| ClusterError::NotFound { what: self.full_name(name) })
    }

    /// All objects, in the server's order.
    pub(crate) async fn list(&self, filter: Filter<'_>) -> Result<Vec<Stored>, ClusterError> {
        let all = ListParams { label_selector: filter.labels.map(str::to_owned), ..ListParams::default() };
        let doing = || format!("listing OCIRepository objects of {}", self.place);
        let mut found: Vec<Stored> = Vec::new();
        let mut parameters = all.clone().limit(PAGE);
        loop {
            let page = match self.access.call(doing, async || self.api.list(&parameters).await).await {
                // The list took too long to be read in pages: once more, as one.
                Err(error) if error.is_expired() && parameters.continue_token.is_some() => {
                    found.clear();
                    parameters = all.clone();
                    continue;
                }
                other => other?,
            };
            let next = page.metadata.continue_.clone().filter(|token| !token.is_empty());
            found.extend(page.items.into_iter().map(Stored::from));
            match next {
                Some(token) => parameters = all.clone().limit(PAGE).continue_token(&token),
                None => return Ok(found),
            }
        }
    }

    /// Applies on the server's side: what this program set before and sets no longer is removed.
    pub(crate) async fn apply(
        &self,
        name: &str,
        object: &Value,
        how: Applying,
    ) -> Result<Stored, ClusterError> {
        let mut parameters = PatchParams::apply(CREATOR);
        parameters.force = how.force;
        parameters.dry_run = how.dry_run;
        let doing = || format!("applying {}", self.full_name(name));
        let patch = Patch::Apply(object);
        let stored =
            self.access.call(doing, async || self.api.patch(name, &parameters, &patch).await).await?;
        Ok(stored.into())
    }

    /// Lets the controller look at the object, or not.
    pub(crate) async fn set_suspended(&self, name: &str, suspended: bool) -> Result<Stored, ClusterError> {
        let (verb, value) = if suspended { ("suspending", json!(true)) } else { ("resuming", Value::Null) };
        self.merge(name, verb, &json!({ "spec": { "suspend": value } })).await
    }

    /// Asks for a run.
    pub(crate) async fn request(&self, name: &str, token: &str) -> Result<Stored, ClusterError> {
        let annotation = oci_crds::conditions::metadata::REQUESTED_AT;
        let patch = json!({ "metadata": { "annotations": { annotation: token } } });
        self.merge(name, "annotating", &patch).await
    }

    async fn merge(&self, name: &str, verb: &str, patch: &Value) -> Result<Stored, ClusterError> {
        let parameters = PatchParams { field_manager: Some(OPERATOR.into()), ..PatchParams::default() };
        let what = self.full_name(name);
        let doing = || format!("{verb} {what}");
        let patch = Patch::Merge(patch);
        match self.access.call(doing, async || self.api.patch(name, &parameters, &patch).await).await {
            Ok(object) => Ok(object.into()),
            Err(ClusterError::Refused { status, .. }) if status.is_not_found() => {
                Err(ClusterError::NotFound { what })
            }
            Err(error) => Err(error),
        }
    }

    /// Changes of one object since a version of it.
    pub(super) async fn watch(
        &self,
        name: &str,
        since: &str,
    ) -> Result<impl futures_util::Stream<Item = kube::Result<WatchEvent<DynamicObject>>> + use<>, ClusterError>
    {
        let parameters = WatchParams::default().fields(&format!("metadata.name={name}")).timeout(WATCH);
        let doing = || self.watching(name);
        self.access.call(doing, async || self.api.watch(&parameters, since).await).await
    }

    /// What an error in the middle of a watch means.
    pub(super) fn broken(&self, error: kube::Error, name: &str) -> ClusterError {
        ClusterError::of(error, self.watching(name), &self.access.server)
    }

    fn watching(&self, name: &str) -> String {
        format!("watching {}", self.full_name(name))
    }
}

/// How to apply.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Applying {
    /// Take over fields that somebody else sets.
    pub(crate) force: bool,
    /// Judge, and write nothing.
    pub(crate) dry_run: bool,
}

fn resource() -> ApiResource {
    ApiResource::erase::<OciRepository>(&())
}
