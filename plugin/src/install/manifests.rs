//! What is installed: the overlays of `deploy`, as kustomize renders them.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{NAMESPACE, OURS, PART_OF, text};
use crate::error::Error;

/// The kind, whose versions are not repeated in each overlay.
const CRD: &str = include_str!("../../../crds/ocirepositories.yaml");
/// Where the image of a release is.
const IMAGES: &str = "ghcr.io/kubectl-oci/";
/// The objects that say where the bucket is.
const STORAGE: &str = "oci-storage";

/// How it is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Overlay {
    /// One webhook, one controller
    Single,
    /// Three webhooks, two controllers over a bucket
    Ha,
    /// One webhook, one controller for each shard
    Sharded,
    /// Next to Flux, whose CRD and other objects stay as they are
    BesideFlux,
    /// As single, with certificates of cert-manager
    CertManager,
    /// One controller, and a policy of the API server in place of the webhook
    Policy,
}

impl Overlay {
    fn text(self) -> &'static str {
        match self {
            Self::Single => include_str!("../../../deploy/install/single.yaml"),
            Self::Ha => include_str!("../../../deploy/install/ha.yaml"),
            Self::Sharded => include_str!("../../../deploy/install/sharded.yaml"),
            Self::BesideFlux => include_str!("../../../deploy/install/beside-flux.yaml"),
            Self::CertManager => include_str!("../../../deploy/install/cert-manager.yaml"),
            Self::Policy => include_str!("../../../deploy/install/policy.yaml"),
        }
    }
}

/// Where artifacts are kept by several controllers.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Bucket {
    /// Where artifacts are kept with --overlay ha: `s3://BUCKET[/PREFIX]`, `gs://BUCKET[/PREFIX]` or
    /// `az://CONTAINER[/PREFIX]`
    #[arg(id = "bucket", long = "bucket", value_name = "URL")]
    pub(crate) place: Option<String>,
    /// For a bucket that speaks S3 and is not AWS's
    #[arg(id = "bucket-endpoint", long = "bucket-endpoint", value_name = "URL", requires = "bucket")]
    endpoint: Option<String>,
    /// The region of the bucket
    #[arg(id = "bucket-region", long = "bucket-region", value_name = "REGION", requires = "bucket")]
    region: Option<String>,
}

impl Bucket {
    fn object(&self) -> Option<Value> {
        let mut data = json!({ "bucket": self.place.as_ref()? });
        for (key, value) in [("endpoint", &self.endpoint), ("region", &self.region)] {
            if let (Some(value), Some(data)) = (value, data.as_object_mut()) {
                data.insert(key.to_owned(), json!(value));
            }
        }
        let labels = json!({ PART_OF: OURS });
        let metadata = json!({ "name": STORAGE, "namespace": NAMESPACE, "labels": labels });
        Some(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data }))
    }
}

/// The objects of an installation, in the order in which they are applied.
#[derive(Debug)]
pub(crate) struct Manifests(Vec<Value>);

impl Manifests {
    /// `registry` takes the place of the one that releases are in.
    pub(crate) fn of(overlay: Overlay, bucket: &Bucket, registry: Option<&str>) -> Result<Self, Error> {
        let mut objects: Vec<Value> = parse(overlay.text())?;
        let [kind] = &parse(CRD)?[..] else { return Err(broken(&"there is more than one CRD")) };
        for object in &mut objects {
            if is_kind(object)
                && let (Some(versions), Some(spec)) = (kind.pointer("/spec/versions"), object.get_mut("spec"))
            {
                spec["versions"] = versions.clone();
            }
            if let Some(registry) = registry {
                set_registry(object, registry);
            }
        }
        // Where the pods read it from when they start.
        let workload = objects.iter().position(|object| text(object, "/kind") == "Deployment");
        objects.splice(workload.unwrap_or_default()..workload.unwrap_or_default(), bucket.object());
        Ok(Self(objects))
    }

