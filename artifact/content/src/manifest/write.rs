//! The bytes of our own manifests, equal to what the Flux CLI writes for the same input.
//!
//! Compact JSON in Flux's member order; `&`, `<`, `>`, U+2028 and U+2029 escaped as Go's encoder does, so that URLs
//! with a query give the same digest from both tools.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Descriptor, FLUX_CONFIG, Manifest};
use crate::name::Digest;

/// The config blob of every Flux artifact since 2.9: a constant, so a repository stores it once. No consumer reads it.
pub const CONFIG_BYTES: &[u8] = br#"{"architecture":"","created":"0001-01-01T00:00:00Z","os":"","rootfs":{"type":"layers","diff_ids":null},"config":{}}"#;

/// The config blob of a manifest that needs none.
pub const EMPTY_BYTES: &[u8] = b"{}";

/// The descriptor of [`CONFIG_BYTES`].
pub fn config_descriptor() -> Descriptor {
    Descriptor::new(FLUX_CONFIG, Digest::of(CONFIG_BYTES), CONFIG_BYTES.len() as u64)
}

/// A Flux artifact with one content layer: the manifest and its exact bytes.
pub fn artifact_manifest(layer: Descriptor, annotations: BTreeMap<String, String>) -> (Manifest, Vec<u8>) {
    let manifest = Manifest::new(config_descriptor(), vec![layer], annotations);
    let bytes = to_bytes(&manifest);
    (manifest, bytes)
}

/// Compact JSON of a manifest or an index, escaped as Go's encoder does.
pub fn to_bytes(document: &impl Serialize) -> Vec<u8> {
    // The types serialise without maps of non-string keys or failing impls; an empty body would be refused by
    // every registry, so nothing wrong can be stored.
    let json = serde_json::to_string(document).unwrap_or_default();
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        // These five can only stand inside strings.
        match c {
            '&' => out.push_str("\\u0026"),
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            other => out.push(other),
        }
    }
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Document, FLUX_CONTENT};

    #[test]
    fn config_is_the_constant_of_flux() {
        assert_eq!(CONFIG_BYTES.len(), 115);
        assert_eq!(
            config_descriptor().digest.to_string(),
            "sha256:5b943e2b943f6c81dbbd4e2eca5121f4fcc39139e3d1219d6d89bd925b77d9fe"
        );
    }

    #[test]
    fn manifest_bytes_are_those_of_flux() {
        let layer = Descriptor::new(FLUX_CONTENT, Digest::of(b"abc"), 3);
        let annotations = BTreeMap::from([
            ("org.opencontainers.image.source".to_owned(), "https://git.example/a?b=<c>&d".to_owned()),
            ("a".to_owned(), "1".to_owned()),
        ]);
        let (manifest, bytes) = artifact_manifest(layer, annotations);
        assert_eq!(
            String::from_utf8(bytes.clone()).unwrap(),
            concat!(
                r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","#,
                r#""config":{"mediaType":"application/vnd.cncf.flux.config.v1+json","size":115,"#,
                r#""digest":"sha256:5b943e2b943f6c81dbbd4e2eca5121f4fcc39139e3d1219d6d89bd925b77d9fe"},"#,
                r#""layers":[{"mediaType":"application/vnd.cncf.flux.content.v1.tar+gzip","size":3,"#,
                r#""digest":"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}],"#,
                r#""annotations":{"a":"1","org.opencontainers.image.source":"#,
                r#""https://git.example/a?b=\u003cc\u003e\u0026d"}}"#
            )
        );
        assert_eq!(Document::parse(&bytes, None).unwrap(), Document::Manifest(manifest));
    }
}
