//! Artifacts as others make them, stored in the embedded registry without a request.

use std::{collections::BTreeMap, io::Write as _};

use flate2::{Compression, write::GzEncoder};
use oci_artifact::name::Digest;
use oci_testkit::registry::Registry;
use serde_json::{Value, json};

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const FLUX: &str = "application/vnd.cncf.flux.content.v1.tar+gzip";
pub(crate) const DOCKER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// An image: a manifest with layers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Image {
    layers: Vec<(String, Vec<u8>)>,
    annotations: BTreeMap<String, String>,
}

impl Image {
    /// One layer of the usual type, with these files.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self::default().layer(FLUX, &archive(files))
    }

    /// One layer with one file that says `text`.
    pub(crate) fn saying(text: &str) -> Self {
        Self::of(&[("app.yaml", text)])
    }

    /// With one more layer.
    pub(crate) fn layer(mut self, media_type: &str, bytes: &[u8]) -> Self {
        self.layers.push((media_type.to_owned(), bytes.to_vec()));
        self
    }

    /// With one more annotation of the manifest.
    pub(crate) fn annotated(mut self, name: &str, value: &str) -> Self {
        self.annotations.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Stores it under a tag, and returns the manifest's digest.
    pub(crate) fn push(&self, registry: &Registry, repository: &str, tag: &str) -> Digest {
        for (_, bytes) in &self.layers {
            registry.put_blob(repository, bytes);
        }
        let config = registry.put_blob(repository, b"{}");
        let layers: Vec<Value> = self
            .layers
            .iter()
            .map(|(kind, bytes)| {
                json!({ "mediaType": kind, "digest": Digest::of(bytes).to_string(), "size": bytes.len() })
            })
            .collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.cncf.flux.config.v1+json",
                "digest": config.to_string(),
                "size": 2,
            },
            "layers": layers,
            "annotations": self.annotations,
        });
        registry.put_manifest(repository, tag, MANIFEST, manifest.to_string().as_bytes())
    }
}

/// Stores an index of `(os, architecture, digest)` under a tag.
pub(crate) fn push_index(
    registry: &Registry,
    repository: &str,
    tag: &str,
    children: &[(&str, &str, &Digest)],
) -> Digest {
    let manifests: Vec<Value> = children
        .iter()
        .map(|(os, architecture, digest)| {
            let size = registry.manifest(repository, &digest.to_string()).unwrap().len();
            json!({
                "mediaType": MANIFEST,
                "digest": digest.to_string(),
                "size": size,
                "platform": { "os": os, "architecture": architecture },
            })
        })
        .collect();
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
    registry.put_manifest(repository, tag, INDEX, index.to_string().as_bytes())
}

/// A tar with gzip.
pub(crate) fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    compressed(&builder.into_inner().unwrap())
}

/// The same bytes in gzip.
pub(crate) fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The regular files of a tar with gzip.
pub(crate) fn files(bytes: &[u8]) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes));
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() {
            let name = entry.path().unwrap().to_string_lossy().trim_start_matches("./").to_owned();
            let mut text = String::new();
            std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
            files.insert(name, text);
        }
    }
    files
}
