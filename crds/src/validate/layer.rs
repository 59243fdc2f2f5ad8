//! `spec.layerSelector`: which layer is the content, and what is done with it.

use oci_artifact::manifest::LayerSelector;

use super::{Code, Fault, Layer, Operation, Path, fault::quote, given};
use crate::v1::Spec;

/// The layer.
pub(super) fn check(spec: &Spec, faults: &mut Vec<Fault>) -> Option<Layer> {
    let Some(wanted) = &spec.layer_selector else {
        return Some(Layer::default());
    };
    let selector = match given(wanted.media_type.as_ref()) {
        None => LayerSelector::First,
        Some(text) => {
            if !is_media_type(text) {
                let message =
                    format!("{} is not of the form `type/subtype`: no layer can have it", quote(text));
                let path = Path::new("spec.layerSelector.mediaType");
                let hint = "`kubectl oci inspect artifact` shows the media types of an artifact's layers";
                faults.push(Fault::new(Code::LayerMediaType, &path, Some(text), message).hint(hint));
            }
            LayerSelector::MediaType(text.to_owned())
        }
    };
    let operation = match given(wanted.operation.as_ref()) {
        None | Some("extract") => Operation::Extract,
        Some("copy") => Operation::Copy,
        Some(text) => {
            let message = format!("{} is neither `extract` nor `copy`", quote(text));
            faults.push(Fault::new(
                Code::LayerOperation,
                &Path::new("spec.layerSelector.operation"),
                Some(text),
                message,
            ));
            return None;
        }
    };
    Some(Layer { selector, operation })
}

/// RFC 6838, section 4.2: two restricted names of at most 127 characters. Parameters are not part of a layer's type.
fn is_media_type(text: &str) -> bool {
    let is_name = |name: &str| {
        name.len() <= 127
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    text.split_once('/').is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}
