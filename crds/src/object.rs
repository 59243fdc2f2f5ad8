//! The object around a spec: metadata, spec, status, in whichever version of the API.

use std::{borrow::Cow, fmt, marker::PhantomData};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube_core::{NamespaceResourceScope, Resource};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeStruct as _};

use crate::{
    GROUP, KIND, PLURAL,
    v1::{Spec, Status},
};

/// A version of the API.
pub trait Version: Send + Sync + 'static {
    /// `v1`, `v1beta2`.
    const NAME: &'static str;
}

/// An `OCIRepository` as one version of the API shows it. All versions have the same fields.
pub struct Object<V> {
    /// Name, namespace, labels and so on.
    pub metadata: ObjectMeta,
    /// What is wanted. Empty if the object has none, which only an object that was never valid has.
    pub spec: Spec,
    /// What the controller found.
    pub status: Option<Status>,
    version: PhantomData<fn() -> V>,
}

impl<V: Version> Object<V> {
    /// `source.toolkit.fluxcd.io/v1`
    pub fn group_version() -> String {
        format!("{GROUP}/{}", V::NAME)
    }

    /// An object with that name in that namespace.
    pub fn new(namespace: &str, name: &str, spec: Spec) -> Self {
        let metadata = ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(namespace.to_owned()),
            ..ObjectMeta::default()
        };
        Self { metadata, spec, status: None, version: PhantomData }
    }

    /// The same object in another version of the API.
    pub fn into_version<W: Version>(self) -> Object<W> {
        Object { metadata: self.metadata, spec: self.spec, status: self.status, version: PhantomData }
    }
}

impl<V> Clone for Object<V> {
    fn clone(&self) -> Self {
        Self {
            metadata: self.metadata.clone(),
            spec: self.spec.clone(),
            status: self.status.clone(),
            version: PhantomData,
        }
    }
}

impl<V> PartialEq for Object<V> {
    fn eq(&self, other: &Self) -> bool {
        self.metadata == other.metadata && self.spec == other.spec && self.status == other.status
    }
}

impl<V: Version> fmt::Debug for Object<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(KIND)
            .field("version", &V::NAME)
            .field("metadata", &self.metadata)
            .field("spec", &self.spec)
            .field("status", &self.status)
            .finish()
    }
}

impl<V: Version> Resource for Object<V> {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        KIND.into()
    }

    fn group((): &()) -> Cow<'_, str> {
        GROUP.into()
    }

    fn version((): &()) -> Cow<'_, str> {
        V::NAME.into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        PLURAL.into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl<V: Version> Serialize for Object<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = 4 + usize::from(self.status.is_some());
        let mut object = serializer.serialize_struct(KIND, fields)?;
        object.serialize_field("apiVersion", &Self::group_version())?;
        object.serialize_field("kind", KIND)?;
        object.serialize_field("metadata", &self.metadata)?;
        object.serialize_field("spec", &self.spec)?;
        if let Some(status) = &self.status {
            object.serialize_field("status", status)?;
        }
        object.end()
    }
}

/// The fields that are read; version and kind are what was asked for.
#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Option<Spec>,
    #[serde(default)]
    status: Option<Status>,
}

impl<'de, V> Deserialize<'de> for Object<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Fields { metadata, spec, status } = Fields::deserialize(deserializer)?;
        Ok(Self { metadata, spec: spec.unwrap_or_default(), status, version: PhantomData })
    }
}
