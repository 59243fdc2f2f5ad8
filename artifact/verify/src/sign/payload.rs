//! The old format: a payload as a layer, the signature in its annotations, all signatures of an artifact in one image.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use oci_artifact::{
    manifest::{Descriptor, Document, Manifest, OCI_CONFIG, OCI_MANIFEST, to_bytes},
    name::{Digest, Repository, Tag},
};
use serde_json::{Value, json};

use super::{Notes, SigningError, SigningKey};
use crate::{LEGACY_TYPE, annotation, legacy::KIND};

/// A signature that is to be added to the image of an artifact's signatures.
#[derive(Clone, Debug)]
pub struct Payload {
    /// The layer, with its annotations.
    pub layer: Descriptor,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The image with one more signature.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its config.
    pub config: Descriptor,
    /// The bytes of it.
    pub config_bytes: Vec<u8>,
    /// The manifest.
    pub manifest: Vec<u8>,
}

impl Payload {
    /// Signs an artifact under the name of its repository.
    pub fn sign(
        key: &SigningKey,
        repository: &Repository,
        artifact: &Digest,
        notes: &Notes,
    ) -> Result<Self, SigningError> {
        let payload = json!({
            "critical": {
                "identity": { "docker-reference": repository.to_string() },
                "image": { "docker-manifest-digest": artifact.to_string() },
                "type": KIND,
            },
            "optional": if notes.is_empty() { Value::Null } else { json!(notes) },
        });
        let bytes = payload.to_string().into_bytes();
        let signature = STANDARD.encode(key.sign(&bytes)?);
        let layer = Descriptor {
            annotations: BTreeMap::from([(annotation::SIGNATURE.to_owned(), signature)]),
            ..Descriptor::new(LEGACY_TYPE, Digest::of(&bytes), bytes.len() as u64)
        };
        Ok(Self { layer, bytes })
    }

    /// The image with this signature after those that are there; `None` if `key` signed the same before.
    pub fn added_to(
        &self,
        key: &SigningKey,
        existing: Option<&Document>,
        place: &Tag,
    ) -> Result<Option<Image>, SigningError> {
        let occupied = |why: &str| SigningError::Occupied { place: place.to_string(), why: why.to_owned() };
        let mut image = match existing {
            Some(Document::Manifest(manifest)) if manifest.media_type == OCI_MANIFEST => manifest.clone(),
            Some(Document::Manifest(_)) => return Err(occupied("it is an image of Docker's format")),
            Some(Document::Index(_)) => return Err(occupied("it is an index, not an image")),
            None => Manifest::new(self.layer.clone(), Vec::new(), BTreeMap::new()),
        };
        if image.layers.iter().any(|layer| self.is_same(key, layer)) {
            return Ok(None);
        }
        image.layers.push(self.layer.clone());
        let config_bytes = config(&image.layers);
        image.config = Descriptor::new(OCI_CONFIG, Digest::of(&config_bytes), config_bytes.len() as u64);
        Ok(Some(Image { config: image.config.clone(), config_bytes, manifest: to_bytes(&image) }))
    }

    fn is_same(&self, key: &SigningKey, layer: &Descriptor) -> bool {
        let signature = layer.annotations.get(annotation::SIGNATURE);
        let signature = signature.and_then(|text| STANDARD.decode(text).ok());
        layer.digest == self.layer.digest && signature.is_some_and(|made| key.made(&self.bytes, &made))
    }
}

/// Layers are not compressed, so their digests are those of their content.
fn config(layers: &[Descriptor]) -> Vec<u8> {
    let content: Vec<String> = layers.iter().map(|layer| layer.digest.to_string()).collect();
    json!({
        "architecture": "",
        "config": {},
        "created": "0001-01-01T00:00:00Z",
        "os": "",
        "rootfs": { "type": "layers", "diff_ids": content },
    })
    .to_string()
    .into_bytes()
}