    /// What the roles of an account let it do: verb, group, and resource with its subresource.
    pub(crate) fn rights(&self, account: &str) -> Vec<(String, String, String)> {
        let roles = self.0.iter().filter(|object| {
            ["Role", "ClusterRole"].contains(&text(object, "/kind"))
                && text(object, "/metadata/name") == account
        });
        let mut all = Vec::new();
        for rule in roles.filter_map(|role| role.get("rules")?.as_array()).flatten() {
            let list = |field: &str| {
                let values = rule.get(field).and_then(Value::as_array).into_iter().flatten();
                values.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
            };
            // Each rule is about one group.
            let group = list("apiGroups").concat();
            for resource in list("resources") {
                all.extend(list("verbs").into_iter().map(|verb| (verb, group.clone(), resource.clone())));
            }
        }
        all
    }

    pub(crate) fn objects(&self) -> &[Value] {
        &self.0
    }

    /// The CRD, if it is among them.
    pub(super) fn kind(&self) -> Option<&Value> {
        self.0.iter().find(|object| is_kind(object))
    }
}

/// Whether an object is the CRD.
pub(super) fn is_kind(object: &Value) -> bool {
    text(object, "/kind") == "CustomResourceDefinition"
}

fn parse(text: &str) -> Result<Vec<Value>, Error> {
    serde_saphyr::from_multiple(text).map_err(|error| broken(&error))
}

fn broken(error: &dyn std::fmt::Display) -> Error {
    Error::usage(format!("the manifests of this program cannot be read: {error}"))
}

fn set_registry(object: &mut Value, registry: &str) {
    let containers = object.pointer_mut("/spec/template/spec/containers").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten() {
        if let Some(name) = text(container, "/image").strip_prefix(IMAGES) {
            let image = format!("{}/{name}", registry.trim_end_matches('/'));
            container["image"] = json!(image);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(overlay: Overlay) -> Manifests {
        Manifests::of(overlay, &Bucket::default(), None).unwrap()
    }

    fn images(manifests: &Manifests) -> Vec<&str> {
        let pointer = "/spec/template/spec/containers/0/image";
        manifests
            .objects()
            .iter()
            .map(|object| text(object, pointer))
            .filter(|image| !image.is_empty())
            .collect()
    }

    #[test]
    fn manifests_are_of_this_version_and_all_ours() {
        for overlay in Overlay::value_variants() {
            let manifests = of(*overlay);
            assert!(!manifests.objects().is_empty());
            for image in images(&manifests) {
                assert!(image.ends_with(concat!(":v", env!("CARGO_PKG_VERSION"))), "{overlay:?}: {image}");
            }
            for object in manifests.objects() {
                assert_eq!(object["metadata"]["labels"][PART_OF], OURS, "{overlay:?}: {object}");
            }
        }
    }

    #[test]
    fn manifests_have_the_kind_except_beside_flux() {
        for overlay in Overlay::value_variants() {
            let manifests = of(*overlay);
            match manifests.kind() {
                None => assert_eq!(*overlay, Overlay::BesideFlux),
                Some(kind) => assert_eq!(kind["spec"]["versions"].as_array().map(Vec::len), Some(2)),
            }
        }
    }

    #[test]
    fn bucket_comes_before_the_pods_that_read_it() {
        let bucket = Bucket { place: Some("s3://artifacts".into()), ..Bucket::default() };
        let manifests = Manifests::of(Overlay::Ha, &bucket, None).unwrap();
        let place =
            |kind| manifests.objects().iter().position(|object| text(object, "/kind") == kind).unwrap();
        assert!(place("Namespace") < place("ConfigMap") && place("ConfigMap") < place("Deployment"));
        let map = &manifests.objects()[place("ConfigMap")];
        assert_eq!(map["data"], json!({ "bucket": "s3://artifacts" }));
    }

    #[test]
    fn registry_of_ones_own_takes_the_place_of_ours() {
        let manifests =
            Manifests::of(Overlay::Single, &Bucket::default(), Some("mirror.example/oci/")).unwrap();
        let images = images(&manifests);
        assert_eq!(images.len(), 2);
        assert!(
            images.iter().all(|image| image.starts_with("mirror.example/oci/kubectl-oci:")),
            "{images:?}"
        );
    }
}
