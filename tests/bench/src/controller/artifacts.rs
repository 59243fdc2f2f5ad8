//! Artifacts in the embedded registry.

use std::{fmt::Write as _, io::Write as _};

use flate2::{Compression, write::GzEncoder};
use oci_artifact::manifest::{FLUX_CONFIG, FLUX_CONTENT, OCI_MANIFEST};
use oci_testkit::registry::Registry;
use serde_json::json;

/// A layer with files of these sizes, whose bytes are half as large when compressed.
pub(crate) fn layer(seed: u64, files: &[usize]) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::new(6)));
    for (index, size) in files.iter().enumerate() {
        let mut content = String::with_capacity(*size);
        while content.len() < *size {
            let _ = writeln!(content, "key-{}: {:x}", random.u32(..97), random.u64(..));
        }
        content.truncate(*size);
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive
            .append_data(&mut header, format!("d{:03}/f{index:05}.yaml", index / 256), content.as_bytes())
            .unwrap();
    }
    let mut encoder = archive.into_inner().unwrap();
    encoder.flush().unwrap();
    encoder.finish().unwrap()
}

/// Stores an artifact with that layer.
pub(crate) fn push(registry: &Registry, repository: &str, tag: &str, layer: &[u8]) {
    let config = registry.put_blob(repository, b"{}");
    let digest = registry.put_blob(repository, layer);
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": { "mediaType": FLUX_CONFIG, "digest": config.to_string(), "size": 2 },
        "layers": [{ "mediaType": FLUX_CONTENT, "digest": digest.to_string(), "size": layer.len() }],
        "annotations": {
            "org.opencontainers.image.source": "https://example.org/app.git",
            "org.opencontainers.image.revision": "main@sha1:b3b00fe35424a45d373bf4c7214178bc36fd7872",
        },
    });
    registry.put_manifest(repository, tag, OCI_MANIFEST, manifest.to_string().as_bytes());
}
