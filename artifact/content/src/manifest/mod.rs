//! Manifests, indexes and descriptors: strict parsing of foreign ones, deterministic bytes of our own.
//!
//! OCI image-spec 1.1 ("Image Manifest", "Image Index", "Content Descriptors") and the Docker schema-2 forms of both.
//! A foreign document is kept and sent on as its bytes and never written again from its parsed form, so fields that
//! are not read here survive.

mod annotations;
mod descriptor;
mod document;
mod error;
mod layer;
mod media_type;
mod write;

pub use annotations::{Annotation, AnnotationError, CREATED, REVISION, SOURCE};
pub use descriptor::{Descriptor, Platform};
pub use document::{Document, Index, Manifest};
pub use error::Error;
pub use layer::LayerSelector;
pub use media_type::{
    DOCKER_INDEX, DOCKER_MANIFEST, EMPTY, FLUX_CONFIG, FLUX_CONTENT, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST,
    accept_manifests, is_index, is_manifest,
};
pub use write::{CONFIG_BYTES, EMPTY_BYTES, artifact_manifest, config_descriptor, to_bytes};
