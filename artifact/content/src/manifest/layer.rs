//! Which layer of a manifest is the content.

use super::{Descriptor, Error, Manifest};

/// How the content layer is chosen. Flux takes the first; its `layerSelector` goes by media type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LayerSelector {
    /// The first layer.
    #[default]
    First,
    /// The layer at an index, from 0.
    Index(usize),
    /// The first layer of a media type.
    MediaType(String),
}

impl LayerSelector {
    /// The layer in `manifest` that this selects.
    pub fn select<'a>(&self, manifest: &'a Manifest) -> Result<&'a Descriptor, Error> {
        let layers = &manifest.layers;
        let first = layers.first().ok_or(Error::NoLayers)?;
        match self {
            Self::First => Ok(first),
            Self::Index(index) => {
                layers.get(*index).ok_or(Error::LayerIndex { index: *index, count: layers.len() })
            }
            Self::MediaType(wanted) => {
                layers.iter().find(|layer| layer.media_type == *wanted).ok_or_else(|| Error::LayerMediaType {
                    wanted: wanted.clone(),
                    found: layers.iter().take(20).map(|layer| layer.media_type.clone()).collect(),
                })
            }
        }
    }
}
