//! What is sent: reviews as the API server writes them.

use serde_json::{Value, json};

/// An object as it is stored, with what clients and managers leave in it: about 2.5 kB.
fn object(index: usize, version: &str, valid: bool) -> Value {
    let managed = |manager: &str, subresource: &str| {
        json!({
            "manager": manager, "operation": "Apply", "apiVersion": "source.toolkit.fluxcd.io/v1",
            "time": "2026-11-01T00:00:00Z", "fieldsType": "FieldsV1", "subresource": subresource,
            "fieldsV1": {
                "f:metadata": { "f:labels": { "f:kustomize.toolkit.fluxcd.io/name": {}, "f:kustomize.toolkit.fluxcd.io/namespace": {} } },
                "f:spec": { "f:interval": {}, "f:ref": { "f:semver": {} }, "f:url": {}, "f:verify": { "f:provider": {}, "f:matchOIDCIdentity": {} } },
                "f:status": { "f:artifact": {}, "f:conditions": {}, "f:observedGeneration": {}, "f:url": {} },
            },
        })
    };
    let condition = |kind: &str| {
        json!({
            "lastTransitionTime": "2026-11-01T00:00:00Z", "message": "stored artifact for digest 'v1.2.3@sha256:abababababababab'",
            "observedGeneration": 3, "reason": "Succeeded", "status": "True", "type": kind,
        })
    };
    json!({
        "apiVersion": format!("source.toolkit.fluxcd.io/{version}"),
        "kind": "OCIRepository",
        "metadata": {
            "name": format!("app-{index}"), "namespace": "apps", "uid": "00000000-0000-0000-0000-000000000000",
            "resourceVersion": "123456", "generation": 3, "creationTimestamp": "2026-11-01T00:00:00Z",
            "labels": { "kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system" },
            "managedFields": [managed("kustomize-controller", ""), managed("source-controller", "status")],
        },
        "spec": {
            "interval": if valid { "5m" } else { "0s" },
            "url": format!("oci://ghcr.io/org/app-{index}"),
            "ref": { "semver": ">=1.0.0 <2.0.0", "semverFilter": "^v?[0-9.]+$" },
            "verify": {
                "provider": "cosign",
                "matchOIDCIdentity": [{
                    "issuer": r"^https://token\.actions\.githubusercontent\.com$",
                    "subject": r"^https://github\.com/org/app/\.github/workflows/release\.yml@refs/tags/.*$",
                }],
            },
        },
        "status": {
            "artifact": {
                "digest": "sha256:abababababababababababababababababababababababababababababababab",
                "lastUpdateTime": "2026-11-01T00:00:00Z",
                "path": "ocirepository/apps/app/sha256:abababababababababababababababababababababababababababababababab.tar.gz",
                "revision": "v1.2.3@sha256:abababababababababababababababababababababababababababababababab", "size": 4711,
                "url": "http://source-controller.flux-system.svc.cluster.local./ocirepository/apps/app/sha256:ab.tar.gz",
            },
            "conditions": [condition("Ready"), condition("ArtifactInStorage")],
            "observedGeneration": 3,
            "url": "http://source-controller.flux-system.svc.cluster.local./ocirepository/apps/app/latest.tar.gz",
        },
    })
}

/// An update, about 5 kB: the object before and after.
pub(crate) fn admission(valid: bool) -> Vec<u8> {
    let review = json!({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": { "group": "source.toolkit.fluxcd.io", "version": "v1", "kind": "OCIRepository" },
            "resource": { "group": "source.toolkit.fluxcd.io", "version": "v1", "resource": "ocirepositories" },
            "name": "app", "namespace": "apps", "operation": "UPDATE", "dryRun": false,
            "userInfo": { "username": "system:serviceaccount:flux-system:kustomize-controller", "groups": ["system:authenticated"] },
            "object": object(2, "v1", valid), "oldObject": object(1, "v1", true),
        },
    });
    serde_json::to_vec(&review).unwrap()
}

/// A list to convert.
pub(crate) fn conversion(objects: usize) -> Vec<u8> {
    let objects: Vec<Value> = (0..objects).map(|index| object(index, "v1beta2", true)).collect();
    let review = json!({
        "kind": "ConversionReview", "apiVersion": "apiextensions.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "desiredAPIVersion": "source.toolkit.fluxcd.io/v1",
            "objects": objects,
        },
    });
    serde_json::to_vec(&review).unwrap()
}
