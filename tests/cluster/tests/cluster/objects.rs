//! Writing objects as any client would, and what the API server says to it.

use kube::{
    Api, Client, Error,
    api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams},
    core::Status,
};
use oci_testkit::cases::Case;
use serde_json::Value;

/// The resource in a version of the API.
pub(crate) fn resource(version: &str) -> ApiResource {
    let kind = GroupVersionKind::gvk(oci_crds::GROUP, version, oci_crds::KIND);
    ApiResource::from_gvk_with_plural(&kind, oci_crds::PLURAL)
}

/// All `OCIRepository` objects of a namespace, as any JSON.
pub(crate) fn repositories(client: Client, namespace: &str, version: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client, namespace, &resource(version))
}

/// Applies on the server's side; `Err` is what the server answered.
pub(crate) async fn apply(api: &Api<DynamicObject>, object: &Value) -> Result<DynamicObject, Status> {
    write(api, object, &PatchParams::apply("suite").force()).await
}

/// The same, but nothing is written.
pub(crate) async fn try_out(api: &Api<DynamicObject>, object: &Value) -> Result<DynamicObject, Status> {
    write(api, object, &PatchParams::apply("suite").force().dry_run()).await
}

async fn write(
    api: &Api<DynamicObject>,
    object: &Value,
    parameters: &PatchParams,
) -> Result<DynamicObject, Status> {
    let name = object["metadata"]["name"].as_str().unwrap();
    match api.patch(name, parameters, &Patch::Apply(object)).await {
        Ok(stored) => Ok(stored),
        Err(Error::Api(status)) => Err(*status),
        Err(error) => panic!("{name}: {error}"),
    }
}

/// An object with that spec.
pub(crate) fn object(name: &str, version: &str, spec: &Value) -> Value {
    serde_json::json!({
        "apiVersion": format!("{}/{version}", oci_crds::GROUP),
        "kind": oci_crds::KIND,
        "metadata": { "name": name },
        "spec": spec,
    })
}

/// Every field that the API server names in a refusal: those of the causes.
pub(crate) fn fields(status: &Status) -> Vec<String> {
    let details = status.details.iter();
    let mut fields: Vec<String> =
        details.flat_map(|details| &details.causes).map(|cause| cause.field.clone()).collect();
    fields.sort();
    fields
}

/// Every field that a case's faults are in, sorted, each as often as it has faults.
pub(crate) fn wanted(case: &Case) -> Vec<String> {
    let mut fields: Vec<String> = case.refused.iter().map(|(path, _)| path.clone()).collect();
    fields.sort();
    fields
}
