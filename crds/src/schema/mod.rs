//! The CustomResourceDefinition, made from the types: a superset of Flux's.
//!
//! Whatever Flux's schema accepts can be stored, and what Flux's refuses is refused in the same words: the API server
//! judges by the schema before any webhook is asked. Both versions have the same schema (see [`v1beta2`]).
//!
//! [`v1beta2`]: crate::v1beta2

mod check;
mod compare;
mod structural;

use std::collections::BTreeMap;

use k8s_openapi::{
    apiextensions_apiserver::pkg::apis::apiextensions::v1::{
        CustomResourceColumnDefinition, CustomResourceConversion, CustomResourceDefinition,
        CustomResourceDefinitionNames, CustomResourceDefinitionSpec, CustomResourceDefinitionVersion,
        CustomResourceSubresourceStatus, CustomResourceSubresources, CustomResourceValidation,
        ServiceReference, WebhookClientConfig, WebhookConversion,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};

use crate::{GROUP, KIND, PLURAL, Version, v1::V1, v1beta2::V1Beta2};

pub use check::check;
pub use compare::{Difference, OLDER, compare};
pub use structural::root;

/// The name of the CustomResourceDefinition.
pub const NAME: &str = "ocirepositories.source.toolkit.fluxcd.io";

/// What Flux's root rules ask for and say, word for word.
pub const ROOT_RULES: [(&str, &str); 2] = [
    ("has(self.spec) && has(self.spec.url)", "spec.url is required"),
    ("has(self.spec) && has(self.spec.interval)", "spec.interval is required"),
];

/// What a client is told that uses `v1beta2`, in Flux's words.
const DEPRECATION: &str = "v1beta2 OCIRepository is deprecated, upgrade to v1";

/// The Service in front of the webhook, and the path there that converts.
const SERVICE: (&str, &str, &str) = ("oci-system", "oci-webhook", "/convert");

/// The CustomResourceDefinition as it is installed.
///
/// The certificate authority of the conversion webhook is not in it: whoever owns that certificate (cert-manager, or
/// the webhook itself) writes it.
pub fn crd() -> CustomResourceDefinition {
    let annotation = ("kustomize.toolkit.fluxcd.io/substitute".to_owned(), "disabled".to_owned());
    let label = ("app.kubernetes.io/part-of".to_owned(), "kubectl-oci".to_owned());
    CustomResourceDefinition {
        metadata: ObjectMeta {
            name: Some(NAME.to_owned()),
            annotations: Some(BTreeMap::from([annotation])),
            labels: Some(BTreeMap::from([label])),
            ..ObjectMeta::default()
        },
        spec: CustomResourceDefinitionSpec {
            conversion: Some(conversion()),
            group: GROUP.to_owned(),
            names: CustomResourceDefinitionNames {
                categories: Some(["all", "fluxcd", "fluxcd-sources"].map(str::to_owned).to_vec()),
                kind: KIND.to_owned(),
                list_kind: Some(format!("{KIND}List")),
                plural: PLURAL.to_owned(),
                short_names: Some(vec!["ocirepo".to_owned()]),
                singular: Some(KIND.to_lowercase()),
            },
            preserve_unknown_fields: None,
            scope: "Namespaced".to_owned(),
            versions: vec![version(V1::NAME, None), version(V1Beta2::NAME, Some(DEPRECATION))],
        },
        status: None,
    }
}

fn version(name: &str, deprecation: Option<&str>) -> CustomResourceDefinitionVersion {
    CustomResourceDefinitionVersion {
        additional_printer_columns: Some(columns()),
        deprecated: deprecation.map(|_| true),
        deprecation_warning: deprecation.map(str::to_owned),
        name: name.to_owned(),
        schema: Some(CustomResourceValidation { open_api_v3_schema: Some(root()) }),
        selectable_fields: None,
        served: true,
        storage: deprecation.is_none(),
        subresources: Some(CustomResourceSubresources {
            scale: None,
            status: Some(CustomResourceSubresourceStatus(serde_json::Value::Object(serde_json::Map::new()))),
        }),
    }
}

fn columns() -> Vec<CustomResourceColumnDefinition> {
    let ready = |field: &str| format!(".status.conditions[?(@.type==\"Ready\")].{field}");
    [
        ("URL", "string", ".spec.url".to_owned()),
        ("Ready", "string", ready("status")),
        ("Status", "string", ready("message")),
        ("Age", "date", ".metadata.creationTimestamp".to_owned()),
    ]
    .map(|(name, type_, json_path)| CustomResourceColumnDefinition {
        name: name.to_owned(),
        type_: type_.to_owned(),
        json_path,
        ..CustomResourceColumnDefinition::default()
    })
    .to_vec()
}

fn conversion() -> CustomResourceConversion {
    let (namespace, name, path) = SERVICE;
    let service = ServiceReference {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        path: Some(path.to_owned()),
        port: None,
    };
    CustomResourceConversion {
        strategy: "Webhook".to_owned(),
        webhook: Some(WebhookConversion {
            client_config: Some(WebhookClientConfig {
                service: Some(service),
                ..WebhookClientConfig::default()
            }),
            conversion_review_versions: vec!["v1".to_owned()],
        }),
    }
}
