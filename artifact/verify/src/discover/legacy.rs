//! Legacy signatures, by a tag.

use oci_artifact::{
    limits::SIGNATURE_BYTES,
    manifest::{Descriptor, Document},
    name::Target,
};

use super::{Search, push, unreachable};
use crate::{Format, Found, LEGACY_TYPE, Legacy, Material, Part, Reason, legacy::tag_of, reason::excerpt};

impl Search<'_> {
    /// Looks at the layers behind the tag, one after the other.
    pub(super) async fn by_tag(&mut self) {
        let Some(tag) = tag_of(self.artifact) else { return };
        let fetched = match self.client.manifest(&Target::Tag(tag)).await {
            Ok(fetched) => fetched,
            Err(error) if error.is_not_found() => return,
            Err(error) => {
                self.found.legacy = unreachable(&error);
                self.failed = Some(error);
                return;
            }
        };
        let Document::Manifest(manifest) = fetched.document else {
            self.refuse(Format::Legacy, &fetched.digest, Reason::Index);
            return;
        };
        for layer in &manifest.layers {
            if self.may_fetch() && self.legacy(layer).await {
                return;
            }
        }
    }

    async fn legacy(&mut self, layer: &Descriptor) -> bool {
        let format = Format::Legacy;
        if layer.media_type != LEGACY_TYPE {
            self.refuse(format, &layer.digest, Reason::MediaType(excerpt(&layer.media_type)));
            return false;
        }
        let annotations = layer.annotations.iter().map(|(key, value)| key.len() + value.len());
        if annotations.sum::<usize>() > SIGNATURE_BYTES {
            let reason = Reason::TooLarge { part: Part::Signature, limit: SIGNATURE_BYTES };
            self.refuse(format, &layer.digest, reason);
            return false;
        }
        let Some(payload) = self.layer(layer, format).await else { return false };
        let legacy = Legacy { payload, annotations: layer.annotations.clone() };
        push(&mut self.found.legacy, legacy.clone());
        (self.enough)(&Material { legacy: Found::Here(vec![legacy]), ..Material::default() })
    }
}
