//! Manifests, indexes and errors of registries.

use oci_artifact::manifest::{Document, LayerSelector, OCI_INDEX, OCI_MANIFEST, Platform, to_bytes};
use oci_registry::WireErrors;

use crate::is_line;

/// A document as it is served, under several types.
pub(crate) fn manifests(bytes: &[u8]) {
    for content_type in [None, Some(OCI_MANIFEST), Some(OCI_INDEX), Some("application/json; a=b")] {
        match Document::parse(bytes, content_type) {
            Ok(document) => sound(&document),
            Err(error) => is_line(&error.to_string()),
        }
    }
}

fn sound(document: &Document) {
    let (bytes, selected) = match document {
        Document::Manifest(manifest) => {
            let by_type =
                LayerSelector::MediaType("application/vnd.cncf.flux.content.v1.tar+gzip".to_owned());
            for selector in [LayerSelector::First, LayerSelector::Index(1), by_type] {
                if let Err(error) = selector.select(manifest) {
                    is_line(&error.to_string());
                }
            }
            (to_bytes(manifest), None)
        }
        Document::Index(index) => (to_bytes(index), Some(index.child(&Platform::linux_amd64()))),
    };
    if let Some(Err(error)) = selected {
        is_line(&error.to_string());
    }
    let again = Document::parse(&bytes, None).unwrap();
    assert_eq!(again.media_type(), document.media_type());
    assert_eq!(again.annotations(), document.annotations());
}

/// The body of an answer that is an error.
pub(crate) fn errors(bytes: &[u8]) {
    let errors = WireErrors::parse(bytes);
    let text = errors.to_string();
    assert!(errors.is_empty() || text.len() <= 16 << 10 && !text.chars().any(char::is_control), "{text:?}");
}
