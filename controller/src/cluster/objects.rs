//! Reading and writing `OCIRepository` objects.
//!
//! Every write carries the resourceVersion that it is based on, so that nothing is written over somebody else's change.

use kube::{
    Api, Client, Resource,
    api::{Patch, PatchParams},
};
use oci_crds::{
    conditions::metadata::FINALIZER,
    v1::{OciRepository, Status},
};
use oci_decide::status_patch;
use oci_source::store::Owner;
use serde_json::{Value, json};

use super::call::{CallError, call};

/// Whose writes they are: Flux's name, so that the owner of a field does not change with the controller.
const MANAGER: &str = "source-controller";

/// The API of the objects.
#[derive(Clone)]
pub struct Objects {
    client: Client,
}

impl Objects {
    /// By this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    fn api(&self, owner: &Owner) -> Api<OciRepository> {
        Api::namespaced(self.client.clone(), &owner.namespace)
    }

    /// The object as it is now.
    pub async fn get(&self, owner: &Owner) -> Result<OciRepository, CallError> {
        let api = self.api(owner);
        call(|| format!("reading {}", shown(owner)), api.get(&owner.name)).await
    }

    /// Adds our finalizer.
    pub async fn add_finalizer(
        &self,
        object: &OciRepository,
        owner: &Owner,
    ) -> Result<OciRepository, CallError> {
        let mut all = object.meta().finalizers.clone().unwrap_or_default();
        all.push(FINALIZER.to_owned());
        self.finalizers(object, owner, &all).await
    }

    /// Removes our finalizer, which lets a deleted object go.
    pub async fn remove_finalizer(
        &self,
        object: &OciRepository,
        owner: &Owner,
    ) -> Result<OciRepository, CallError> {
        let mut all = object.meta().finalizers.clone().unwrap_or_default();
        all.retain(|name| name != FINALIZER);
        self.finalizers(object, owner, &all).await
    }

    async fn finalizers(
        &self,
        object: &OciRepository,
        owner: &Owner,
        all: &[String],
    ) -> Result<OciRepository, CallError> {
        let patch =
            json!({ "metadata": { "resourceVersion": object.meta().resource_version, "finalizers": all } });
        let api = self.api(owner);
        let parameters = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let answer = async { api.patch(&owner.name, &parameters, &Patch::Merge(&patch)).await };
        call(|| format!("writing the finalizers of {}", shown(owner)), answer).await
    }

    /// Writes what differs between the object's status and `status`. `None` if nothing does.
    pub async fn write_status(
        &self,
        object: &OciRepository,
        owner: &Owner,
        status: &Status,
    ) -> Result<Option<OciRepository>, CallError> {
        let old = object.status.clone().unwrap_or_default();
        let version = object.meta().resource_version.as_deref().unwrap_or_default();
        let Some(patch) = status_patch(&old, status, version) else {
            return Ok(None);
        };
        self.patch_status(owner, &patch).await.map(Some)
    }

    async fn patch_status(&self, owner: &Owner, patch: &Value) -> Result<OciRepository, CallError> {
        let api = self.api(owner);
        let parameters = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let answer = async { api.patch_status(&owner.name, &parameters, &Patch::Merge(patch)).await };
        call(|| format!("writing the status of {}", shown(owner)), answer).await
    }
}

/// `OCIRepository namespace/name`
pub fn shown(owner: &Owner) -> String {
    format!("OCIRepository {}/{}", owner.namespace, owner.name)
}
